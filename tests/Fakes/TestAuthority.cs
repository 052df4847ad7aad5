using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Berth.Fakes;

/// <summary>A certificate authority of a test, in a folder of its own.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    // Clocks of the tests may be a day off.
    private readonly DateTimeOffset _since = TimeProvider.System.GetUtcNow().AddDays(-2);

    public TestAuthority(string folder)
    {
        Folder = folder;
        var request = new CertificateRequest("CN=Berth test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(_since, _since.AddDays(6));
        File.WriteAllText(Authorities, _certificate.ExportCertificatePem());
    }

    /// <summary>Hosts of sessions that the certificate is good for, too.</summary>
    public const string SessionHost = "{session}.sessions.test";

    public string Folder { get; }

    /// <summary>What clients are given to trust.</summary>
    public string Authorities => Path.Combine(Folder, "authorities.pem");

    /// <summary>The server's certificate.</summary>
    public string Certificate => Path.Combine(Folder, "server.pem");

    /// <summary>The server's key.</summary>
    public string Key => Path.Combine(Folder, "server.key");

    /// <summary>Makes a certificate for loopback, in place of the one before.</summary>
    /// <param name="name">Host that it is good for.</param>
    /// <param name="address">An address beside loopback's that it is good for.</param>
    /// <returns>Its fingerprint.</returns>
    public string Issue(string name = "localhost", IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddDnsName(SessionHost.Replace("{session}", "*", StringComparison.Ordinal));
        names.AddIpAddress(IPAddress.Loopback);
        if (address is not null)
            names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_certificate, _since, _since.AddDays(5), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Certificate, certificate.ExportCertificatePem());
        return certificate.Thumbprint;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }
}
