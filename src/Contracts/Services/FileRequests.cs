using System.Text;

namespace Berth.Contracts.Services;

/// <summary>
/// Files and folders into the session, as its user. What follows is spoken by <c>Files</c>: the client is its sender.
/// </summary>
public sealed record UploadRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "upload";

    /// <inheritdoc/>
    public override string Target() => SessionFile.Shown(Destination);

    /// <summary>A folder that things are put into, or the name that the one thing gets; below the working directory where it is relative, <c>~</c> is the user's folder.</summary>
    public byte[] Destination { get; init; } = [];

    /// <summary>Several things come: it must be a folder.</summary>
    public bool Several { get; init; }

    /// <summary>Folders on the way to it that are not there are made.</summary>
    public bool MakesFolders { get; init; }
}

/// <summary>Files and folders out of the session. What follows is spoken by <c>Files</c>: the client is its receiver.</summary>
public sealed record DownloadRequest : ServiceRequest
{
    /// <summary>On the wire.</summary>
    public const string KindName = "download";

    /// <inheritdoc/>
    public override string Target() => string.Join(' ', Sources.Select(source => SessionFile.Shown(source.Path)));

    /// <summary>What is wanted.</summary>
    public IReadOnlyList<SessionFile> Sources { get; init; } = [];
}

/// <summary>Something in a session that is wanted.</summary>
/// <param name="Path">Where it is, as in <see cref="UploadRequest.Destination"/>; bytes, as Linux has them.</param>
/// <param name="Name">What it is called where it arrives; empty: its contents are meant.</param>
public sealed record SessionFile(byte[] Path, byte[] Name)
{
    /// <summary>A path for people.</summary>
    public static string Shown(byte[] path) =>
        path.Length == 0 ? "." : new([.. Encoding.UTF8.GetString(path).Select(c => char.IsControl(c) ? '\uFFFD' : c)]);
}
