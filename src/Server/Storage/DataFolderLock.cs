using Berth.Server.Options;

namespace Berth.Server.Storage;

/// <summary>
/// One server a data folder: its database, keys, sockets and logs have one owner. The lock is the operating system's and
/// goes with the process, however that ends.
/// </summary>
public sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _lock;
    private readonly string _pidFile;

    private DataFolderLock(FileStream held, string pidFile)
    {
        _lock = held;
        _pidFile = pidFile;
    }

    /// <exception cref="StartupException">Another server has it, or the folder cannot be written.</exception>
    public static DataFolderLock Take(ServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var pidFile = Path.Combine(options.DataFolder, "berth.pid");
        try
        {
            Directory.CreateDirectory(options.DataFolder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"The data folder {options.DataFolder} cannot be made: {e.Message} Choose another with --data.", e);
        }

        try
        {
            var held = new FileStream(Path.Combine(options.DataFolder, "berth.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(pidFile, $"{Environment.ProcessId}\n");
            return new DataFolderLock(held, pidFile);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StartupException($"The data folder {options.DataFolder} cannot be written: {e.Message} Choose another with --data.", e);
        }
        catch (IOException e)
        {
            var holder = ReadPid(pidFile) is { } pid ? $" (process {pid})" : "";
            throw new StartupException(
                $"The data folder {options.DataFolder} is in use by another Berth server{holder}: stop that one, or choose another folder with --data.", e);
        }
    }

    public void Dispose()
    {
        File.Delete(_pidFile);
        _lock.Dispose();
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
