using Berth.Cli.Settings;

namespace Berth.Cli.Commands.Images;

internal static class ImageCredentialFlags
{
    public static Flag<bool> Shared() => Flags.Switch("--shared", "The installation's own, for its global environments (admins)");
}
