using System.Text;
using Berth.Cli.Output;
using Berth.Cli.Reach;
using Berth.Cli.Servers;
using Berth.Cli.Settings;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>What is copied into a session as soon as it runs.</summary>
internal sealed class Uploads
{
    private readonly List<Upload> _uploads;

    private Uploads(List<Upload> uploads) => _uploads = uploads;

    /// <summary>One of them.</summary>
    private sealed record Upload(string Path, string Destination)
    {
        /// <summary>As `cp` takes it, to which a name before a colon is a session's.</summary>
        public string Source => CopyPath.Parse(Path).Session is null ? Path : $"./{Path}";
    }

    public static Flag<string[]> Flag()
    {
        var flag = Flags.Texts("--upload", "Copy a file or folder into it, to DEST below its folder; repeatable", "PATH[:DEST]");
        // A project's file must not choose which files of its user go where its code runs.
        flag.Personal = true;
        return flag;
    }

    /// <summary>Reads them, and looks whether they are there before anything is started.</summary>
    public static Uploads Read(Call call, Flag<string[]> flag, bool detach)
    {
        var uploads = (call.Get(flag) ?? []).Select(typed => Parse(typed, call.Here.WorkingFolder)).ToList();
        if (uploads.Count > 0 && detach)
            throw CliException.Usage("--upload waits until the session runs, and --detach does not wait. Leave one away, or copy later: `berth session cp PATH NAME:`.");
        return new Uploads(uploads);
    }

    /// <summary>Copies them.</summary>
    /// <returns>Whether all is there.</returns>
    public async Task<bool> CopyAsync(Call call, Server server, SessionView session, CancellationToken ct)
    {
        var board = new CopyBoard(call.Here, call.Report);
        var all = true;
        foreach (var upload in _uploads)
            all &= await TryCopyAsync(call, new FileCopy(call, server, session), upload, session, board, ct);
        return all;
    }

    private static async Task<bool> TryCopyAsync(Call call, FileCopy copy, Upload upload, SessionView session, CopyBoard board, CancellationToken ct)
    {
        var began = call.Here.Time.GetTimestamp();
        try
        {
            var report = await copy.UploadAsync([Encoding.UTF8.GetBytes(upload.Path)], Encoding.UTF8.GetBytes(upload.Destination), board, ct, makesFolders: true);
            call.Report.Line($"{(call.Report.Live ? call.Report.Paint("32", "✓") + " " : "")}{"Uploading",-10} {Ages.Took(call.Here.Time.GetElapsedTime(began)),9}  {upload.Path}: {CopyBoard.Sum(report)}");
            if (report.Troubles == 0)
                return true;
        }
        catch (Exception e) when (e is CliException or ApiException or ServerUnreachableException)
        {
            call.Report.Problem(e.Message);
        }
        call.Report.Problem($"Not all of '{upload.Path}' is in the session, which runs. Again:  berth session cp {ShellWord.Of(upload.Source)} {ShellWord.Of($"{session.Name}:{upload.Destination}")}");
        return false;
    }

    private static Upload Parse(string typed, string folder)
    {
        // A name with a colon is taken as it is where there is such a file.
        var colon = Exists(typed, folder) ? -1 : typed.IndexOf(':');
        var upload = colon < 0 ? new Upload(typed, "") : new Upload(typed[..colon], typed[(colon + 1)..]);
        return upload.Path.Length > 0 && Exists(upload.Path, folder)
            ? upload
            : throw CliException.Usage($"--upload {typed}: '{upload.Path}' does not exist here. Nothing was started.");
    }

    private static bool Exists(string path, string folder) => Path.Exists(Path.GetFullPath(path, folder));
}
