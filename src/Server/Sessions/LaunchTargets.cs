using System.Data.Common;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Ids;
using Berth.Core.Sessions;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Storage;
using Dapper;
using SessionResources = Berth.Core.Sessions.SessionResources;

namespace Berth.Server.Sessions;

/// <summary>What is started, before class and options.</summary>
/// <param name="LauncherId">Null: an unlisted launcher is made for it.</param>
/// <param name="ProjectId">Its project.</param>
/// <param name="Name">Of launcher, environment or image; sessions without a name are called after it.</param>
/// <param name="Spec">Image and how to start it; resources are filled in later.</param>
/// <param name="Variables">Of the launcher.</param>
/// <param name="Repositories">Of the project.</param>
/// <param name="ClassId">Of the launcher.</param>
/// <param name="DiskGb">Of the launcher.</param>
/// <param name="EnvironmentId">A global environment that is started without a launcher.</param>
public sealed record LaunchTarget(
    string? LauncherId, string ProjectId, string Name, SessionSpec Spec, IReadOnlyDictionary<string, string> Variables,
    IReadOnlyList<string> Repositories, int? ClassId = null, int? DiskGb = null, string? EnvironmentId = null)
{
    /// <summary>Names of the launcher's variables, with a value or without.</summary>
    public IReadOnlySet<string> VariableNames { get; init; } = new HashSet<string>();
}

/// <summary>Finds what a start is of, for a caller who may launch it.</summary>
public sealed class LaunchTargets(Db db, TimeProvider clock)
{
    private const string Environment = """
        SELECT e.id AS environment_id, e.name AS environment_name, e.container_image, e.default_url, e.port, e.uid, e.gid,
               e.working_directory, e.mount_directory, e.command, e.args
        """;

    private static readonly SessionResources NotChosenYet = new(0, 0, 0, GpuRequest.None);

    /// <summary>The launcher, environment, image, or (when nothing is named) the first global environment.</summary>
    public async Task<LaunchTarget> FindAsync(Caller caller, StartRequest request, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        if (request.LauncherId is { } launcher)
            return await LauncherAsync(caller, launcher, connection);
        var project = await ProjectAsync(caller, request.ProjectId, connection);
        if (request.Image is { } image)
        {
            var spec = new SessionSpec { Image = image, Resources = NotChosenYet };
            return new LaunchTarget(null, project.Id, image.Split('@')[0].Split('/')[^1].Split(':')[0], spec, new Dictionary<string, string>(), project.RepositoryUrls);
        }

        var row = await connection.QueryFirstOrDefaultAsync<TargetRow>(
            $"{Environment} FROM environments e WHERE e.kind = 'GLOBAL' AND (e.id = @id OR (@id IS NULL AND e.is_archived = @no)) ORDER BY e.id",
            new { id = request.EnvironmentId, no = false })
            ?? throw new ProblemException(
                ProblemCode.NotFound,
                request.EnvironmentId is { } id ? $"There is no environment '{id}'. List them: `berth environment list`." : "There is no environment yet. Start an image: `berth session start --image …`.",
                "environment_id");
        return new LaunchTarget(
            null, project.Id, row.EnvironmentName, row.ToSpec(NotChosenYet), new Dictionary<string, string>(), project.RepositoryUrls, EnvironmentId: row.EnvironmentId);
    }

    /// <summary>Names of a launcher's variables, those to be given at start among them.</summary>
    public async Task<IReadOnlySet<string>> VariablesAsync(Caller caller, string launcherId, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var target = await LauncherAsync(caller, launcherId, connection);
        return target.VariableNames;
    }

