using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Berth.Contracts.Nodes;
using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>
/// A machine that joins: the node as it is published, in a process and a data folder of its own. In the end whatever it
/// started is removed, whatever happened.
/// </summary>
internal sealed class LabNode(LabServer server, string name) : IAsyncDisposable
{
    // Short, for the paths of sockets end at 107 bytes.
    private const int Nobody = 65534;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-l-");
    private readonly StringBuilder _said = new();
    private Process? _process;
    private string? _installation;
    private string _groups = "--clear-groups";

    public string Data => Path.Combine(_folder.FullName, "n");

    public string Name => name;

    /// <summary>What it said on standard error.</summary>
    public string Said
    {
        get
        {
            lock (_said)
                return _said.ToString();
        }
    }

    /// <summary>What its containers are labelled with.</summary>
    public string Installation => _installation ??= JsonDocument.Parse(File.ReadAllText(Path.Combine(Data, NodeFiles.Identity))).RootElement.GetProperty("installation").GetString()!;

    /// <summary>It runs as a user who is nobody, where these tests are root's.</summary>
    public bool IsOrdinary { get; init; }

    /// <summary>As an ordinary user it belongs to the group of the engine's socket.</summary>
    public bool MayUseEngine { get; init; }

    public Dictionary<string, string?> Variables { get; } = new() { ["BERTH_TOKEN"] = null, ["HTTPS_PROXY"] = null, ["https_proxy"] = null, ["NO_PROXY"] = null, ["no_proxy"] = null };

    /// <summary>Puts a program in the place of the machine's own <c>nvidia-smi</c>, which answers both questions as that does. The engine seems to have NVIDIA's toolkit, too.</summary>
    public async Task PlugInGpusAsync(string gpus, string processes)
    {
        var program = Path.Combine(_folder.CreateSubdirectory("bin").FullName, "nvidia-smi");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\ncase $1 in\n--query-gpu=*) cat <<'end'\n{gpus}\nend\n;;\n*) cat <<'end'\n{processes}\nend\n;;\nesac\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "bin/nvidia-container-runtime-hook"), "");
        Variables["PATH"] = $"{Path.GetDirectoryName(program)}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    /// <summary>From now on <c>nvidia-smi</c> says only this, and fails.</summary>
    public Task BreakGpusAsync(string words) =>
        File.WriteAllTextAsync(Path.Combine(_folder.FullName, "bin/nvidia-smi"), $"#!/bin/sh\necho '{words}'\nexit 9\n");

    /// <summary>Joins, as a service's first step would, and does not go on; for refusals.</summary>
    public async Task<(int Code, string Error)> TryAsync(string token, params string[] flags)
    {
        await JoinAsync(token, flags);
        await _process!.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60));
        var code = _process.ExitCode;
        await Eventually.TrueAsync(() => Task.FromResult(Said.Length > 0), "it says why");
        return (code, Said);
    }

    /// <summary>Joins in the foreground.</summary>
    public async Task JoinAsync(string token, params string[] flags)
    {
        var file = Path.Combine(_folder.FullName, "token");
        await File.WriteAllTextAsync(file, token);
        var authorities = Path.Combine(_folder.FullName, "authorities");
        File.Copy(server.Authorities, authorities, overwrite: true);
        if (IsOrdinary && Environment.IsPrivilegedProcess)
            await Ran.WellAsync("chown", "-R", $"{Nobody}:{Nobody}", _folder.FullName);
        if (MayUseEngine)
            _groups = $"--groups={(await Ran.WellAsync("stat", "-L", "-c", "%g", Engine.SocketPath)).Line}";
        flags = [.. flags.Select(flag => flag == server.Authorities ? authorities : flag)];
        Start(["node", "join", server.Address, "--token-file", file, "--name", name, "--data", Data, .. flags.Contains("--queue") ? flags : ["--queue", "lab", .. flags]]);
    }

    public void StartAgain() => Start(["node", "run", "--data", Data]);

    /// <summary>As a crash or the kernel would end it.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task<int> EndedAsync()
    {
        try
        {
            await _process!.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromMinutes(4)); // A removed one asks a while on.
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{name} goes on, and said: {Said}", e);
        }

        return _process.ExitCode;
    }

    /// <summary>Waits until the server shows it in a state, and what it offers.</summary>
    public Task UntilAsync(string state) => Eventually.TrueAsync(
        async () => (await server.Api.ListNodesAsync(TestContext.Current.CancellationToken)).Any(n => n.Name == name && n.State == state && n.Offered is not null), () => $"{name} is {state}: {Said}", TimeSpan.FromSeconds(60));

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        if (File.Exists(Path.Combine(Data, NodeFiles.Identity)))
            await Engine.RemoveAllAsync(Installation);
        // Sessions that are processes outlive the node as containers do.
        if (Directory.Exists(Path.Combine(Data, "runs")))
            await Ran.ToEndAsync("pkill", ["-KILL", "-f", Path.Combine(Data, "runs")]);
        _folder.Delete(recursive: true);
    }

    private void Start(string[] arguments)
    {
        var variables = new Dictionary<string, string?>(Variables)
        {
            ["HOME"] = _folder.FullName,
            ["DOCKER_HOST"] = $"unix://{Engine.SocketPath}",
            ["BERTH_DATA"] = null,
        };
        _process = IsOrdinary && Environment.IsPrivilegedProcess
            ? Ran.Start("setpriv", [$"--reuid={Nobody}", $"--regid={Nobody}", _groups, Published.Command, .. arguments], variables, _folder.FullName)
            : Ran.Start(Published.Command, arguments, variables, _folder.FullName);
        foreach (var stream in new[] { _process.StandardOutput, _process.StandardError })
            _ = CopyAsync(stream);
    }

    private async Task CopyAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (_said)
                _said.AppendLine(line);
        }
    }
}
