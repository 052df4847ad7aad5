namespace Berth.Contracts.Projects;

/// <summary>Body of <c>POST /api/data/projects</c>; PATCH merges into it.</summary>
/// <param name="Name">1–99 characters.</param>
/// <param name="Namespace">The owner's user name when null. Cannot be changed.</param>
/// <param name="Slug">Made from the name when null: lower case, digits and dashes. Cannot be changed.</param>
/// <param name="Repositories">Git URLs (https, ssh, or a local path where the server allows it), cloned into every session.</param>
/// <param name="Visibility"><c>private</c> (default) or <c>public</c>: readable by every signed-in user.</param>
/// <param name="Description">Up to 500 characters.</param>
/// <param name="Keywords">For search; up to 20 of up to 99 characters.</param>
public sealed record ProjectRequest(
    string Name, string? Namespace = null, string? Slug = null, IReadOnlyList<string>? Repositories = null,
    string? Visibility = null, string? Description = null, IReadOnlyList<string>? Keywords = null);

/// <summary>A project as sent.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">Shown name.</param>
/// <param name="Namespace">With the slug: the project's unique path.</param>
/// <param name="Slug">See <paramref name="Namespace"/>.</param>
/// <param name="Etag">Changes with every edit; PATCH must send it in <c>If-Match</c>.</param>
/// <param name="CreatedBy">User id.</param>
/// <param name="CreationDate">When it was made.</param>
/// <param name="Repositories">Git URLs.</param>
/// <param name="Visibility"><c>private</c> or <c>public</c>.</param>
/// <param name="Description">Null when not given.</param>
/// <param name="Keywords">Possibly empty.</param>
/// <param name="Role">What the caller is in it: owner, editor or viewer.</param>
/// <param name="Personal">True for the user's own project that holds ad-hoc sessions; it cannot be deleted.</param>
public sealed record ProjectView(
    string Id, string Name, string Namespace, string Slug, string Etag, string CreatedBy, DateTimeOffset CreationDate,
    IReadOnlyList<string> Repositories, string Visibility, string? Description, IReadOnlyList<string> Keywords,
    string Role, bool Personal);

/// <summary>One entry of <c>PATCH /api/data/projects/{id}/members</c>.</summary>
/// <param name="Id">User id, or user name.</param>
/// <param name="Role">owner, editor or viewer.</param>
public sealed record MemberRequest(string Id, string Role);

/// <summary>A member of a project.</summary>
/// <param name="Id">User id.</param>
/// <param name="Username">User name.</param>
/// <param name="Role">owner, editor or viewer.</param>
public sealed record MemberView(string Id, string Username, string Role);
