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
    private const int SqliteReadOnly = 8;
    private const int SqliteInputOutput = 10;
    private const int SqliteCorrupt = 11;
    private const int SqliteFull = 13;
    private const int SqliteCannotOpen = 14;
    private const int SqliteNotADatabase = 26;

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

    /// <summary>
    /// What keeps the database from doing its work, whatever it is asked: "its disk is full". Null: the error is about what
    /// was asked. Nothing was changed, and the same may succeed once that is mended.
    /// </summary>
    public static string? Trouble(this DbException e) => e switch
    {
        SqliteException sqlite => sqlite.SqliteErrorCode switch
        {
            SqliteFull => "its disk is full",
            SqliteReadOnly => "it can only be read",
            SqliteBusy or SqliteLocked => "another program has locked it",
            SqliteCannotOpen => "its file cannot be opened",
            SqliteInputOutput => "its disk has a fault",
            SqliteCorrupt or SqliteNotADatabase => "its file is damaged: restore a backup",
            _ => null,
        },
        PostgresException postgres => postgres.SqlState switch
        {
            PostgresErrorCodes.DiskFull => "its disk is full",
            PostgresErrorCodes.ReadOnlySqlTransaction => "it can only be read",
            PostgresErrorCodes.TooManyConnections => "it has no connection left",
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown => "it has just been stopped",
            PostgresErrorCodes.CannotConnectNow => "it is starting",
            _ => postgres.IsTransient ? "it is busy" : null,
        },
        // No answer at all: the connection was refused, cut, or timed out.
        NpgsqlException => "it cannot be reached",
        _ => null,
    };
}
