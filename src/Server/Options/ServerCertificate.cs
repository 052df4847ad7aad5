using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Berth.Server.Storage;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Berth.Server.Options;

/// <summary>
/// What the server proves its name with, read from PEM files again once they have changed: certificates are renewed every
/// few weeks, and nobody should have to restart a server for it.
/// </summary>
public sealed class ServerCertificate
{
    private readonly string _file;
    private readonly string _keyFile;
    private readonly Lock _lock = new();
    private SslStreamCertificateContext _context;
    private (DateTime, DateTime) _read;

    /// <exception cref="StartupException">The files cannot be read, or do not belong together.</exception>
    public ServerCertificate(string file, string keyFile)
    {
        (_file, _keyFile) = (file, keyFile);
        try
        {
            _read = Times();
            _context = Load();
        }
        catch (Exception e) when (IsFault(e))
        {
            throw new StartupException($"The certificate {file} with the key {keyFile} cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Ends TLS on what listens.</summary>
    public void Use(ListenOptions listen)
    {
        // Sessions' WebSockets are upgrades, which the newer protocols do not have.
        listen.Protocols = HttpProtocols.Http1;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = Current() }),
        });
    }

    private SslStreamCertificateContext Current()
    {
        lock (_lock)
        {
            try
            {
                if (Times() is var times && times != _read)
                {
                    _context = Load();
                    _read = times;
                }
            }
            catch (Exception e) when (IsFault(e))
            {
                // Half written, perhaps: the one before it goes on until there is a whole one.
            }
            return _context;
        }
    }

    private (DateTime, DateTime) Times() => (File.GetLastWriteTimeUtc(_file), File.GetLastWriteTimeUtc(_keyFile));

    private SslStreamCertificateContext Load()
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_file);
        return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(_file, _keyFile), chain, offline: true);
    }

    private static bool IsFault(Exception e) => e is IOException or UnauthorizedAccessException or CryptographicException;
}
