using System.Data.Common;
using Microsoft.Data.Sqlite;
using Npgsql;

namespace Berth.Server.Storage;

/// <summary>What an error of either database means.</summary>
public static class DbErrors
{
    // https://www.sqlite.org/rescode.html
    private const int SqliteBusy = 5;
    private const int SqliteLocked = 6;
    private const int SqliteConstraintPrimaryKey = 1555;
    private const int SqliteConstraintUnique = 2067;
    private const int SqliteConstraintForeignKey = 787;

    /// <summary>Somebody else was faster; the same transaction may succeed when it is repeated.</summary>
    public static bool IsTransient(this DbException e) => e switch
    {
        SqliteException sqlite => sqlite.SqliteErrorCode is SqliteBusy or SqliteLocked,
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected,
        _ => false,
    };

    /// <summary>A unique name or key is taken.</summary>
    public static bool IsUniqueViolation(this DbException e) => e switch
    {
        SqliteException sqlite => sqlite.SqliteExtendedErrorCode is SqliteConstraintPrimaryKey or SqliteConstraintUnique,
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.UniqueViolation,
        _ => false,
    };

    /// <summary>A row that is referred to is not there, or one that is referred to was to be deleted.</summary>
    public static bool IsForeignKeyViolation(this DbException e) => e switch
    {
        SqliteException sqlite => sqlite.SqliteExtendedErrorCode is SqliteConstraintForeignKey,
        PostgresException postgres => postgres.SqlState is PostgresErrorCodes.ForeignKeyViolation,
        _ => false,
    };

    /// <summary>A text holds what this database cannot store: a null character, which JSON can write.</summary>
    public static bool IsUnstorableText(this DbException e) => e is PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire };
}
