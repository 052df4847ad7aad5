using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace Berth.Server.Web;

/// <summary>
/// The files that pages load, as the build left them beside the program (see Assets.targets), each also compressed.
/// The URL carries a fingerprint of the content, so that browsers keep a file for ever and never use an old one.
/// </summary>
public sealed class PageAssets
{
    private readonly string _folder = Path.Combine(AppContext.BaseDirectory, "assets");
    private readonly FrozenDictionary<string, Asset> _assets;

    public PageAssets()
    {
        if (!Directory.Exists(_folder))
            throw new InvalidOperationException($"The pages' files are missing from {_folder}: build or install the server again.");

        _assets = Directory.EnumerateFiles(_folder)
            .Where(file => Path.GetExtension(file) is not (".br" or ".gz"))
            .Select(file => new Asset(Path.GetFileName(file), Fingerprint(file), ContentType(file)))
            .ToFrozenDictionary(asset => asset.Name);
    }

    /// <summary>The URL of a file; unknown names throw: they are a mistake of this program.</summary>
    public string Url(string name) => $"/assets/{_assets[name].Fingerprint}/{name}";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/{fingerprint}/{name}", Get).ExcludeFromDescription();
        // Browsers ask for it where a page names no icon, such as API answers opened in a tab.
        routes.MapGet("/favicon.ico", (PageAssets assets) => Results.Redirect(assets.Url("favicon.svg"))).ExcludeFromDescription();
    }

    private static IResult Get(string fingerprint, string name, PageAssets assets, HttpContext context)
    {
        if (!assets._assets.TryGetValue(name, out var asset))
            return Results.NotFound();

        // A page of an older version may still ask for its own fingerprint: it gets what there is, but must not keep it.
        var headers = context.Response.Headers;
        headers.CacheControl = fingerprint == asset.Fingerprint ? "public, max-age=31536000, immutable" : "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = HeaderNames.AcceptEncoding;

        var accepted = context.Request.Headers.AcceptEncoding.ToString();
        var suffix = accepted.Contains("br", StringComparison.Ordinal) ? ".br" : accepted.Contains("gzip", StringComparison.Ordinal) ? ".gz" : "";
        if (suffix.Length > 0)
            headers.ContentEncoding = suffix == ".br" ? "br" : "gzip";
        return Results.File(Path.Combine(assets._folder, asset.Name + suffix), asset.ContentType);
    }

    private static string Fingerprint(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream))[..12];
    }

    private static string ContentType(string file) => Path.GetExtension(file) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };

    private sealed record Asset(string Name, string Fingerprint, string ContentType);
}
