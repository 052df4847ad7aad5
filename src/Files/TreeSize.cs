using Berth.Files.Disk;

namespace Berth.Files;

/// <summary>Counts what is to be copied, beside the copying, for whoever waits to know how long it takes.</summary>
internal static class TreeSize
{
    public static (long Files, long Bytes) Measure(IReadOnlyList<CopySource> sources, CancellationToken ct)
    {
        var (files, bytes) = (0L, 0L);
        foreach (var source in sources)
        {
            var (folder, name) = Names.Split(source.Path);
            Try(() =>
            {
                using var parent = Folder.Open(name.Length == 0 ? source.Path : folder);
                Count(parent, name.Length == 0 ? [(byte)'.'] : name, EntryKind.Unknown, follow: true, 0);
            });
        }
        return (files, bytes);

        void Count(Folder parent, byte[] name, EntryKind kind, bool follow, int depth)
        {
            ct.ThrowIfCancellationRequested();
            if (Names.IsDraft(name) || depth > Sender.Deepest)
                return;
            if (kind is EntryKind.Unknown or EntryKind.File)
            {
                var found = parent.Look(name, follow);
                kind = Folder.KindOf(found);
                if (kind == EntryKind.File)
                    bytes += (long)found.Size;
            }
            if (kind is EntryKind.File or EntryKind.Link)
                files++;
            if (kind != EntryKind.Folder)
                return;
            using var folder = follow ? parent.OpenNamed(name) : parent.OpenFolder(name);
            using var entries = folder.Read();
            while (entries.Next() is { } entry)
                Try(() => Count(folder, entry.Name, entry.Kind, follow: false, depth + 1));
        }

        static void Try(Action count)
        {
            try
            {
                count();
            }
            catch (DiskException)
            {
                // Who copies it tells.
            }
        }
    }
}
