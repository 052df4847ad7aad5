using System.Text.Json;
using System.Text.Json.Serialization;
using Berth.Contracts.Sessions;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Processes;

/// <summary>
/// One start of a session, as its folder tells: nothing of it is in memory, so that whoever looks after it may be another
/// process than the one that started it.
/// </summary>
/// <remarks>
/// <c>running</c> is locked (flock(2)) for as long as the launcher lives, which waits for bubblewrap; the kernel undoes that
/// whatever ends it, a reboot too. <c>launcher</c> is its number, while it has the lock; <c>status</c> is what both wrote: the
/// first process's number, then its exit code; bubblewrap has a shared lock of it; <c>output</c> is what was printed.
/// </remarks>
internal sealed class Run(string folder, SessionKey key)
{
    public const string StatusFile = "status", LockFile = "running", LauncherFile = "launcher", OutputFile = "output";
    private const int LongestLastWords = 4096;

    /// <summary>What is known of its first process.</summary>
    /// <param name="Process">Its number here; null: it was not started.</param>
    /// <param name="ExitCode">128 + signal where one ended it; null: it has not ended, or nobody was there to see how.</param>
    public sealed record Status(int? Process, int? ExitCode);

    public SessionKey Key => key;

    public string Folder => folder;

    /// <summary>The process that waits for bubblewrap, and the number of the group of both; of no meaning where nothing is held.</summary>
    public int? Launcher => File.Exists(Path.Combine(folder, LauncherFile)) && int.TryParse(File.ReadAllText(Path.Combine(folder, LauncherFile)), out var process) ? process : null;

    /// <summary>Reads a run from the name of its folder; null: it is none.</summary>
    public static Run? Of(string folder) =>
        Path.GetFileName(folder).Split('-') is ["berth", { Length: 26 } id, var generation] && int.TryParse(generation, out var number)
            ? new Run(folder, new SessionKey(id.ToUpperInvariant(), number))
            : null;

    /// <summary>Whether its launcher lives.</summary>
    public bool IsHeld()
    {
        try
        {
            using var file = new FileStream(Path.Combine(folder, LockFile), FileMode.Open, FileAccess.ReadWrite, FileShare.None);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (DirectoryNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    public Status Read()
    {
        var status = new Status(null, null);
        try
        {
            foreach (var line in File.ReadLines(Path.Combine(folder, StatusFile)).Where(line => line.Length > 0))
            {
                var said = JsonSerializer.Deserialize(line, ProcessJson.Default.Said);
                status = new Status(said?.ChildPid ?? status.Process, said?.ExitCode ?? status.ExitCode);
            }
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            // Not yet, not any more, or a line that is being written; or a first process just tries its lock.
        }

        return status;
    }

    public Observation Observe()
    {
        var held = IsHeld();
        var status = Read(); // after the lock: who had let go of it had written
        return (held, status) switch
        {
            (true, { ExitCode: null }) => new Observation(key, ForeignState.Running, "running"),
            (false, { Process: null }) => new Observation(key, ForeignState.Created, "not started"),
            (_, { ExitCode: { } code }) => new Observation(key, ForeignState.Exited, "exited") { ExitCode = code, LastWords = LastWords() },
            _ => new Observation(key, ForeignState.Exited, "gone") { ExitCode = null, LastWords = LastWords() },
        };
    }

    /// <summary>The end of what it printed, fit to be shown.</summary>
    public string? LastWords()
    {
        try
        {
            using var file = new FileStream(Path.Combine(folder, OutputFile), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            file.Position = Math.Max(0, file.Length - LongestLastWords);
            var bytes = new byte[LongestLastWords];
            var text = LogText.Plain(bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false))).Trim();
            return text.Length == 0 ? null : text;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Removes what is kept of it.</summary>
    public void Delete()
    {
        while (Directory.Exists(folder))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (DirectoryNotFoundException)
            {
                // A start that was ended removes it at the same time.
            }
        }
    }
}

/// <summary>A line of bubblewrap's status.</summary>
internal sealed record Said([property: JsonPropertyName("child-pid")] int? ChildPid, [property: JsonPropertyName("exit-code")] int? ExitCode);

[JsonSerializable(typeof(Said))]
[JsonSerializable(typeof(KeptWorkspace))]
internal sealed partial class ProcessJson : JsonSerializerContext;
