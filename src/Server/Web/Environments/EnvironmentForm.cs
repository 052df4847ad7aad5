using Berth.Contracts.Environments;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Environments;

/// <summary>Between an environment and its fields, which stand alone or, with a prefix, inside a launcher's form.</summary>
public static class EnvironmentForm
{
    /// <summary>What the fields say. A field left empty means the image's own, or the default that its placeholder shows.</summary>
    public static EnvironmentRequest Read(PageForm form, string name, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(form);
        return new(
            name,
            form.Text(prefix + "container_image") ?? "",
            Description: prefix.Length == 0 ? form.Text("description") : null,
            DefaultUrl: form.Text(prefix + "default_url") ?? "/lab",
            Port: form.Int(prefix + "port") ?? 8080,
            Uid: form.Int(prefix + "uid"),
            Gid: form.Int(prefix + "gid"),
            WorkingDirectory: form.Text(prefix + "working_directory"),
            MountDirectory: form.Text(prefix + "mount_directory"),
            Command: Arguments(form, prefix + "command"),
            Args: Arguments(form, prefix + "args"),
            IsArchived: form.Flag(prefix + "is_archived"),
            StripPathPrefix: form.Flag(prefix + "strip_path_prefix"));
    }

    /// <summary>The fields of an environment that is there.</summary>
    public static (string Name, object? Value)[] Fields(EnvironmentView environment, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(environment);
        return
        [
            (prefix + "container_image", environment.ContainerImage),
            (prefix + "default_url", environment.DefaultUrl),
            (prefix + "port", environment.Port),
            (prefix + "uid", environment.Uid),
            (prefix + "gid", environment.Gid),
            (prefix + "working_directory", environment.WorkingDirectory),
            (prefix + "mount_directory", environment.MountDirectory),
            (prefix + "command", Lines(environment.Command)),
            (prefix + "args", Lines(environment.Args)),
            (prefix + "is_archived", environment.IsArchived ? true : null),
            (prefix + "strip_path_prefix", environment.StripPathPrefix ? true : null),
        ];
    }

    private static IReadOnlyList<string>? Arguments(PageForm form, string field) => form.Lines(field) is { Count: > 0 } lines ? lines : null;

    private static string? Lines(IReadOnlyList<string>? arguments) => arguments is null ? null : string.Join('\n', arguments);
}
