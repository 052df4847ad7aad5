using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Berth.Contracts.Services;

/// <summary>Public keys as OpenSSH writes them: the kind, then RFC 4253's form of the key in base64 (sshd(8), AUTHORIZED_KEYS).</summary>
public static class OpenSshKey
{
    private const string KindName = "ecdsa-sha2-nistp256";
    private static readonly string[] s_kinds = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-"];

    /// <summary>The public half of a key on the curve P-256 (RFC 5656, section 3.1).</summary>
    public static string Public(ECDsa key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return $"{KindName} {Convert.ToBase64String([.. Text("ecdsa-sha2-nistp256"u8), .. Text("nistp256"u8), .. Text([4, .. point.X!, .. point.Y!])])}";
    }

    /// <summary>
    /// Reads a line of a <c>.pub</c> file, without its comment. One with options of authorized_keys in front is none: they
    /// could name a command.
    /// </summary>
    public static bool TryRead(string line, [NotNullWhen(true)] out string? key)
    {
        key = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var kind, var text, ..]
            && s_kinds.Any(known => kind.StartsWith(known, StringComparison.Ordinal))
            && kind.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '@')
            && Convert.TryFromBase64String(text, new byte[text.Length], out _)
                ? $"{kind} {text}" : null;
        return key is not null;
    }

    private static byte[] Text(ReadOnlySpan<byte> bytes)
    {
        var text = new byte[4 + bytes.Length];
        BinaryPrimitives.WriteInt32BigEndian(text, bytes.Length);
        bytes.CopyTo(text.AsSpan(4));
        return text;
    }
}
