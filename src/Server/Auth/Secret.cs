using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Berth.Server.Auth;

/// <summary>
/// Random secrets that are handed out once: 256 bits, of which only the hash is stored. No salt or stretching: there is
/// nothing to guess.
/// </summary>
internal static class Secret
{
    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
