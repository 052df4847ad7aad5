using System.Text;

namespace Berth.Agent.Services.Ssh;

/// <summary>What <c>src/Agent/ssh/login</c> reads: the session's variables and folder, as lines for a shell.</summary>
internal static class LoginScript
{
    // Of this login, from sshd; the session's own values are another terminal's.
    private static readonly string[] s_ofTheLogin = ["TERM", "PWD", "OLDPWD", "SHLVL", "_"];

    // From sshd, about a user that it was only told of.
    private static readonly string[] s_untrue = ["USER", "LOGNAME", "MAIL"];

    /// <param name="environment">The session's variables. Those whose names a shell cannot write are left out.</param>
    /// <param name="folder">Where it starts.</param>
    /// <param name="shell">What it becomes; null: there is none.</param>
    public static string Write(IReadOnlyDictionary<string, string> environment, string folder, string? shell)
    {
        var script = new StringBuilder($"unset {string.Join(' ', s_untrue)}\n");
        foreach (var (name, value) in environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            if (IsName(name) && !s_ofTheLogin.Contains(name) && !name.StartsWith("SSH_", StringComparison.Ordinal))
                script.Append($"export {name}={Quoted(value)}\n");
        }
        return script.Append(shell is null ? "" : $"export SHELL={Quoted(shell)}\n").Append($"cd -- {Quoted(folder)}\n").ToString();
    }

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static string Quoted(string value) => $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
