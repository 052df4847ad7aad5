namespace Berth.Contracts.Environments;

/// <summary>
/// What an environment is: an image and how to start it. Body of <c>POST /api/data/environments</c> (a global one)
/// and of a launcher's inline custom environment; PATCH merges into it. Limits are Renku's.
/// </summary>
/// <param name="Name">1–99 characters.</param>
/// <param name="ContainerImage">3–500 characters, as the engine reads it: <c>[registry/]name[:tag|@digest]</c>.</param>
/// <param name="Description">Up to 500 characters.</param>
/// <param name="DefaultUrl">Path that opens first, up to 200 characters; <c>/lab</c> when null.</param>
/// <param name="Port">1–65399; 8080 when null.</param>
/// <param name="Uid">1–65535; 1000 when absent; explicit null keeps the image's own.</param>
/// <param name="Gid">1–65535; 1000 when absent; explicit null keeps the image's own.</param>
/// <param name="WorkingDirectory">Absolute; null: the image's.</param>
/// <param name="MountDirectory">Absolute; where the workspace is; null: <c>/work</c>.</param>
/// <param name="Command">Replaces the image's ENTRYPOINT; null keeps it.</param>
/// <param name="Args">Replaces the image's CMD; null keeps it.</param>
/// <param name="IsArchived">Hidden from lists unless <c>include_archived</c>.</param>
/// <param name="StripPathPrefix">The app does not know its base path: it is stripped before requests reach it.</param>
/// <param name="EnvironmentImageSource"><c>image</c>; <c>build</c> comes with builds.</param>
/// <param name="EnvironmentKind"><c>CUSTOM</c> in a launcher, else <c>GLOBAL</c>; may be left out.</param>
public sealed record EnvironmentRequest(
    string Name, string ContainerImage, string? Description = null, string? DefaultUrl = "/lab", int? Port = 8080,
    int? Uid = 1000, int? Gid = 1000, string? WorkingDirectory = null, string? MountDirectory = null,
    IReadOnlyList<string>? Command = null, IReadOnlyList<string>? Args = null, bool IsArchived = false,
    bool StripPathPrefix = false, string? EnvironmentImageSource = "image", string? EnvironmentKind = null);

/// <summary>An environment as sent; see <see cref="EnvironmentRequest"/> for the fields both have.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">Shown name.</param>
/// <param name="ContainerImage">The image.</param>
/// <param name="Description">Null when not given.</param>
/// <param name="DefaultUrl">Path that opens first.</param>
/// <param name="Port">Port of the front end.</param>
/// <param name="Uid">Null: the image's own.</param>
/// <param name="Gid">Null: the image's own.</param>
/// <param name="WorkingDirectory">Null: the image's own.</param>
/// <param name="MountDirectory">Null: <c>/work</c>.</param>
/// <param name="Command">Null: the image's own.</param>
/// <param name="Args">Null: the image's own.</param>
/// <param name="IsArchived">Hidden from lists.</param>
/// <param name="StripPathPrefix">See the request.</param>
/// <param name="EnvironmentKind"><c>GLOBAL</c> (kept by admins) or <c>CUSTOM</c> (of one launcher).</param>
/// <param name="EnvironmentImageSource"><c>image</c>.</param>
/// <param name="CreatedBy">User id.</param>
/// <param name="CreationDate">When it was made.</param>
public sealed record EnvironmentView(
    string Id, string Name, string ContainerImage, string? Description, string DefaultUrl, int Port, int? Uid, int? Gid,
    string? WorkingDirectory, string? MountDirectory, IReadOnlyList<string>? Command, IReadOnlyList<string>? Args,
    bool IsArchived, bool StripPathPrefix, string EnvironmentKind, string EnvironmentImageSource,
    string CreatedBy, DateTimeOffset CreationDate);
