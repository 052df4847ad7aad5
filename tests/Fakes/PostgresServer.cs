using System.Diagnostics;

namespace Berth.Fakes;

/// <summary>
/// A real PostgreSQL of one's own (Debian package <c>postgresql</c>), in a temporary folder, reached through a Unix
/// socket in it. Nothing of it is flushed to disk: it lives as long as the tests.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _programs;
    private int _databases;

    private PostgresServer(string folder, string programs)
    {
        _folder = folder;
        _programs = programs;
    }

    public static async Task<PostgresServer> StartAsync()
    {
        var programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Select(d => Path.Combine(d, "bin"))
                .LastOrDefault(d => File.Exists(Path.Combine(d, "initdb")))
            : null;
        if (programs is null)
            throw new InvalidOperationException("PostgreSQL is not installed: apt-get install postgresql");

        var folder = Directory.CreateTempSubdirectory("berth-pg-").FullName;
        var server = new PostgresServer(folder, programs);
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", "postgres", folder);
        await server.RunAsOwnerAsync("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync");
        await server.ResumeAsync();
        return server;
    }

    /// <summary>Cuts all connections and ends it; its data stay.</summary>
    public Task HaltAsync() => RunAsOwnerAsync("pg_ctl", "-D", Data, "-m", "fast", "-w", "stop");

    /// <summary>Starts it, or starts it again.</summary>
    public Task ResumeAsync() => RunAsOwnerAsync(
        "pg_ctl", "-D", Data, "-l", Path.Combine(_folder, "log"), "-w", "-o",
        $"-k {_folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300", "start");

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Makes an empty database. Returns its URL.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await RunAsOwnerAsync("createdb", "-h", _folder, "-U", "postgres", name);
        return $"postgres://postgres@localhost/{name}?host={Uri.EscapeDataString(_folder)}";
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsOwnerAsync("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private Task RunAsOwnerAsync(string program, params string[] args)
    {
        program = Path.Combine(_programs, program);
        return Environment.IsPrivilegedProcess ? RunAsync("runuser", ["-u", "postgres", "--", program, .. args]) : RunAsync(program, args);
    }

    private static async Task RunAsync(string program, params string[] args)
    {
        var start = new ProcessStartInfo(program, args) { UseShellExecute = false, WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        // The server that pg_ctl leaves behind would keep the pipes open: wait for the exit, not for their end.
        var error = new System.Text.StringBuilder();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => error.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var exited = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => exited.TrySetResult();
        if (!process.HasExited)
            await exited.Task;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', args)} failed: {error}");
    }
}
