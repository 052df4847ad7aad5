using System.Buffers.Text;
using System.Security.Cryptography;

namespace Berth.Contracts.Nodes;

/// <summary>
/// A node's own token. The node makes it and keeps it before it joins, so that a join whose answer was lost is the same join
/// when it is asked for again; the server stores its hash.
/// </summary>
public static class NodeSecret
{
    private const string Prefix = "node_";
    private const int Bytes = 32;

    /// <summary>Another one.</summary>
    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>Whether it has the form of one: what is shorter could be guessed.</summary>
    public static bool IsOne(string? text) =>
        text is not null && text.StartsWith(Prefix, StringComparison.Ordinal) && Base64Url.IsValid(text.AsSpan(Prefix.Length), out var bytes) && bytes == Bytes;
}
