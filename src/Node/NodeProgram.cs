using System.Runtime.InteropServices;
using Berth.Contracts.Nodes;
using Berth.Core.Providers;
using Berth.Providers.Nodes;

namespace Berth.Node;

/// <summary>
/// A node from its start to its end: join where that has not been done → listen for the agents of the sessions that are
/// here → stay connected. Sessions do not notice when it ends, and it finds them when it starts again.
/// </summary>
internal static class NodeProgram
{
    public static string Version => typeof(NodeProgram).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <returns>The exit code: of sysexits.h where something cannot be mended by starting again.</returns>
    public static async Task<int> RunAsync(string dataFolder, bool joinOnly)
    {
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            var agent = Environment.GetEnvironmentVariable(NodeFiles.AgentFolder) ?? Path.Combine(AppContext.BaseDirectory, "../server/agent");
            using var folder = NodeFolder.Open(dataFolder, agent);
            await JoinAsync(folder, Environment.GetEnvironmentVariable(NodeFiles.JoinToken), TimeProvider.System, stop.Token);
            if (!joinOnly)
                await ServeAsync(folder, TimeProvider.System, stop.Token);
            return 0;
        }
        catch (NodeException e)
        {
            await Console.Error.WriteLineAsync($"berth-node: {e.Message}");
            return e.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>Joins, where that has not been done.</summary>
    /// <exception cref="NodeException">It cannot.</exception>
    public static async Task JoinAsync(NodeFolder folder, string? token, TimeProvider time, CancellationToken stop)
    {
        if (folder.Identity is not null)
            return;
        // Before the token is used up: a machine that can run nothing is no use to anybody.
        await RequireRuntimeAsync(folder, time, stop);
        await Joining.JoinAsync(folder, token, stop);
        await WarnAsync(folder, time, stop);
    }

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="NodeException">It cannot go on.</exception>
    public static async Task ServeAsync(NodeFolder folder, TimeProvider time, CancellationToken stop)
    {
        using var runtime = Runtime.Of(folder, time);
        using var relay = new AgentRelay(folder.Settings.Server, folder.Authorities);
        await using var sockets = new SessionSockets(folder.SessionsFolder, relay);
        sockets.OpenAll();
        using var gpus = new Gpus(time);
        var machine = new Machine(runtime, gpus, folder, time);
        var sessions = new LocalSessions(runtime.Provider, sockets, gpus, machine.Changed);
        var link = new ServerLink(folder, machine, new NodeCalls(sessions), relay, time);
        await link.RunAsync(stop);
    }

    // Once it has joined: what to type names the network of its sessions.
    private static async Task WarnAsync(NodeFolder folder, TimeProvider time, CancellationToken ct)
    {
        using var runtime = Runtime.Of(folder, time);
        if ((await runtime.DescribeAsync(new NodeFacts(), ct)).Isolation is { } missing)
            await Console.Error.WriteLineAsync($"berth-node: {missing}");
    }

    private static async Task RequireRuntimeAsync(NodeFolder folder, TimeProvider time, CancellationToken ct)
    {
        if (folder.Settings.Processes && Environment.IsPrivilegedProcess)
            throw new NodeException(NodeException.NoPermission, "With --processes, sessions are processes of the user who joins: not as root. Join as an ordinary user: the token is still good.");
        using var runtime = Runtime.Of(folder, time);
        try
        {
            await runtime.DescribeAsync(new NodeFacts(), ct);
        }
        catch (ProviderException e)
        {
            throw new NodeException(NodeException.Unavailable, $"Sessions cannot run here: {e.Message} {runtime.Advice}, then join again: the token is still good.", e);
        }
    }
}

/// <summary>The node cannot go on; the message says why, and what to do.</summary>
internal sealed class NodeException(int exitCode, string message, Exception? inner = null) : Exception(message, inner)
{
    // Of sysexits.h.
    public const int Unavailable = 69, NoPermission = 77, BadConfiguration = 78;

    public int ExitCode { get; } = exitCode;
}
