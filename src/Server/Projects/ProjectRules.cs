using Berth.Contracts.Projects;
using Berth.Server.Auth;
using Berth.Server.Problems;

namespace Berth.Server.Projects;

/// <summary>What a project may be; the same for POST and for what comes out of a PATCH.</summary>
internal static class ProjectRules
{
    private const int MostRepositories = 20;
    private const int MostKeywords = 20;

    public static ProjectRequest Checked(ProjectRequest request, Caller caller)
    {
        Check.Count(request.Repositories, MostRepositories, "repositories");
        Check.Count(request.Keywords, MostKeywords, "keywords");
        return request with
        {
            Name = Check.Name(request.Name, "name"),
            Slug = request.Slug is null ? null : CheckSlug(request.Slug),
            Repositories = [.. (request.Repositories ?? []).Select((url, i) => CheckRepository(url, $"repositories[{i}]", caller)).Distinct()],
            Visibility = Check.OneOf(request.Visibility ?? "private", "visibility", "private", "public"),
            Description = Check.Text(request.Description, "description"),
            Keywords = [.. (request.Keywords ?? []).Select((word, i) => Check.Name(word, $"keywords[{i}]")).Distinct()],
        };
    }

    /// <summary>A slug made of a name: "My Project!" is my-project.</summary>
    public static string SlugFrom(string name)
    {
        var dashed = new string([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);
        var slug = string.Join('-', dashed.Split('-', StringSplitOptions.RemoveEmptyEntries));
        return slug.Length == 0 ? "project" : slug[..Math.Min(slug.Length, 90)].Trim('-');
    }

    /// <summary>A URL that git can clone from; without a password in it, which every member and session would see.</summary>
    public static string CheckRepository(string? url, string field, Caller caller)
    {
        if (url is not { Length: > 0 and <= 2000 } || url.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) || url[0] == '-')
            throw Check.Invalid(field, "must be a git URL of up to 2000 characters, without spaces");
        if (url[0] == '/')
        {
            return caller.IsLocal
                ? url
                : throw Check.Invalid(field, "must be a URL: a path of the server's machine can be given only by who runs the server, through its local socket");
        }

        if (Uri.TryCreate(url, UriKind.Absolute, out var uri) && url.Contains("://", StringComparison.Ordinal))
        {
            if (uri.Scheme is not ("https" or "http" or "ssh" or "git") || uri.Host.Length == 0)
                throw Check.Invalid(field, $"must begin with https://, http://, ssh:// or git://; it is '{url}'");
            if (uri.UserInfo.Contains(':') || (uri.UserInfo.Length > 0 && uri.Scheme is "https" or "http"))
                throw Check.Invalid(field, "must not hold a user name or password: every member would see it");
            return url;
        }

        // git's short form of ssh: user@host:path
        return url.Split(':', 2) is [{ Length: > 0 } host, { Length: > 0 }] && !host.Contains('/') && host.Contains('@') && host[^1] != '@'
            ? url
            : throw Check.Invalid(field, $"must be a git URL such as https://example.org/me/code.git; it is '{url}'");
    }

    private static string CheckSlug(string slug) =>
        slug is { Length: >= 1 and <= 99 } && slug.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && slug[0] != '-' && slug[^1] != '-'
            ? slug
            : throw Check.Invalid("slug", $"must have 1 to 99 lower-case letters, digits and dashes, no dash at either end; it is '{slug}'");
}
