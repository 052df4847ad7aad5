using System.Diagnostics;
using Berth.Server.Options;

namespace Berth.Server.Storage;

/// <summary>
/// One server a data folder: its database, keys, sockets and logs have one owner. The lock is the operating system's and
/// goes with the process, however that ends.
/// </summary>
public sealed class DataFolderLock : IDisposable
{
    // A program that a server was about to start when it was killed has all that the server had, until it runs.
    private static readonly TimeSpan s_letGoWithin = TimeSpan.FromSeconds(10), s_lookEvery = TimeSpan.FromMilliseconds(50);

    private readonly FileStream _lock;
    private readonly string _pidFile;

    private DataFolderLock(FileStream held, string pidFile)
    {
        _lock = held;
        _pidFile = pidFile;
    }

    /// <summary>Takes it, and waits a moment for what is left of a server that was killed.</summary>
    /// <exception cref="StartupException">Another server has it, or the folder cannot be written.</exception>
    public static async Task<DataFolderLock> TakeAsync(ServerOptions options, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        var pidFile = Path.Combine(options.DataFolder, "berth.pid");
        Make(options.DataFolder);
        var held = await HoldAsync(options.DataFolder, pidFile, clock);
        try
        {
            await File.WriteAllTextAsync(pidFile, $"{Environment.ProcessId}\n");
            return new DataFolderLock(held, pidFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await held.DisposeAsync();
            throw Unwritable(options.DataFolder, e);
        }
    }

    public void Dispose()
    {
        File.Delete(_pidFile);
        _lock.Dispose();
    }

    private static async Task<FileStream> HoldAsync(string folder, string pidFile, TimeProvider clock)
    {
        for (var began = clock.GetTimestamp(); ; await Task.Delay(s_lookEvery, clock))
        {
            try
            {
                return new FileStream(Path.Combine(folder, "berth.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException e)
            {
                throw Unwritable(folder, e);
            }
            catch (IOException e)
            {
                var holder = ReadPid(pidFile);
                if (holder is { } server && !Lives(server) && clock.GetElapsedTime(began) < s_letGoWithin)
                    continue;
                throw new StartupException(
                    $"The data folder {folder} is in use by another Berth server{(holder is null ? "" : $" (process {holder})")}: stop that one, or choose another folder with --data.", e);
            }
        }
    }

    private static StartupException Unwritable(string folder, Exception e) =>
        new($"The data folder {folder} cannot be written: {e.Message} Choose another with --data.", e);

    private static void Make(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {folder} cannot be made: {e.Message} Choose another with --data.", e);
        }
    }

    private static bool Lives(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static int? ReadPid(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(file).Trim(), out var pid) ? pid : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
