using System.Collections.Concurrent;
using System.Globalization;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>Whom the files of a workspace should belong to.</summary>
/// <param name="Uid">User id.</param>
/// <param name="Gid">Group id; null: not known without more questions, and not needed for the user to write.</param>
internal sealed record Owner(int Uid, int? Gid);

/// <summary>
/// Who runs in a container, in the engine's spelling <c>user[:group]</c>, each a name or a number. Numbers go as they are;
/// only to give a workspace to a user that the image knows by name, the image's passwd file is read, once an image.
/// </summary>
internal sealed class ImageUser
{
    /// <summary>What engines open themselves, as root and outside of the container, whoever it is to run as.</summary>
    private static readonly string[] OpenedByEngines = ["/etc/passwd", "/etc/group"];

    private readonly ConcurrentDictionary<(string Image, string User), Owner?> known = new();
    private readonly ConcurrentDictionary<string, byte> harmless = new();

    /// <summary>The user a container is made with; null: the image's own.</summary>
    public static string? Of(SessionSpec spec, string? imageUser) => spec switch
    {
        { HostFolder: { } folder } => $"{folder.Uid}:{folder.Gid}",
        { Uid: { } uid, Gid: { } gid } => $"{uid}:{gid}",
        { Uid: { } uid } => $"{uid}",
        { Gid: { } gid } => $"{(NameOf(imageUser) is { Length: > 0 } name ? name : "0")}:{gid}",
        _ => null,
    };

    public static bool IsRoot(string? user) =>
        NameOf(user) is "" or "root" || (TryId(NameOf(user), out var uid) && uid == 0);

    /// <summary>
    /// Refuses an image that has a pipe or a device where engines look up users: they wait for it for ever, Docker with the
    /// container locked, Podman with all that it serves.
    /// </summary>
    public async Task CheckAsync(string imageId, Func<string, Task<PathStat?>> stat)
    {
        if (harmless.ContainsKey(imageId))
            return;
        foreach (var path in OpenedByEngines)
        {
            var found = await stat(path);
            if (found is { IsLink: true, LinkTarget: { Length: > 0 } target } && target != path)
                found = await stat(target);
            if (found is { IsSpecial: true })
                throw new ProviderException(Reason.Refused, $"the image's {path} is a pipe, a socket or a device, which engines would wait for; choose another image.");
        }

        harmless[imageId] = 0;
    }

    /// <param name="imageId">Of the image, whose passwd file stays the same.</param>
    /// <param name="user">In the engine's spelling.</param>
    /// <param name="readPasswd">Text of the image's passwd file; null where it has none.</param>
    /// <returns>Null where the image does not know the user: the engine then refuses to start it, in its own words.</returns>
    public async Task<Owner?> ResolveAsync(string imageId, string? user, Func<Task<string?>> readPasswd)
    {
        var name = NameOf(user);
        if (name.Length == 0)
            return new Owner(0, 0);
        var group = user!.Contains(':') ? user[(user.IndexOf(':') + 1)..] : null;
        var gid = TryId(group, out var id) ? id : (int?)null;
        if (TryId(name, out var uid))
            return new Owner(uid, gid);
        if (!known.TryGetValue((imageId, user), out var owner))
            known[(imageId, user)] = owner = Find(name, await readPasswd());
        return owner is null || group is null ? owner : owner with { Gid = gid };
    }

    private static Owner? Find(string name, string? passwd)
    {
        foreach (var line in (passwd ?? "").Split('\n'))
        {
            var fields = line.Split(':'); // name:password:uid:gid:…
            if (fields.Length > 3 && fields[0] == name && TryId(fields[2], out var uid))
                return new Owner(uid, TryId(fields[3], out var gid) ? gid : null);
        }

        return null;
    }

    private static string NameOf(string? user) => user is null ? "" : user.Split(':')[0];

    private static bool TryId(string? text, out int id) => int.TryParse(text, NumberStyles.None, null, out id);
}
