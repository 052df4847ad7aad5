using System.Text;
using Berth.Cli.Servers;

namespace Berth.Cli.Ssh;

/// <summary>The user's own <c>~/.ssh/config</c>: one line is added to it, once, and everything else stays as it is.</summary>
internal sealed class UserSshConfig(Surroundings here)
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Its path.</summary>
    public string File => Path.Combine(here.Variable("HOME") ?? throw new CliException(ExitCodes.Error, "HOME is not set: where the settings of ssh are is not known."), ".ssh", "config");

    /// <summary>Whether it includes the file already.</summary>
    public bool Includes(string file) => Text().Split('\n').Any(line => line.Trim() == Line(file));

    /// <summary>What the file is to begin with: behind a Host line it would hold for that host alone.</summary>
    public static string Line(string file) => $"Include \"{file}\"";

    /// <summary>Adds the line. A file that is a link stays one, and its permissions stay.</summary>
    public void Include(string file)
    {
        PrivateFile.CreateFolder(Path.GetDirectoryName(File)!);
        var target = new FileInfo(File) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : File;
        var mode = System.IO.File.Exists(target) ? System.IO.File.GetUnixFileMode(target) : Owner;
        var text = Text();
        var draft = $"{target}.{Environment.ProcessId}";
        using (var writer = new StreamWriter(new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Owner }), new UTF8Encoding(false)))
            writer.Write($"# Sessions of Berth, as hosts NAME{SshHost.Suffix}\n{Line(file)}\n{(text.Length > 0 ? "\n" : "")}{text}");
        System.IO.File.SetUnixFileMode(draft, mode);
        System.IO.File.Move(draft, target, overwrite: true);
    }

    private string Text() => System.IO.File.Exists(File) ? System.IO.File.ReadAllText(File) : "";
}
