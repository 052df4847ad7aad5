using Berth.Core.Agents;
using Berth.Core.Ids;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Fakes;
using Berth.Providers.Processes;

namespace Berth.Providers.Tests.Processes;

/// <summary>A provider of processes in a folder of its own, and sessions that run a script in real bubblewrap.</summary>
public abstract class ProcessSessions : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-w-");
    private readonly List<ProcessProvider> _made = [];

    protected ProcessSessions() => StandInAgent.WriteTo(_folder.CreateSubdirectory("agent").FullName);

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var provider in _made)
        {
            await foreach (var left in provider.ObserveAsync(default))
                await provider.StopAsync(left.Key, StopMode.DeleteWorkspace, default);
            provider.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    protected string At(string name) => Path.Combine(_folder.FullName, name);

    private protected ProcessProvider Make(Func<ProcessOptions, ProcessOptions> change)
    {
        var options = new ProcessOptions { AgentFolder = At("agent"), SessionsFolder = At("data/s"), DataFolder = At("data") };
        _made.Add(new ProcessProvider(change(options), TimeProvider.System));
        return _made[^1];
    }

    private protected async Task<SessionKey> StartAsync(ProcessProvider provider, string script, string workspace = "/work")
    {
        await File.WriteAllTextAsync(At("agent/script"), script + "\n", Ct);
        var key = new SessionKey(Ulid.New(TimeProvider.System), 1);
        var spec = new SessionSpec { Image = "none", Command = ["script"], MountDirectory = workspace, Resources = new SessionResources(0.5, 256L << 20, 0, GpuRequest.None) };
        var agent = new AgentOrder { SessionId = key.SessionId, Generation = 1, Server = "unix:/berth-session/agent.sock", MountDirectory = spec.MountDirectory, Port = spec.Port, GraceSeconds = 2 };
        await provider.StartAsync(new StartOrder(key, spec, agent, "token", new Dictionary<string, string>()), new Progress<StageReport>(), Ct);
        return key;
    }

    /// <summary>What it said, once it has ended.</summary>
    private protected async Task<string[]> SaidAsync(ProcessProvider provider, SessionKey key)
    {
        var run = new Run(Path.Combine(At("data/runs"), key.ForeignName), key);
        await Eventually.TrueAsync(() => run.Observe() is { State: ForeignState.Exited }, "it ends", TimeSpan.FromSeconds(30));
        var said = await File.ReadAllLinesAsync(Path.Combine(run.Folder, Run.OutputFile), Ct);
        await provider.StopAsync(key, StopMode.DeleteWorkspace, Ct);
        return said;
    }
}
