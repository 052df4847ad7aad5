using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Cli.Commands;
using Berth.Cli.Settings;

namespace Berth.Cli.Servers;

/// <summary>Certificate authorities that a server is trusted by, where they are not the system's.</summary>
internal static class Authorities
{
    public static Flag<string?> Flag() =>
        new("--ca", "PEM file of the certificate authorities that the server is trusted by, and no others (the system's)") { HelpName = "FILE", Personal = true };

    /// <summary>Their certificates as text in PEM form; null: the system's are meant.</summary>
    public static string? Read(Call call, Flag<string?> flag)
    {
        if (call.Get(flag) is not { } named)
            return null;
        var file = Path.GetFullPath(named, call.Here.WorkingFolder);
        try
        {
            var text = File.ReadAllText(file);
            var found = new X509Certificate2Collection();
            found.ImportFromPem(text);
            return found.Count > 0 ? text : throw CliException.Usage($"{file} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).");
        }
        catch (CryptographicException e)
        {
            throw CliException.Usage($"{file} cannot be read as certificates: {e.Message}");
        }
    }
}
