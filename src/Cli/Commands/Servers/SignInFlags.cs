using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Client;

namespace Berth.Cli.Commands.Servers;

/// <summary>How an API token gets here: from a file, from stdin, or pasted. Never as an argument: others can read those.</summary>
internal sealed class SignInFlags
{
    public Flag<string?> TokenFile { get; } = new("--token-file", "Read the API token from this file, instead of asking; - is stdin")
    {
        HelpName = "FILE",
        Personal = true,
    };

    public Flag<string?> Ca { get; } = Authorities.Flag();

    /// <summary>Asks the server who that is, before anything is kept.</summary>
    public async Task<StoredContext> VerifyAsync(Call call, string url, CancellationToken ct)
    {
        var address = Address(url);
        var authorities = Authorities.Read(call, Ca);
        var token = Token(call, address);
        using var client = ApiClient.ForServer(address, token, call.Here.Time, authorities);
        try
        {
            var user = await client.WhoAmIAsync(ct);
            return new StoredContext(address.AbsoluteUri.TrimEnd('/'), token, user.Username, authorities);
        }
        catch (ServerUnreachableException e)
        {
            throw new CliException(ExitCodes.Error, $"{address} cannot be reached, or is no Berth server: {e.Message}{(NotReached.NextStep(e) is { } next ? $"\n{next}" : "")}");
        }
        catch (ApiException e) when (ExitCodes.Of(e.Problem.Kind) == ExitCodes.SignIn)
        {
            throw new CliException(ExitCodes.SignIn, $"{address} does not take this token: {e.Problem.Message} Make a new one there.");
        }
    }

    public static string NameOf(string url)
    {
        var address = Address(url);
        return address.IsDefaultPort ? address.Host : $"{address.Host}:{address.Port}";
    }

    private static Uri Address(string url)
    {
        var text = url.Contains("://", StringComparison.Ordinal) ? url : "https://" + url;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("https" or "http") || address.Host.Length == 0)
            throw CliException.Usage($"'{url}' is no address of a server; such as https://berth.example.org is expected.");
        if (address.UserInfo.Length > 0)
            throw CliException.Usage("The address must hold no name and password: it would be kept and shown.");
        if (address.Scheme == "http" && !address.IsLoopback)
            throw CliException.Usage($"{address} is not encrypted: your token could be read on its way. Use https.");
        return address;
    }

    private string Token(Call call, Uri address)
    {
        var token = (call.Get(TokenFile) switch
        {
            { } file => GivenToken.FromFile(call.Here, file),
            null when call.Here.InIsTerminal && call.Here.ErrorIsTerminal =>
                call.Questions.AskSecret($"Paste an API token of {address} (its pages make one; it is not shown here)"),
            null => call.Here.In.ReadLine() ?? "",
        }).Trim();
        return token.Length > 0 && !token.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? token
            : throw CliException.Usage("That is no API token: one word is expected.");
    }
}
