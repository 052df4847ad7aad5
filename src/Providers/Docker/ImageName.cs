using System.Text.RegularExpressions;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// A name of an image: <c>[registry/]name[:tag][@digest]</c>, after the grammar of the distribution project's
/// <c>reference</c> package. Names come from users and become parts of request paths, so nothing else may pass.
/// </summary>
internal sealed partial class ImageName
{
    /// <summary>What stands before images that no registry has: Podman's word for those that are made on the machine.</summary>
    public const string Here = "localhost";

    /// <summary>The registry of names without one.</summary>
    public const string Hub = "docker.io";

    private ImageName(string text)
    {
        Text = text;
        var (name, digest) = Cut(text, text.IndexOf('@'));
        (name, var tag) = Cut(name, name.LastIndexOf(':') is var colon && colon > name.LastIndexOf('/') ? colon : -1);
        Reference = digest ?? tag ?? "latest";
        var first = name.Contains('/') ? name[..name.IndexOf('/')] : "";
        (Host, Repository) = first == Here || first.Contains('.') || first.Contains(':')
            ? (first is "index.docker.io" or "registry-1.docker.io" ? Hub : first, name[(first.Length + 1)..])
            : (Hub, name.Contains('/') ? name : "library/" + name);

        static (string Before, string? After) Cut(string text, int at) => at < 0 ? (text, null) : (text[..at], text[(at + 1)..]);
    }

    /// <summary>Its registry, such as <c>docker.io</c>.</summary>
    public string Host { get; }

    /// <summary>Its name at that registry.</summary>
    public string Repository { get; }

    /// <summary>Its tag, or its digest where it has one.</summary>
    public string Reference { get; }

    /// <summary>With the tag <c>latest</c> where it has neither tag nor digest: without one an engine pulls all tags.</summary>
    public string Text { get; }

    /// <exception cref="ProviderException"><see cref="Reason.ImageNotFound"/>: it is no such name.</exception>
    public static ImageName Parse(string text)
    {
        if (text.Length > 400 || !Grammar().IsMatch(text))
            throw new ProviderException(Reason.ImageNotFound, $"“{Shorten(text)}” is not a name of an image; such names read [registry/]name[:tag].");
        if (text.StartsWith("sha256:", StringComparison.Ordinal)) // an engine would look among all images' ids
            throw new ProviderException(Reason.ImageNotFound, $"“{Shorten(text)}” is the id of an image; say its name.");
        var hasTag = text.LastIndexOf(':') > text.LastIndexOf('/');
        return new ImageName(hasTag || text.Contains('@') ? text : text + ":latest");
    }

    /// <summary>What Podman calls it where it was made on the machine; null: it names a registry.</summary>
    public ImageName? MadeHere => Host == Hub && !Text.StartsWith($"{Hub}/", StringComparison.Ordinal) && !Text.StartsWith("index.", StringComparison.Ordinal)
        ? new($"{Here}/{Text}")
        : null;

    /// <summary>The image of this name that has this digest.</summary>
    public ImageName At(string digest) => new($"{Host}/{Repository}@{digest}");

    /// <summary>Whether an engine's <c>repository@digest</c> is of this repository.</summary>
    public bool Owns(string repoDigest) => new ImageName(repoDigest) is var other && (other.Host, other.Repository) == (Host, Repository);

    public override string ToString() => Text;

    private static string Shorten(string text) => text.Length <= 100 ? text : text[..100] + "…";

    [GeneratedRegex("""
        ^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?/)?
        [a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*
        (?::[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?
        (?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?\z
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Grammar();
}
