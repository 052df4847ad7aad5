using System.Globalization;
using Berth.Core.Ids;

namespace Berth.Server.Proxy;

/// <summary>
/// One origin of a session: its front end's, or that of a further port. Browsers keep them apart, so that an app on one port
/// reads nothing of another's; passes and tickets are each for one of them.
/// </summary>
/// <param name="SessionId">ULID, upper case.</param>
/// <param name="Port">1 to 65535; null: the front end.</param>
public readonly record struct SessionOrigin(string SessionId, int? Port = null)
{
    private const int IdLength = 26;
    private const char Divider = '-';

    /// <summary>Names it in cookies and what they say: <c>SESSION</c> or <c>SESSION-PORT</c>.</summary>
    public string Key => Port is { } port ? string.Create(CultureInfo.InvariantCulture, $"{SessionId}{Divider}{port}") : SessionId;

    /// <summary>Reads a <see cref="Key"/>; null where it is none.</summary>
    public static SessionOrigin? Read(ReadOnlySpan<char> key)
    {
        if (key.Length == IdLength)
            return ReadId(key) is { } id ? new SessionOrigin(id) : null;
        return key.Length > IdLength && key[IdLength] == Divider && TryReadPort(key[(IdLength + 1)..], out var port) && ReadId(key[..IdLength]) is { } of
            ? new SessionOrigin(of, port)
            : null;
    }

    /// <summary>The session's id, upper case; null where it is none.</summary>
    public static string? ReadId(ReadOnlySpan<char> text)
    {
        if (text.Length != IdLength)
            return null;
        var id = text.ToString().ToUpperInvariant();
        return Ulid.IsValid(id) ? id : null;
    }

    /// <summary>Reads a port in its one way of writing: each origin has one name.</summary>
    public static bool TryReadPort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= 65535 && text[0] != '0';
}
