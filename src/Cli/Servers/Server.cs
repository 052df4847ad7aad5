using Berth.Contracts.Client;

namespace Berth.Cli.Servers;

/// <summary>A server that a command speaks to.</summary>
/// <param name="Context">Its name in <c>berth context list</c>.</param>
/// <param name="Client">The way to it.</param>
/// <param name="IsLocal">Reached through its socket: it shares this machine's folders.</param>
internal sealed record Server(string Context, ApiClient Client, bool IsLocal) : IDisposable
{
    public void Dispose() => Client.Dispose();
}
