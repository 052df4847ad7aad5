using System.Net.Sockets;
using Berth.Cli.Output;

namespace Berth.Cli.Servers;

/// <summary>This user's own server on this machine: where it listens, and how it is started in the background.</summary>
internal sealed class LocalServer(Surroundings here)
{
    /// <summary>Longest path that a socket can have on Linux.</summary>
    private const int LongestSocket = 107;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(50);

    public string DataFolder => here.DataFolder;

    public string Socket => Path.Combine(here.DataFolder, "berth.sock");

    public string Log => Path.Combine(here.DataFolder, "server.log");

    public PidFile PidFile => new(Path.Combine(here.DataFolder, "server.pid"));

    public async Task<bool> ListensAsync(CancellationToken ct)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(Socket) > LongestSocket)
            throw CliException.Usage($"The path {Socket} is too long for a socket ({LongestSocket} bytes at most). Set BERTH_DATA to a shorter folder.");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Socket), ct);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new CliException(ExitCodes.SignIn, $"{Socket} belongs to another user. Sign in to that server with `berth login URL`, or set BERTH_DATA to a folder of your own.");
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Two commands at once start one server: the second waits for the first, and then finds it running.</summary>
    public async Task StartInBackgroundAsync(Report report, CancellationToken ct)
    {
        var program = ServerProgram.Find(here)
            ?? throw new CliException(ExitCodes.Error, ServerProgram.Missing);
        PrivateFile.CreateFolder(DataFolder);
        using var deadline = new CancellationTokenSource(Patience, here.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            using var turn = await TakeTurnAsync(either.Token);
            if (await ListensAsync(either.Token))
                return;
            report.Line($"Starting the local Berth server … (log: {Log}; stop it with `berth server stop`)");
            var server = Spawned.Start(program, ServerProgram.VariablesFor(here, new Dictionary<string, string?>()), Log);
            PidFile.Write(server.Id);
            while (!await ListensAsync(either.Token))
            {
                if (server.HasExited)
                {
                    PidFile.Delete();
                    throw new CliException(ExitCodes.Error, $"The local server ended before it was ready. The end of {Log}:\n{LastLines()}");
                }
                await Task.Delay(BetweenTries, here.Time, either.Token);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.TimedOut, $"The local server has not answered on {Socket} for {Patience.TotalSeconds:0} s. Its log is {Log}.");
        }
    }

    private async Task<FileStream> TakeTurnAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(DataFolder, "server.start"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
            {
                await Task.Delay(BetweenTries, here.Time, ct);
            }
        }
    }

    private string LastLines() =>
        File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(10)) : "(it is empty)";
}
