using System.Text;
using Berth.Cli.Commands;
using Berth.Cli.Output;
using Berth.Cli.Servers;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Files;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Reach;

/// <summary>Copies between this machine and a session, and shows how far it is.</summary>
internal sealed class FileCopy(Call call, Server server, SessionView session)
{
    private const string Here = "on this machine";
    private const int MostTroubles = 20;

    private byte[] Folder => Encoding.UTF8.GetBytes(call.Here.WorkingFolder);

    /// <summary>From here into the session.</summary>
    /// <returns>How many things were not copied.</returns>
    /// <exception cref="CliException">It could not go on, or not begin.</exception>
    public Task<CopyReport> UploadAsync(IReadOnlyList<byte[]> paths, byte[] destination, CopyBoard board, CancellationToken ct, bool makesFolders = false)
    {
        var sources = paths.Select(path => CopySource.Of(Folder, path)).ToList();
        var request = new UploadRequest { Destination = destination, Several = paths.Count > 1, MakesFolders = makesFolders };
        return RunAsync(request, board, (stream, report) => new Sender(stream, Here, report).SendAsync(sources, ct), ct);
    }

    /// <summary>From the session to here.</summary>
    /// <returns>How many things were not copied.</returns>
    /// <exception cref="CliException">It could not go on, or not begin.</exception>
    public async Task<CopyReport> DownloadAsync(IReadOnlyList<byte[]> paths, byte[] destination, CopyBoard board, CancellationToken ct)
    {
        using var landing = Land(destination, paths.Count > 1);
        // "~" is the session's to know, and like "." it has no name.
        var sources = paths.Select(path => new SessionFile(path, path is [(byte)'~'] ? [] : CopySource.NameOf(path))).ToList();
        var sender = new CopyPeer(IsAway: () => false, GiveUp: () => { }, HasCalledOff: () => ct.IsCancellationRequested);
        return await RunAsync(
            new DownloadRequest { Sources = sources }, board,
            (stream, report) => new Receiver(stream, landing, Here, report, new Drafts(), sender).ReceiveAsync([.. sources.Select(source => source.Name)], ct), ct);
    }

    private Landing Land(byte[] destination, bool several)
    {
        try
        {
            return Landing.Find(Folder, destination, several, Here);
        }
        catch (CopyFailedException e)
        {
            throw new CliException(ExitCodes.Error, e.Message);
        }
    }

    private async Task<CopyReport> RunAsync(ServiceRequest request, CopyBoard board, Func<ResumableStream, CopyReport, Task> copy, CancellationToken ct)
    {
        var told = 0;
        var report = new CopyReport
        {
            Trouble = trouble =>
            {
                if (++told <= MostTroubles)
                    board.Problem(trouble);
            },
            WentOn = (path, from) => board.Line($"'{path}' goes on where an earlier copy ended: {DiskUse.Of(from)} of it are there."),
        };
        var line = new LineReport(board.Line, call.Here.Time);
        try
        {
            await using var stream = await new SessionStreams(server.Client, session.Id, line, call.Here.Time).OpenAsync(request, ct);
            using var showing = board.Show(report);
            await copy(stream, report);
        }
        catch (Exception e) when (ct.IsCancellationRequested && e is IOException or OperationCanceledException)
        {
            throw new OperationCanceledException(ct);
        }
        catch (Exception e) when (e is CopyFailedException or StreamRefusedException or IOException)
        {
            throw new CliException(ExitCodes.Error, RemoteProcess.Plain(e.Message));
        }
        finally
        {
            if (told > MostTroubles)
                board.Problem($"… and {told - MostTroubles} more were not copied.");
        }
        return report;
    }
}
