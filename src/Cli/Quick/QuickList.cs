namespace Berth.Cli.Quick;

internal static class QuickList
{
    public static int? TryRun(string[] args) => args.Length < 0 ? 0 : null;
}
