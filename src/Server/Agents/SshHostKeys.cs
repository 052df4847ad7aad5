using System.Numerics;
using System.Security.Cryptography;
using Berth.Contracts.Services;

namespace Berth.Server.Agents;

/// <summary>
/// The SSH host keys of sessions, each derived from a key of this installation: the same through all starts of its session,
/// on every replica, and stored nowhere.
/// </summary>
public sealed class SshHostKeys(AgentTokens tokens)
{
    // 64 bits more than the order has: the remainder is as good as uniform (FIPS 186-5, A.2.1).
    private const int SeedBytes = 40, ScalarBytes = 32;

    // The order of P-256 (SEC 2, section 2.4.2).
    private static readonly BigInteger s_order = new(
        Convert.FromHexString("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"), isUnsigned: true, isBigEndian: true);

    /// <summary>For the session's agent (PEM).</summary>
    public string Private(string sessionId)
    {
        using var key = Key(sessionId);
        return key.ExportECPrivateKeyPem();
    }

    /// <summary>For clients, as in known_hosts.</summary>
    public string Public(string sessionId)
    {
        using var key = Key(sessionId);
        return OpenSshKey.Public(key);
    }

    private ECDsa Key(string sessionId)
    {
        var seed = new BigInteger(tokens.Seed("ssh host key", sessionId, SeedBytes), isUnsigned: true, isBigEndian: true);
        var bytes = (seed % (s_order - 1) + 1).ToByteArray(isUnsigned: true, isBigEndian: true);
        var scalar = new byte[ScalarBytes];
        bytes.CopyTo(scalar.AsSpan(ScalarBytes - bytes.Length));
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
    }
}
