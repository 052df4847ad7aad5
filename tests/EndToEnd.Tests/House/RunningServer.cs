using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Microsoft.Data.Sqlite;

namespace Berth.EndToEnd.Tests.House;

/// <summary>
/// The server as it is published, on a free port and with a data folder of its own. In the end whatever it started is
/// removed, whatever happened.
/// </summary>
public class RunningServer : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Dictionary<string, string?> _variables;
    private Process? _process;

    static RunningServer() => SQLitePCL.Batteries_V2.Init();

    public RunningServer()
        : this($"unix://{Engine.SocketPath}")
    {
    }

    internal RunningServer(string engine)
    {
        // Short, for the paths of sockets end at 107 bytes.
        DataFolder = Directory.CreateTempSubdirectory("berth-").FullName;
        Port = FreePort();
        Api = ApiClient.ForLocalSocket(Path.Combine(DataFolder, "berth.sock"));
        _variables = new Dictionary<string, string?>
        {
            ["BERTH_DATA"] = DataFolder,
            ["BERTH_SERVER_DATA"] = DataFolder,
            ["BERTH_SERVER_PORT"] = Port.ToString(CultureInfo.InvariantCulture),
            ["BERTH_SERVER_DOCKER_HOST"] = engine,
            ["HOME"] = Path.Combine(DataFolder, "home"),
            ["XDG_CONFIG_HOME"] = null,
            ["XDG_DATA_HOME"] = null,
            ["XDG_STATE_HOME"] = null,
        };
    }

    public string DataFolder { get; }

    public int Port { get; }

    /// <summary>Of who runs the server, through its local socket.</summary>
    public ApiClient Api { get; }

    /// <summary>Of the server and the command.</summary>
    protected IDictionary<string, string?> Variables => _variables;

    /// <summary>How the server is started.</summary>
    protected virtual (string Program, string[] Arguments) Start => (Published.Server, []);

    /// <summary>What the server's own containers, volumes and networks are labelled with.</summary>
    public string Installation { get; private set; } = "";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public virtual async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_variables["HOME"]!);
        await StartAsync();
        Installation = ReadInstallation();
    }

    /// <summary>Starts the server, and waits until it answers.</summary>
    public async Task StartAsync()
    {
        Spawn();
        await Eventually.TrueAsync(AnswersAsync, "the server answers", Patience);
    }

    /// <summary>Starts the server where it does not run.</summary>
    public Task StartAgainAsync() => Runs ? Task.CompletedTask : StartAsync();

    /// <summary>Starts the server, and does not wait until it answers.</summary>
    protected void Spawn()
    {
        var (program, arguments) = Start;
        _process = Ran.Start(program, arguments, _variables, null);
        var log = File.AppendText(Path.Combine(DataFolder, "server.log"));
        log.AutoFlush = true;
        foreach (var stream in new[] { _process.StandardOutput, _process.StandardError })
            _ = CopyAsync(stream, TextWriter.Synchronized(log));
    }

    /// <summary>Waits until the server has ended by itself.</summary>
    protected Task EndedAsync(TimeSpan within) => _process!.WaitForExitAsync(Ct).WaitAsync(within, Ct);

    /// <summary>Whether the server runs.</summary>
    protected bool Runs => _process is { HasExited: false };

    /// <summary>As a crash or the kernel would end it: it can do nothing about it.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync(Ct);
    }

    /// <summary>It neither hears nor says anything any more, and its connections stay: as a machine that hangs.</summary>
    internal async Task StallAsync()
    {
        using var stop = Process.Start("kill", ["-STOP", $"{_process!.Id}"]);
        await stop.WaitForExitAsync(Ct);
    }

    /// <summary>After a stall.</summary>
    internal async Task GoOnAsync()
    {
        using var goOn = Process.Start("kill", ["-CONT", $"{_process!.Id}"]);
        await goOn.WaitForExitAsync(Ct);
    }

    /// <summary>Runs the command without a terminal, as this server's owner.</summary>
    internal Task<Ran> BerthAsync(params string[] arguments) => BerthInAsync(DataFolder, arguments);

    /// <summary>Runs the command in a folder.</summary>
    internal Task<Ran> BerthInAsync(string folder, params string[] arguments) =>
        Ran.ToEndAsync(Published.Command, arguments, _variables, folder);

    /// <summary>Runs a line of the shell at a terminal; what the terminal would show is its output.</summary>
    internal Task<Ran> AtTerminalAsync(string line) => Ran.ToEndAsync("script", ["--quiet", "--return", "--command", line, "/dev/null"], _variables);

    /// <summary>Another start of the server's program beside this one.</summary>
    internal Task<Ran> ServerAsync(params string[] arguments) => Ran.ToEndAsync(Published.Server, arguments, _variables);

    /// <summary>Waits, told by the server of every change, until the session is as it should be.</summary>
    public async Task<SessionView> UntilAsync(string session, Func<SessionView, bool> reached, string what, TimeSpan? deadline = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(deadline ?? Patience);
        SessionView? last = null;
        try
        {
            var changes = await Api.ListenAsync(patience.Token);
            last = await Api.GetSessionAsync(session, patience.Token);
            if (reached(last))
                return last;
            await foreach (var change in changes)
            {
                if (change.Id != last.Id)
                    continue;
                last = await Api.GetSessionAsync(session, patience.Token);
                if (reached(last))
                    return last;
            }
        }
        catch (OperationCanceledException) when (!Ct.IsCancellationRequested)
        {
            // told below
        }

        throw new TimeoutException($"Not in time: {what}. The session is {last?.Berth.Status} ({last?.Status.Message} {last?.Berth.StageDetail}).");
    }

    /// <summary>Starts a session and waits until it runs.</summary>
    public async Task<SessionView> StartSessionAsync(StartRequest request)
    {
        var (session, _) = await Api.StartSessionAsync(request, Ct);
        session = await UntilAsync(session.Id, s => s.Berth.Status is not "launching", "the session starts", TimeSpan.FromSeconds(60));
        Assert.True(session.Berth.Status == "running", session.Berth.Sentence);
        return session;
    }

    /// <summary>Those that are over, and those that are not.</summary>
    public async Task<IReadOnlyList<SessionView>> AllSessionsAsync() =>
        [.. await Api.ListSessionsAsync(Ct), .. await Api.ListSessionsAsync(Ct, ended: true)];

    /// <summary>Ends a session and its workspace, and looks that nothing is left of it.</summary>
    public async Task RemoveAsync(string session)
    {
        var name = (await Api.StopSessionAsync(session, deleteWork: true, Ct)).Id;
        await UntilAsync(name, s => s.Berth.Status == "ended", "the session ends");
        await NothingIsLeftOfAsync(name);
    }

    /// <summary>Neither container nor workspace nor token.</summary>
    public async Task NothingIsLeftOfAsync(string sessionId)
    {
        var id = sessionId.ToLowerInvariant();
        var folder = Path.Combine(DataFolder, "s", id);
        string[] left = [];
        await Eventually.TrueAsync(
            async () => (left =
            [
                .. await Engine.ContainersOfAsync(Installation, sessionId),
                .. (await Engine.VolumesAsync(Installation)).Where(v => v.Contains(id, StringComparison.Ordinal)),
                .. FilesOf(folder),
            ]).Length == 0,
            () => $"nothing is left of {id}, and not {string.Join(", ", left)}", TimeSpan.FromSeconds(30));
    }

    private static string[] FilesOf(string folder)
    {
        try
        {
            return [folder, .. Directory.GetFileSystemEntries(folder)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    public virtual async ValueTask DisposeAsync()
    {
        Api.Dispose();
        if (_process is { HasExited: false })
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        if (Installation.Length > 0)
            await Engine.RemoveAllAsync(Installation);
        Directory.Delete(DataFolder, recursive: true);
        GC.SuppressFinalize(this);
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string ReadInstallation()
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(DataFolder, "berth.db")};Pooling=False");
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = "SELECT value FROM settings WHERE name = 'installation'";
        return (string)command.ExecuteScalar()!;
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_process!.HasExited, $"the server ended: {ReadLog()}");
        try
        {
            await Api.VersionAsync(Ct);
            return true;
        }
        catch (ServerUnreachableException)
        {
            return false;
        }
    }

    private string ReadLog()
    {
        using var log = new StreamReader(new FileStream(Path.Combine(DataFolder, "server.log"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return log.ReadToEnd();
    }

    private static async Task CopyAsync(StreamReader from, TextWriter to)
    {
        while (await from.ReadLineAsync() is { } line)
            await to.WriteLineAsync(line);
    }
}
