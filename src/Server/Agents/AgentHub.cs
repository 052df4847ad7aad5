using System.Collections.Concurrent;
using System.Net.WebSockets;
using Berth.Contracts.Agents;
using Berth.Contracts.Sessions;
using Berth.Core.Sessions;
using Berth.Server.Connections;
using Berth.Server.Live;
using Berth.Server.Sessions;
using Berth.Tunnel;

namespace Berth.Server.Agents;

/// <summary>
/// All agents that are connected to this server: what they last said, and the way into their sessions. Events are raised
/// on the connection's own loop, in order; who listens must be quick.
/// </summary>
public sealed class AgentHub : IDisposable
{
    // After a restart of the server, agents are back within less than this.
    private static readonly TimeSpan s_arrivesWithin = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_greetsWithin = TimeSpan.FromSeconds(10);
    // Whoever has a session's token has it: connections that have said nothing yet are few.
    private const int MostGreeting = 8;

    private readonly SessionDirectory _directory;
    private readonly SessionLogs _logs;
    private readonly ChangeFeed _changes;
    private readonly TimeProvider _time;
    private readonly ILogger<AgentHub> _log;
    private readonly HeapTrim _heap;
    private readonly ConcurrentDictionary<string, ConnectedAgent> _agents = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, (int Generation, AgentReport Report)> _reports = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, (int Generation, IReadOnlyList<int> Ports)> _ports = new(StringComparer.OrdinalIgnoreCase);
    private readonly Places _greeting = new(MostGreeting);
    private TaskCompletionSource _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;

    public AgentHub(SessionDirectory directory, SessionLogs logs, ChangeFeed changes, TimeProvider time, IHostApplicationLifetime lifetime, ILogger<AgentHub> log)
    {
        (_directory, _logs, _changes, _time, _log) = (directory, logs, changes, time, log);
        _heap = new HeapTrim(time);
        // Kestrel waits for open requests when it stops, and an agent's never end by themselves.
        lifetime.ApplicationStopping.Register(Dispose);
    }

    /// <summary>Session, generation and the agent's whole state: after every (re)connection and on every change.</summary>
    public event Action<string, int, AgentReport>? Reported;

    /// <summary>Session, generation and use since the last time.</summary>
    public event Action<string, int, AgentActivity>? Activity;

    /// <summary>Session, and whether its agent is connected now.</summary>
    public event Action<string, bool>? ConnectionChanged;

    /// <summary>Whether a session's agent is connected to this server.</summary>
    public bool IsConnected(string sessionId) => _agents.ContainsKey(sessionId);

    /// <summary>What a session's agent last said in this generation, connected or not; null when nothing since the server started.</summary>
    public AgentReport? LastReport(SessionKey key) =>
        _reports.TryGetValue(key.SessionId, out var last) && last.Generation == key.Generation ? last.Report : null;

    /// <summary>Ports that a session's programs listen on, as its agent last said in this generation; null: not known here.</summary>
    public IReadOnlyList<int>? Ports(SessionKey key) =>
        _ports.TryGetValue(key.SessionId, out var last) && last.Generation == key.Generation ? last.Ports : null;

    /// <summary>
    /// Connects to a port inside a session. Waits a moment for an agent that should be there, and not until it has connected:
    /// the first read throws <see cref="DialRefusedException"/> where nothing listens.
    /// </summary>
    /// <exception cref="AgentNotConnectedException">No agent is connected.</exception>
    /// <exception cref="AgentTooOldException">Port 0 means the agent's services, and it has none.</exception>
    public async Task<Stream> DialAsync(string sessionId, int port, CancellationToken ct)
    {
        var agent = await FindAsync(sessionId, ct);
        return await agent.DialAsync(port, ct);
    }

    /// <summary>Has the agent tell something to whoever is inside; where it is not connected, nobody is told.</summary>
    public void Notify(SessionKey key, string text)
    {
        if (_agents.TryGetValue(key.SessionId, out var agent) && agent.Key == key)
            _ = agent.SendAsync(new ServerNotice(text), CancellationToken.None).ContinueWith(sent => _ = sent.Exception, TaskScheduler.Default);
    }

    /// <summary>Forgets a session and ends its agent's connection.</summary>
    public void Forget(string sessionId)
    {
        _reports.TryRemove(sessionId, out _);
        _ports.TryRemove(sessionId, out _);
        if (_agents.TryRemove(sessionId, out var agent))
            Leave(agent);
    }

    /// <summary>Whether an agent of this start may connect now.</summary>
    internal bool Expects(SessionKey key) =>
        !_stopping && _directory.TryGet(key.SessionId, out var route) && route.Generation == key.Generation;

