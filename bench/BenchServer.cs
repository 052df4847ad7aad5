using System.Diagnostics;
using System.Text.Json;
using Berth.Contracts.Client;
using Berth.Contracts.Json;
using Berth.Contracts.Pools;
using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>The published server on a data folder of its own; everything is removed at the end.</summary>
public sealed class BenchServer : IAsyncDisposable
{
    public const int Port = 8377;
    public static readonly string Origin = $"http://localhost:{Port}";
    private readonly Process _process;

    private BenchServer(Process process, string data, double firstAnswer)
    {
        _process = process;
        Data = data;
        FirstAnswerMilliseconds = firstAnswer;
        Client = ApiClient.ForLocalSocket(Path.Combine(data, "berth.sock"));
    }

    public static string Published { get; } = Path.GetFullPath("artifacts/publish/berth");

    public string Data { get; }

    public ApiClient Client { get; }

    public int ProcessId => _process.Id;

    /// <summary>From the start of the process to its first HTTP answer, an empty data folder among it.</summary>
    public double FirstAnswerMilliseconds { get; }

    public static async Task<BenchServer> StartAsync()
    {
        var data = Directory.CreateTempSubdirectory("berth-b-").FullName;
        var watch = Stopwatch.StartNew();
        var process = Processes.Start(Path.Combine(Published, "server", "berth-server"), ["--data", data, "--port", $"{Port}"]);
        _ = process.StandardOutput.ReadToEndAsync();
        using var http = new HttpClient();
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri($"http://localhost:{Port}/api/berth/version"));
                answer.EnsureSuccessStatusCode();
                return new BenchServer(process, data, watch.Elapsed.TotalMilliseconds);
            }
            catch (HttpRequestException) when (watch.Elapsed < TimeSpan.FromSeconds(30))
            {
                await Task.Delay(5);
            }
        }
    }

    /// <summary>Makes a resource pool.</summary>
    public Task CreatePoolAsync(PoolRequest pool, CancellationToken ct) => Client.SendJsonAsync(
        HttpMethod.Post, "api/data/resource_pools", JsonSerializer.SerializeToNode(pool, BerthJson.Default.PoolRequest)!, ct);

    /// <summary>Waits, by the server's own events, until a session has a status.</summary>
    public async Task<SessionView> UntilAsync(string id, string status, CancellationToken ct)
    {
        var changes = await Client.ListenAsync(ct);
        var view = await Client.GetSessionAsync(id, ct);
        if (view.Berth.Status == status)
            return view;
        await foreach (var _ in changes)
        {
            view = await Client.GetSessionAsync(id, ct);
            if (view.Berth.Status == status)
                return view;
            if (view.Berth.Status == "failed")
                throw new InvalidOperationException(view.Berth.Sentence);
        }

        throw new InvalidOperationException("The server ended.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var session in await Client.ListSessionsAsync(CancellationToken.None))
        {
            await Client.StopSessionAsync(session.Id, deleteWork: true, CancellationToken.None);
            await UntilAsync(session.Id, "ended", CancellationToken.None);
        }

        Client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Data, recursive: true);
    }
}
