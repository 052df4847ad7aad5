using System.Formats.Tar;
using System.Globalization;
using System.Runtime.InteropServices;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// The volume of a session: made at its first start, kept between generations, and when another session goes on with it. A new volume belongs to
/// root, so it is given to the session's user once. Plain volumes have no quota: the disk size of a class is not enforced.
/// </summary>
internal sealed partial class Workspace(DockerLabels labels, SessionNotes notes, TimeProvider time)
{
    public async Task<VolumeReply> EnsureAsync(DockerClient client, StartOrder order, CancellationToken ct)
    {
        var name = order.WorkspaceName;
        VolumeReply? volume;
        try
        {
            volume = await client.CreateVolumeAsync(new VolumeRequest(name, labels.OfWorkspace(order.Workspace, order.Labels)), ct);
        }
        catch (ProviderException e) when (e.Reason != Reason.EngineUnreachable)
        {
            // Podman refuses the slower of two that make the same at once.
            volume = await client.InspectVolumeAsync(name, ct);
            if (volume is null)
                throw;
        }

        // An engine that was restarted answers the making of a volume that is there without its labels, and still knows them.
        if (!labels.AreOurs(volume.Labels))
            volume = await client.InspectVolumeAsync(name, ct);
        return volume is not null && labels.AreOurs(volume.Labels)
            ? volume
            : throw new ProviderException(Reason.Refused, $"there is a volume {name} that is not this installation's; remove or rename it.");
    }

    /// <summary>
    /// Gives the volume to its user, between the making of the container (when the engine copies the image's own folder of
    /// that path into a new volume, owner included) and its start. The content is not gone through: it is the image's.
    /// </summary>
    public async Task OwnAsync(
        DockerClient client, SessionKey key, VolumeReply volume, string mountDirectory, Owner owner, CancellationToken ct)
    {
        if (owner.Uid == 0)
            return;
        var madeAt = volume.CreatedAt ?? volume.Name;
        var owned = notes.OwnedVolume(key.SessionId) == madeAt;

        // Before anything is changed, for Podman gives a new volume the owner of the image's folder only now.
        if (client.Info.IsPodman && !owned)
            await client.InitializeContainerAsync(key.ForeignName, ct);

        // The engine can do it, too, but takes 0.2 s for it, so that is done once a volume.
        if (client.Info.SameUserIds && Environment.IsPrivilegedProcess && volume.Mountpoint is { } path && Directory.Exists(path)
            && ChangeOwner(path, (uint)owner.Uid, owner.Gid is { } gid ? (uint)gid : uint.MaxValue) == 0)
        {
            if (client.Info.IsPodman && !owned)
                notes.SetOwnedVolume(key.SessionId, madeAt);
            return;
        }

        if (owned)
            return;

        // Docker changes only what is in the folder that is named; Podman looks into volumes only where they are named.
        var (root, entry) = client.Info.IsPodman ? (mountDirectory, "./") : ("/", mountDirectory.Trim('/') + "/");
        await client.UnpackAsync(key.ForeignName, root, Tar(entry, owner), ct);
        notes.SetOwnedVolume(key.SessionId, madeAt);
    }

    public async Task DeleteAsync(DockerClient client, string workspace, CancellationToken ct)
    {
        var volume = await client.InspectVolumeAsync(SessionKey.NameOfWorkspace(workspace), ct);
        if (volume is not null && labels.AreOurs(volume.Labels))
            await client.RemoveVolumeAsync(volume.Name, ct);
    }

    /// <summary>Volumes of this installation, by their labels.</summary>
    public async Task<IReadOnlyList<KeptWorkspace>> ListAsync(DockerClient client, CancellationToken ct) =>
        [.. (await OursAsync(client, ct)).Select(v => new KeptWorkspace(
            v.Labels![DockerLabels.Session],
            DateTimeOffset.TryParse(v.CreatedAt, CultureInfo.InvariantCulture, out var at) ? at : null,
            v.Labels.GetValueOrDefault(StartOrder.OwnerLabel),
            v.Labels.GetValueOrDefault(StartOrder.NameLabel)))];

    /// <summary>Bytes by workspace.</summary>
    public async Task<IReadOnlyDictionary<string, long>> MeasureAsync(DockerClient client, CancellationToken ct)
    {
        var workspaces = (await OursAsync(client, ct)).ToDictionary(v => v.Name, v => v.Labels![DockerLabels.Session]);
        var sizes = new Dictionary<string, long>();
        if (workspaces.Count == 0)
            return sizes; // To measure is dear.
        foreach (var volume in (await client.MeasureVolumesAsync(ct)).Volumes ?? [])
        {
            if (volume.UsageData is { Size: >= 0 and var size } && workspaces.TryGetValue(volume.Name, out var workspace))
                sizes[workspace] = size;
        }

        return sizes;
    }

    private async Task<IEnumerable<VolumeReply>> OursAsync(DockerClient client, CancellationToken ct) =>
        ((await client.VolumesAsync(labels.Ours, ct)).Volumes ?? []).Where(v => labels.AreOurs(v.Labels) && v.Labels!.ContainsKey(DockerLabels.Session));

    /// <summary>Only the directory itself: unpacking it changes its owner and mode, and nothing in it.</summary>
    private byte[] Tar(string directory, Owner owner)
    {
        using var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, TarEntryFormat.Pax, leaveOpen: true))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory)
            {
                Uid = owner.Uid,
                Gid = owner.Gid ?? 0,
                Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                    | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute,
                ModificationTime = time.GetUtcNow(),
            });
        }

        return bytes.ToArray();
    }

    /// <summary>chown(2); an id of all ones is left as it is. .NET has no such call.</summary>
    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint uid, uint gid);
}
