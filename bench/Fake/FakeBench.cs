using System.Diagnostics;
using System.Globalization;
using System.Net;
using Berth.Contracts.Client;

namespace Berth.Bench.Fake;

/// <summary>A <see cref="FakeServer"/> in a process of its own, with one client for each user.</summary>
public sealed class FakeBench : IAsyncDisposable
{
    public const int Port = 8379;
    // What the published server has in its own settings is not this program's.
    private static readonly Dictionary<string, string> s_asPublished = new() { ["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"] = "0" };
    private readonly Process _process;

    private FakeBench(Process process, string data, string[] tokens)
    {
        (_process, Data, Tokens) = (process, data, tokens);
        Users = [.. tokens.Select(token => ApiClient.ForServer(Address, token))];
        Owner = ApiClient.ForLocalSocket(Path.Combine(data, "berth.sock"));
    }

    /// <summary>Where it has no TLS.</summary>
    public static Uri Address { get; } = new($"http://localhost:{Port}");

    public string Data { get; }

    public IReadOnlyList<string> Tokens { get; }

    public IReadOnlyList<ApiClient> Users { get; }

    /// <summary>By the local socket.</summary>
    public ApiClient Owner { get; }

    public int ProcessId => _process.Id;

    /// <param name="users">How many it has.</param>
    /// <param name="address">With TLS, also for this address; agents come by network.</param>
    /// <param name="data">Of an earlier one, which it goes on from.</param>
    public static async Task<FakeBench> StartAsync(int users, IPAddress? address = null, string? data = null)
    {
        data ??= Directory.CreateTempSubdirectory("berth-b-").FullName;
        string[] where = address is null ? [] : [address.ToString()];
        var process = Processes.Start(Environment.ProcessPath!, ["fake-server", data, $"{Port}", $"{users}", .. where], s_asPublished, input: true);
        if (await process.StandardOutput.ReadLineAsync() != "ready")
            throw new InvalidOperationException("The server on fake compute did not start.");
        return new FakeBench(process, data, await File.ReadAllLinesAsync(Path.Combine(data, FakeServer.TokensFile)));
    }

    /// <summary>Folder of a session's socket and agent token.</summary>
    public string Folder(string sessionId) => Path.Combine(Data, "s", sessionId.ToLowerInvariant());

    /// <summary>How often the server went to the database, its processor time, its resident memory.</summary>
    public async Task<Use> UseAsync()
    {
        var operations = long.Parse(await AskAsync("operations"), CultureInfo.InvariantCulture);
        _process.Refresh();
        return new Use(operations, _process.TotalProcessorTime, _process.WorkingSet64);
    }

    /// <summary>A port of loopback behind which the server dials a port of a session.</summary>
    public async Task<int> DoorAsync(string sessionId, int port) =>
        int.Parse(await AskAsync($"door {sessionId} {port}"), CultureInfo.InvariantCulture);

    /// <summary>Waits until a session's agent is connected.</summary>
    public Task ConnectedAsync(string sessionId) => AskAsync($"connected {sessionId}");

    /// <summary>Its resident memory after a collection.</summary>
    public async Task<long> MemoryAsync() => long.Parse(await AskAsync("memory"), CultureInfo.InvariantCulture);

    /// <summary>The token of a session's agent, once the session was started.</summary>
    public async Task<string> AgentTokenAsync(string sessionId)
    {
        var file = Path.Combine(Folder(sessionId), FakeServer.AgentTokenFile);
        while (!File.Exists(file) || new FileInfo(file).Length == 0)
            await Task.Delay(5);
        return await File.ReadAllTextAsync(file);
    }

    /// <summary>Ends the server without a word, and leaves its data.</summary>
    public async Task KillAsync()
    {
        foreach (var user in Users)
            user.Dispose();
        Owner.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(Data, recursive: true);
    }

    private async Task<string> AskAsync(string what)
    {
        await _process.StandardInput.WriteLineAsync(what);
        await _process.StandardInput.FlushAsync();
        return await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("The server on fake compute has ended.");
    }
}

/// <summary>What a server had used until a moment.</summary>
public sealed record Use(long Operations, TimeSpan Cpu, long Memory);