    /// <summary>Serves a control connection until it ends.</summary>
    internal async Task ServeControlAsync(SessionKey key, string connection, WebSocket socket, bool byNetwork, CancellationToken ct)
    {
        using var agent = new ConnectedAgent(key, connection, socket, byNetwork, _time);
        var control = new ControlReader(socket);
        // Its session may have been started again while it was silent.
        if (await GreetedAsync(key.SessionId, control, ct) is not { } hello || hello.Generation != key.Generation || !Expects(key))
            return;
        agent.HasServices = hello.Services;
        await agent.SendAsync(new ServerWelcome(_logs.End(key), agent.IdleStreams), ct);
        Enter(agent);
        try
        {
            while (await control.ReadAsync(ct) is { } heard)
                Hear(agent, heard);
            agent.Finished = control.Closed;
        }
        finally
        {
            if (_agents.TryRemove(new(key.SessionId, agent)))
                Leave(agent);
        }
    }

    /// <summary>Serves a dial-back stream until it ends.</summary>
    /// <returns>False when its control connection is not there (any more).</returns>
    internal async Task<bool> ServeStreamAsync(SessionKey key, string connection, Func<Task<WebSocket>> accept)
    {
        if (!_agents.TryGetValue(key.SessionId, out var agent) || agent.Key != key || agent.Connection != connection)
            return false;
        using var socket = await accept();
        await agent.ServeStreamAsync(socket);
        return true;
    }

    public void Dispose()
    {
        _stopping = true;
        foreach (var agent in _agents.Values)
            agent.Dispose();
        _heap.Dispose();
    }

    /// <returns>Null: it does not say who it is, or too many are about to.</returns>
    private async Task<AgentHello?> GreetedAsync(string sessionId, ControlReader control, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_greetsWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        using var place = _greeting.Take(sessionId);
        return place is null ? null : (await control.ReadAsync(either.Token) as ControlReader.Said)?.Message as AgentHello;
    }

    private async Task<ConnectedAgent> FindAsync(string sessionId, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_arrivesWithin, _time);
        while (true)
        {
            var arrival = Volatile.Read(ref _arrival);
            if (_agents.TryGetValue(sessionId, out var agent))
                return agent;
            var expected = _directory.TryGet(sessionId, out var route) && route.Status is SessionStatus.Launching or SessionStatus.Running;
            if (!expected || limit.IsCancellationRequested || _stopping)
                throw new AgentNotConnectedException("The session's agent is not connected.");
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
            await arrival.Task.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ct.ThrowIfCancellationRequested();
        }
    }

    private void Enter(ConnectedAgent agent)
    {
        // An agent that connects again has given up its earlier connection, even if the server has not noticed yet.
        ConnectedAgent? earlier = null;
        _agents.AddOrUpdate(agent.Key.SessionId, agent, (_, other) =>
        {
            earlier = other;
            return agent;
        });
        earlier?.Dispose();
        if (_stopping)
            agent.Dispose();
        Interlocked.Exchange(ref _arrival, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        _log.LogInformation("Agent of {Session} connected", agent.Key);
        _heap.Arrived();
        Raise(() => ConnectionChanged?.Invoke(agent.Key.SessionId, true));
    }

    private void Leave(ConnectedAgent agent)
    {
        agent.Dispose();
        _log.LogInformation("Agent of {Session} disconnected", agent.Key);
        Raise(() => ConnectionChanged?.Invoke(agent.Key.SessionId, false));
    }

    private void Hear(ConnectedAgent agent, ControlReader.Heard heard)
    {
        var (sessionId, generation) = agent.Key;
        switch (heard)
        {
            case ControlReader.Logged { Offset: var offset, Bytes: var bytes }:
                _logs.Append(agent.Key, offset, bytes.Span);
                break;
            case ControlReader.Said { Message: AgentReport report }:
                _reports[sessionId] = (generation, report);
                Raise(() => Reported?.Invoke(sessionId, generation, report));
                break;
            case ControlReader.Said { Message: AgentPorts { Ports: var ports } }:
                // Said anew after each reconnection: thousands come back at once, and most with nothing new.
                var isNews = Ports(agent.Key)?.SequenceEqual(ports) is not true;
                _ports[sessionId] = (generation, ports);
                if (isNews && _directory.TryGet(sessionId, out var route))
                    _changes.Publish(new Change("session", sessionId), route.OwnerId);
                break;
            case ControlReader.Said { Message: AgentActivity activity }:
                Raise(() => Activity?.Invoke(sessionId, generation, activity));
                break;
        }
    }

    // A listener's fault must not cut the agent's connection.
    private void Raise(Action listeners)
    {
        try
        {
            listeners();
        }
        catch (Exception e)
        {
            _log.LogError(e, "A listener to agents failed");
        }
    }
}
