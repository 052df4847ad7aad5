using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Berth.Core.Sessions;
using Berth.Server.Options;

namespace Berth.Server.Agents;

/// <summary>
/// Tokens that are derived, not stored: <c>ID.GENERATION.MAC</c> under a key of this installation, so that a start that is
/// repeated writes the same token, and one of an earlier generation is known as such.
/// </summary>
public sealed class AgentTokens
{
    private const int KeyBytes = 32;
    private readonly byte[] _key;

    public AgentTokens(ServerOptions options) => _key = LoadKey(options.KeysFolder);

    /// <summary>Proves to the server that its bearer is the agent of this start of this session.</summary>
    public string Issue(SessionKey key) => $"{Name(key)}.{Mac("agent", Name(key))}";

    /// <summary>Whether the token is that of this start. Takes as long whether it is or not.</summary>
    public bool Verify(SessionKey key, string token) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Issue(key)), Encoding.UTF8.GetBytes(token));

    /// <summary>Reads whose token it is, and verifies it.</summary>
    public bool TryRead(string? token, [NotNullWhen(true)] out SessionKey? key)
    {
        key = null;
        if (token?.Split('.') is [var sessionId, var digits, _]
            && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            && Verify(new SessionKey(sessionId, generation), token))
        {
            key = new SessionKey(sessionId, generation);
        }
        return key is not null;
    }

    /// <summary>What a front end with a token of its own (JupyterLab) is started with, and the proxy adds to requests.</summary>
    public string FrontEndToken(string sessionId) => Mac("front-end", sessionId.ToUpperInvariant());

    /// <summary>Bytes that are always the same for a session, and that nobody else can know.</summary>
    public byte[] Seed(string purpose, string sessionId, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, length, info: Encoding.UTF8.GetBytes($"berth {purpose}\0{sessionId.ToUpperInvariant()}"));

    private static string Name(SessionKey key) => string.Create(CultureInfo.InvariantCulture, $"{key.SessionId.ToUpperInvariant()}.{key.Generation}");

    private string Mac(string purpose, string name) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"berth {purpose}\0{name}")));

    private static byte[] LoadKey(string folder)
    {
        const UnixFileMode mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Directory.CreateDirectory(folder, mine | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, "agents.key");
        if (!File.Exists(path))
        {
            // Written beside and moved: a file that exists is always whole.
            var draft = $"{path}.{Environment.ProcessId}";
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = mine }))
            {
                file.Write(RandomNumberGenerator.GetBytes(KeyBytes));
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path);
        }
        var key = File.ReadAllBytes(path);
        return key.Length == KeyBytes
            ? key
            : throw new InvalidOperationException($"{path} should hold {KeyBytes} bytes and holds {key.Length}: restore it, or remove it and restart all sessions.");
    }
}
