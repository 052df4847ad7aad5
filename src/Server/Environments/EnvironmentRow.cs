using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Environments;
using Berth.Contracts.Json;
using Berth.Core.Ids;
using Dapper;

namespace Berth.Server.Environments;

/// <summary>An environment as stored.</summary>
public sealed class EnvironmentRow
{
    public const string Global = "GLOBAL";
    public const string Custom = "CUSTOM";

    public string Id { get; init; } = "";
    public string Kind { get; init; } = "";
    public string Name { get; init; } = "";
    public string? Description { get; init; }
    public string ContainerImage { get; init; } = "";
    public string DefaultUrl { get; init; } = "";
    public int Port { get; init; }
    public int? Uid { get; init; }
    public int? Gid { get; init; }
    public string? WorkingDirectory { get; init; }
    public string? MountDirectory { get; init; }
    public string? Command { get; init; }
    public string? Args { get; init; }
    public bool StripPathPrefix { get; init; }
    public string ImageSource { get; init; } = "";
    public bool IsArchived { get; init; }
    public string CreatedBy { get; init; } = "";
    public long CreatedAt { get; init; }

    public EnvironmentView View() => new(
        Id, Name, ContainerImage, Description, DefaultUrl, Port, Uid, Gid, WorkingDirectory, MountDirectory, Words(Command), Words(Args),
        IsArchived, StripPathPrefix, Kind, ImageSource, CreatedBy, DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt));

    public EnvironmentRequest Request() => new(
        Name, ContainerImage, Description, DefaultUrl, Port, Uid, Gid, WorkingDirectory, MountDirectory, Words(Command), Words(Args),
        IsArchived, StripPathPrefix, ImageSource, Kind);

    /// <summary>Inserts a checked environment. Returns its id.</summary>
    internal static async Task<string> InsertAsync(DbConnection connection, EnvironmentRequest environment, string createdBy, TimeProvider clock)
    {
        var id = Ulid.New(clock);
        await connection.ExecuteAsync(
            """
            INSERT INTO environments (id, kind, name, description, container_image, default_url, port, uid, gid, working_directory,
                mount_directory, command, args, strip_path_prefix, image_source, is_archived, created_by, created_at)
            VALUES (@Id, @Kind, @Name, @Description, @ContainerImage, @DefaultUrl, @Port, @Uid, @Gid, @WorkingDirectory,
                @MountDirectory, @Command, @Args, @StripPathPrefix, @ImageSource, @IsArchived, @CreatedBy, @CreatedAt)
            """, From(environment, id, createdBy, clock.GetUtcNow().ToUnixTimeMilliseconds()));
        return id;
    }

    /// <summary>Writes a checked environment over the one of this id.</summary>
    internal static Task UpdateAsync(DbConnection connection, string id, EnvironmentRequest environment) =>
        connection.ExecuteAsync(
            """
            UPDATE environments SET name = @Name, description = @Description, container_image = @ContainerImage, default_url = @DefaultUrl,
                port = @Port, uid = @Uid, gid = @Gid, working_directory = @WorkingDirectory, mount_directory = @MountDirectory,
                command = @Command, args = @Args, strip_path_prefix = @StripPathPrefix, is_archived = @IsArchived
            WHERE id = @Id
            """, From(environment, id, "", 0));

    private static EnvironmentRow From(EnvironmentRequest e, string id, string createdBy, long createdAt) => new()
    {
        Id = id,
        Kind = e.EnvironmentKind!,
        Name = e.Name,
        Description = e.Description,
        ContainerImage = e.ContainerImage,
        DefaultUrl = e.DefaultUrl!,
        Port = e.Port!.Value,
        Uid = e.Uid,
        Gid = e.Gid,
        WorkingDirectory = e.WorkingDirectory,
        MountDirectory = e.MountDirectory,
        Command = Json(e.Command),
        Args = Json(e.Args),
        StripPathPrefix = e.StripPathPrefix,
        ImageSource = e.EnvironmentImageSource!,
        IsArchived = e.IsArchived,
        CreatedBy = createdBy,
        CreatedAt = createdAt,
    };

    private static string? Json(IReadOnlyList<string>? words) =>
        words is null ? null : JsonSerializer.Serialize(words, BerthJson.Default.IReadOnlyListString);

    private static IReadOnlyList<string>? Words(string? json) =>
        json is null ? null : JsonSerializer.Deserialize(json, BerthJson.Default.IReadOnlyListString);
}
