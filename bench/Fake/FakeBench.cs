using System.Diagnostics;
using System.Globalization;
using Berth.Contracts.Client;

namespace Berth.Bench.Fake;

/// <summary>A <see cref="FakeServer"/> in a process of its own, with one client for each user.</summary>
public sealed class FakeBench : IAsyncDisposable
{
    private const int Port = 8379;
    private readonly Process _process;

    private FakeBench(Process process, string data, string[] tokens)
    {
        (_process, Data, Tokens) = (process, data, tokens);
        Users = [.. tokens.Select(token => ApiClient.ForServer(Address, token))];
    }

    public static Uri Address { get; } = new($"http://localhost:{Port}");

    public string Data { get; }

    public IReadOnlyList<string> Tokens { get; }

    public IReadOnlyList<ApiClient> Users { get; }

    public static async Task<FakeBench> StartAsync(int users)
    {
        var data = Directory.CreateTempSubdirectory("berth-b-").FullName;
        var process = Processes.Start(Environment.ProcessPath!, ["fake-server", data, $"{Port}", $"{users}"], input: true);
        if (await process.StandardOutput.ReadLineAsync() != "ready")
            throw new InvalidOperationException("The server on fake compute did not start.");
        return new FakeBench(process, data, await File.ReadAllLinesAsync(Path.Combine(data, FakeServer.TokensFile)));
    }

    /// <summary>Folder of a session's socket and agent token.</summary>
    public string Folder(string sessionId) => Path.Combine(Data, "s", sessionId.ToLowerInvariant());

    /// <summary>How often the server went to the database, its processor time, its resident memory.</summary>
    public async Task<Use> UseAsync()
    {
        await _process.StandardInput.WriteLineAsync("operations");
        await _process.StandardInput.FlushAsync();
        var operations = long.Parse((await _process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        _process.Refresh();
        return new Use(operations, _process.TotalProcessorTime, _process.WorkingSet64);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var user in Users)
            user.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(Data, recursive: true);
    }
}

/// <summary>What a server had used until a moment.</summary>
public sealed record Use(long Operations, TimeSpan Cpu, long Memory);
