using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Berth.Contracts.Services;

namespace Berth.Cli.Ssh;

/// <summary>
/// Public halves of the keys that the user's SSH agent holds: some have no file, such as those on a card or in a password
/// manager. The agent is asked for their list alone (draft-ietf-sshm-ssh-agent, section 4.4), which asks nobody to touch
/// anything.
/// </summary>
internal static class SshAgentKeys
{
    private const byte RequestIdentities = 11, IdentitiesAnswer = 12;
    // As long as OpenSSH's own client takes an answer.
    private const int LongestAnswer = 256 * 1024;
    private static readonly TimeSpan s_answersWithin = TimeSpan.FromSeconds(2);

    /// <summary>Those that it holds now; none where there is no agent, or it does not answer.</summary>
    public static async Task<IReadOnlyList<string>> ListAsync(Surroundings here, CancellationToken ct)
    {
        if (here.Variable("SSH_AUTH_SOCK") is not { } path)
            return [];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(s_answersWithin);
        try
        {
            return Read(await AskAsync(path, limit.Token));
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentException || e is OperationCanceledException && !ct.IsCancellationRequested)
        {
            // The login has other keys.
            return [];
        }
    }

    private static async Task<byte[]> AskAsync(string path, CancellationToken ct)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        await using var agent = new NetworkStream(socket);
        await agent.WriteAsync(new byte[] { 0, 0, 0, 1, RequestIdentities }, ct);
        var head = new byte[4];
        await agent.ReadExactlyAsync(head, ct);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head);
        if (length > LongestAnswer)
            throw new IOException($"The SSH agent's answer has {length} bytes.");
        var answer = new byte[length];
        await agent.ReadExactlyAsync(answer, ct);
        return answer;
    }

    private static List<string> Read(byte[] answer)
    {
        var keys = new List<string>();
        if (answer is not [IdentitiesAnswer, .. var rest])
            return keys;
        var left = rest.AsSpan();
        for (var count = Number(ref left); count > 0; count--)
        {
            var key = Text(ref left);
            Text(ref left); // its comment
            var inner = key;
            var kind = Encoding.ASCII.GetString(Text(ref inner));
            // A certificate is listed beside the key that it is of.
            if (!kind.Contains("-cert-", StringComparison.Ordinal) && OpenSshKey.TryRead($"{kind} {Convert.ToBase64String(key)}", out var line))
                keys.Add(line);
        }

        return keys;
    }

    private static uint Number(ref Span<byte> bytes)
    {
        if (bytes.Length < 4)
            throw new IOException("The SSH agent's answer ends too early.");
        var number = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        bytes = bytes[4..];
        return number;
    }

    private static Span<byte> Text(ref Span<byte> bytes)
    {
        var length = Number(ref bytes);
        if (length > bytes.Length)
            throw new IOException("The SSH agent's answer ends too early.");
        var text = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return text;
    }
}
