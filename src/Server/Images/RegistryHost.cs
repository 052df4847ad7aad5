using System.Text.RegularExpressions;
using Berth.Server.Problems;

namespace Berth.Server.Images;

/// <summary>A registry, as images' names begin.</summary>
public static partial class RegistryHost
{
    /// <summary>The registry of names without one.</summary>
    public const string Hub = "docker.io";

    /// <summary>In the one spelling that it is kept in.</summary>
    public static string Checked(string host, string field)
    {
        var name = host.Trim().ToLowerInvariant();
        if (name.Length > 255 || !Grammar().IsMatch(name))
            throw Check.Invalid(field, $"must be a host such as ghcr.io or registry.example.org:5000, without https:// and path; it is '{host}'");
        return name is "index.docker.io" or "registry-1.docker.io" or "hub.docker.com" ? Hub : name;
    }

    /// <summary>Of an image's name.</summary>
    public static string Of(string image)
    {
        var first = image.Contains('/') ? image[..image.IndexOf('/')] : "";
        return first.Contains('.') || first.Contains(':') || first == "localhost" ? first.ToLowerInvariant() : Hub;
    }

    [GeneratedRegex(@"^(([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+|localhost)(:[0-9]{1,5})?|[a-z0-9-]+:[0-9]{1,5})\z", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Grammar();
}