    /// <summary>Makes the unlisted launcher of an ad-hoc start, so that every session has one.</summary>
    public async Task<string> AddUnlistedAsync(Caller caller, LaunchTarget target, SessionSpec spec, DbConnection connection)
    {
        var environment = target.EnvironmentId ?? await AddCustomEnvironmentAsync(caller, target, spec, connection);
        var id = Ulid.New(clock);
        await connection.ExecuteAsync(
            """
            INSERT INTO session_launchers (id, project_id, environment_id, name, description, resource_class_id, disk_storage,
                launcher_type, env_variables, listed, created_by, created_at)
            VALUES (@id, @ProjectId, @environment, @name, NULL, NULL, NULL, 'interactive', '[]', @no, @UserId, @now)
            """,
            new { id, target.ProjectId, environment, name = Short(target.Name), no = false, caller.UserId, now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        return id;
    }

    private async Task<string> AddCustomEnvironmentAsync(Caller caller, LaunchTarget target, SessionSpec spec, DbConnection connection)
    {
        var id = Ulid.New(clock);
        await connection.ExecuteAsync(
            """
            INSERT INTO environments (id, kind, name, container_image, default_url, port, uid, gid, working_directory, mount_directory,
                command, args, strip_path_prefix, image_source, is_archived, created_by, created_at)
            VALUES (@id, 'CUSTOM', @name, @Image, @DefaultUrl, @Port, @Uid, @Gid, @WorkingDirectory, @MountDirectory,
                @command, @args, @no, 'image', @no, @UserId, @now)
            """,
            new
            {
                id,
                name = Short(target.Name),
                spec.Image,
                spec.DefaultUrl,
                spec.Port,
                spec.Uid,
                spec.Gid,
                spec.WorkingDirectory,
                spec.MountDirectory,
                command = List(spec.Command),
                args = List(spec.Args),
                no = false,
                caller.UserId,
                now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            });
        return id;

        static string? List(IReadOnlyList<string>? list) => list is null ? null : JsonSerializer.Serialize(list, SessionsJson.Default.IReadOnlyListString);
    }

    /// <summary>What a session was, to start it again as it was; from its image where its launcher is not there any more.</summary>
    public async Task<LaunchTarget> AgainAsync(Caller caller, StoredSession session, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        var target = await TryLauncherAsync(caller, session.Facts.LauncherId, connection);
        var (id, project) = target is null ? (null, (await ProjectAsync(caller, null, connection)).Id) : (target.LauncherId, target.ProjectId);
        // Its repositories come with its spec: branches and commits are there, too.
        return new LaunchTarget(id, project, session.Facts.Name, session.Spec, session.Spec.Environment, [], session.Facts.ClassId);
    }

    private static async Task<LaunchTarget> LauncherAsync(Caller caller, string launcherId, DbConnection connection) =>
        await TryLauncherAsync(caller, launcherId, connection)
        ?? throw new ProblemException(ProblemCode.NotFound, $"There is no launcher '{launcherId}'. List them: `berth launcher list`.", "launcher_id");

    private static async Task<LaunchTarget?> TryLauncherAsync(Caller caller, string launcherId, DbConnection connection)
    {
        var row = await connection.QueryFirstOrDefaultAsync<TargetRow>(
            $"""
            {Environment}, l.id AS launcher_id, l.name AS launcher_name, l.project_id, l.resource_class_id, l.disk_storage, l.env_variables, p.repositories
            FROM session_launchers l
            JOIN environments e ON e.id = l.environment_id
            JOIN projects p ON p.id = l.project_id
            WHERE l.id = @launcherId
              AND (p.visibility = 'public' OR EXISTS (SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = @UserId))
            """,
            new { launcherId = launcherId.ToUpperInvariant(), caller.UserId });
        if (row is null)
            return null;
        var variables = JsonSerializer.Deserialize(row.EnvVariables!, BerthJson.Default.IReadOnlyListEnvVariable) ?? [];
        return new LaunchTarget(
            row.LauncherId,
            row.ProjectId!,
            row.LauncherName!,
            row.ToSpec(NotChosenYet),
            variables.Where(v => v.Value is not null).ToDictionary(v => v.Name, v => v.Value!),
            Strings(row.Repositories) ?? [],
            row.ResourceClassId,
            row.DiskStorage)
        {
            VariableNames = variables.Select(v => v.Name).ToHashSet(),
        };
    }

    private static async Task<ProjectRow> ProjectAsync(Caller caller, string? projectId, DbConnection connection) =>
        await connection.QueryFirstOrDefaultAsync<ProjectRow>(
            projectId is null
                ? "SELECT id, repositories FROM projects WHERE personal_of = @UserId"
                : """
                  SELECT p.id, p.repositories FROM projects p
                  WHERE p.id = @projectId AND EXISTS (
                      SELECT 1 FROM project_members m WHERE m.project_id = p.id AND m.user_id = @UserId AND m.role IN ('owner', 'editor'))
                  """,
            new { projectId, caller.UserId })
        ?? throw new ProblemException(ProblemCode.NotFound, $"There is no project '{projectId}' that you may start ad-hoc sessions in. List yours: `berth project list`.", "project_id");

    private static string Short(string name) => name.Length > 99 ? name[..99] : name;

    private static IReadOnlyList<string>? Strings(string? json) =>
        json is null ? null : JsonSerializer.Deserialize(json, SessionsJson.Default.IReadOnlyListString);

    private sealed class ProjectRow
    {
        public required string Id { get; init; }
        public required string Repositories { get; init; }
        public IReadOnlyList<string> RepositoryUrls => Strings(Repositories) ?? [];
    }

    private sealed class TargetRow
    {
        public required string EnvironmentId { get; init; }
        public required string EnvironmentName { get; init; }
        public required string ContainerImage { get; init; }
        public required string DefaultUrl { get; init; }
        public int Port { get; init; }
        public int? Uid { get; init; }
        public int? Gid { get; init; }
        public string? WorkingDirectory { get; init; }
        public string? MountDirectory { get; init; }
        public string? Command { get; init; }
        public string? Args { get; init; }
        public string? LauncherId { get; init; }
        public string? LauncherName { get; init; }
        public string? ProjectId { get; init; }
        public int? ResourceClassId { get; init; }
        public int? DiskStorage { get; init; }
        public string? EnvVariables { get; init; }
        public string? Repositories { get; init; }

        public SessionSpec ToSpec(SessionResources resources) => new()
        {
            Image = ContainerImage,
            Command = Strings(Command),
            Args = Strings(Args),
            WorkingDirectory = WorkingDirectory,
            MountDirectory = MountDirectory ?? "/work",
            Uid = Uid,
            Gid = Gid,
            Port = Port,
            DefaultUrl = DefaultUrl,
            Resources = resources,
        };
    }
}
