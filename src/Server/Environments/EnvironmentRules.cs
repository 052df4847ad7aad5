using System.Text.RegularExpressions;
using Berth.Contracts.Environments;
using Berth.Server.Problems;

namespace Berth.Server.Environments;

/// <summary>What an environment may be, global or custom; limits are Renku's.</summary>
internal static partial class EnvironmentRules
{
    private const int MostWords = 100;
    private const int LongestWord = 4000;

    /// <param name="request">As sent, or as a PATCH made it.</param>
    /// <param name="kind">GLOBAL or CUSTOM.</param>
    /// <param name="prefix">Path of the environment in the body, with a dot at its end; empty: it is the body.</param>
    public static EnvironmentRequest Checked(EnvironmentRequest request, string kind, string prefix = "")
    {
        if (request.EnvironmentKind is not null && request.EnvironmentKind != kind)
            throw Check.Invalid($"{prefix}environment_kind", $"must be {kind} here; it is '{request.EnvironmentKind}'");
        if (request.EnvironmentImageSource is not (null or "image"))
            throw Check.Invalid($"{prefix}environment_image_source", $"must be image, for this version builds none; it is '{request.EnvironmentImageSource}'");
        return request with
        {
            Name = Check.Name(request.Name, $"{prefix}name"),
            ContainerImage = CheckImage(request.ContainerImage, $"{prefix}container_image"),
            Description = Check.Text(request.Description, $"{prefix}description"),
            DefaultUrl = CheckDefaultUrl(request.DefaultUrl ?? "/lab", $"{prefix}default_url"),
            Port = Check.Range(request.Port ?? 8080, 1, 65399, $"{prefix}port"),
            Uid = Check.Range(request.Uid, 1, 65535, $"{prefix}uid"),
            Gid = Check.Range(request.Gid, 1, 65535, $"{prefix}gid"),
            WorkingDirectory = Check.AbsolutePath(request.WorkingDirectory, $"{prefix}working_directory"),
            MountDirectory = CheckMount(Check.AbsolutePath(request.MountDirectory, $"{prefix}mount_directory"), $"{prefix}mount_directory"),
            Command = CheckWords(request.Command, $"{prefix}command"),
            Args = CheckWords(request.Args, $"{prefix}args"),
            EnvironmentKind = kind,
            EnvironmentImageSource = "image",
        };
    }

    public static string CheckImage(string? image, string field)
    {
        var trimmed = (image ?? "").Trim();
        if (trimmed.Length is < 3 or > 500)
            throw Check.Invalid(field, $"must have 3 to 500 characters; it has {trimmed.Length}");
        return ImageReference().IsMatch(trimmed)
            ? trimmed
            : throw Check.Invalid(field, $"must be an image such as ghcr.io/me/lab:1.0, its name in lower case; it is '{trimmed}'");
    }

    public static string CheckDefaultUrl(string url, string field) =>
        url is { Length: >= 1 and <= 200 } && url[0] == '/' && !url.StartsWith("//", StringComparison.Ordinal) && !url.Any(c => char.IsControl(c) || c is ' ' or '\\')
            ? url
            : throw Check.Invalid(field, $"must be a path of up to 200 characters that begins with one slash, such as /lab; it is '{url}'");

    private static string? CheckMount(string? path, string field) =>
        path is null || (path.TrimEnd('/').Length > 0 && !path.Contains(':') && !path.Contains(','))
            ? path
            : throw Check.Invalid(field, $"must be a directory below / without colon or comma in its path; it is '{path}'");

    private static IReadOnlyList<string>? CheckWords(IReadOnlyList<string>? words, string field)
    {
        if (words is null or { Count: 0 })
            return null;
        Check.Count(words, MostWords, field);
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] is not { Length: <= LongestWord } word || word.Contains('\0'))
                throw Check.Invalid($"{field}[{i}]", $"must be a text of up to {LongestWord} characters");
        }

        return words;
    }

    // https://github.com/distribution/reference: [host[:port]/]path[:tag][@digest]
    [GeneratedRegex(@"^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]{1,5})?/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[a-z0-9+._-]+:[a-fA-F0-9]{32,})?$", RegexOptions.ECMAScript)]
    private static partial Regex ImageReference();
}
