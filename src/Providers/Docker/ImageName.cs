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
    private ImageName(string text) => Text = text;

    /// <summary>With the tag <c>latest</c> where it has neither tag nor digest: without one an engine pulls all tags.</summary>
    public string Text { get; }

    /// <exception cref="ProviderException"><see cref="Reason.ImageNotFound"/>: it is no such name.</exception>
    public static ImageName Parse(string text)
    {
        if (text.Length > 400 || !Grammar().IsMatch(text))
            throw new ProviderException(Reason.ImageNotFound, $"“{Shorten(text)}” is not a name of an image; such names read [registry/]name[:tag].");
        var hasTag = text.LastIndexOf(':') > text.LastIndexOf('/');
        return new ImageName(hasTag || text.Contains('@') ? text : text + ":latest");
    }

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
