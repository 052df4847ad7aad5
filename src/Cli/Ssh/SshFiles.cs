using System.Security.Cryptography;
using Berth.Cli.Servers;
using Berth.Contracts.Services;

namespace Berth.Cli.Ssh;

/// <summary>What Berth keeps for SSH clients, in the user's state folder: a key pair of its own, and the host keys that it was told.</summary>
internal sealed class SshFiles(Surroundings here)
{
    private const int MostHosts = 1000;
    // As many as a login may try.
    private const int MostKeys = 100;
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private string Folder => Path.Combine(here.StateFolder, "ssh");

    /// <summary>Private key of this user and machine for all sessions.</summary>
    public string Identity => Path.Combine(Folder, "id_ecdsa");

    /// <summary>Host keys of sessions, as the server told them.</summary>
    public string KnownHosts => Path.Combine(Folder, "known_hosts");

    /// <summary>Makes the key pair where there is none, so that nobody needs one of their own.</summary>
    public async Task EnsureIdentityAsync(CancellationToken ct)
    {
        if (File.Exists(Identity))
            return;
        using var held = await HoldAsync(ct);
        if (File.Exists(Identity))
            return;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        PrivateFile.Write($"{Identity}.pub", $"{OpenSshKey.Public(key)} berth\n");
        PrivateFile.Write(Identity, key.ExportECPrivateKeyPem() + "\n");
    }

    /// <summary>Public keys that may log in: Berth's own, and the user's, in files or held by their SSH agent.</summary>
    public async Task<IReadOnlyList<string>> PublicKeysAsync(CancellationToken ct)
    {
        var own = Path.Combine(here.Variable("HOME") ?? "/", ".ssh");
        var files = Directory.Exists(own) ? Directory.EnumerateFiles(own, "*.pub").Order(StringComparer.Ordinal) : Enumerable.Empty<string>();
        return [.. files.Prepend($"{Identity}.pub").SelectMany(Read).Concat(await SshAgentKeys.ListAsync(here, ct)).Distinct().Take(MostKeys)];
    }

    /// <summary>Lets a client take this host key for this host, and no other one.</summary>
    public async Task PinAsync(string host, string key, CancellationToken ct)
    {
        var line = $"{host} {key}";
        if (Pinned().Contains(line))
            return;
        using var held = await HoldAsync(ct);
        var others = Pinned().Where(known => !known.StartsWith($"{host} ", StringComparison.Ordinal));
        PrivateFile.Write(KnownHosts, string.Concat(others.Append(line).TakeLast(MostHosts).Select(known => known + "\n")));
    }

    private string[] Pinned() => File.Exists(KnownHosts) ? File.ReadAllLines(KnownHosts) : [];

    private static IEnumerable<string> Read(string file)
    {
        try
        {
            return [.. File.ReadLines(file).Select(line => OpenSshKey.TryRead(line, out var key) ? key : null).OfType<string>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not a key that could be offered, then.
            return [];
        }
    }

    /// <summary>Several clients connect at once: one of them writes.</summary>
    private async Task<FileStream> HoldAsync(CancellationToken ct)
    {
        PrivateFile.CreateFolder(Folder);
        for (var since = here.Time.GetTimestamp(); ; await Task.Delay(s_again, here.Time, ct))
        {
            try
            {
                return new FileStream(Path.Combine(Folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (here.Time.GetElapsedTime(since) < s_patience)
            {
                // Another one has it, for a moment.
            }
        }
    }
}
