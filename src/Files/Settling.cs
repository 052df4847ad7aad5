using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>
/// Has the files of a copy written to the disk before the copy is told to be done: systems write names, and what they stand for,
/// when they like, and after a power cut a file would be empty or away. A few files are waited for one by one; of more it is
/// their file systems, once, though others may be writing there, too: a thousand waits take half as long again as the copy.
/// </summary>
internal sealed class Settling
{
    private const int Few = 16;

    private readonly List<OpenFile> _files = [];
    private readonly HashSet<(uint Major, uint Minor)> _disks = [];
    private readonly List<OpenFile> _ofDisk = [];
    private bool _many;

    /// <summary>A file that is whole; it is closed from here.</summary>
    public void Add(OpenFile file)
    {
        var found = file.Look();
        var first = _disks.Add((found.DeviceMajor, found.DeviceMinor));
        if (first)
            _ofDisk.Add(file);
        if (_files.Count < Few)
        {
            _files.Add(file);
            return;
        }

        _many = true;
        if (!first)
            file.Dispose();
    }

    /// <summary>Waits until all are on the disk.</summary>
    /// <param name="folder">Where the copy went: links and empty folders have nothing else to be waited for.</param>
    /// <param name="ct">Waits no longer.</param>
    /// <exception cref="DiskException">They are not, and will not be.</exception>
    public Task WaitAsync(Folder folder, CancellationToken ct) => Task.Run(
        () =>
        {
            folder.Sync();
            if (_many)
                _ofDisk.ForEach(file => file.SyncDisk());
            else
                _files.ForEach(file => file.Sync());
        },
        ct).WaitAsync(ct);

    /// <summary>Waits for none any more.</summary>
    public void Close()
    {
        foreach (var file in _files.Concat(_ofDisk))
            file.Dispose();
    }
}
