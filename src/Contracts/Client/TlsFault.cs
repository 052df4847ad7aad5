using System.Security.Authentication;

namespace Berth.Contracts.Client;

/// <summary>Why there is no encrypted connection to a server that was reached.</summary>
public static class TlsFault
{
    /// <summary>It showed a certificate that is not trusted.</summary>
    public static bool IsOfCertificate(Exception e) => Of(e)?.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>It did not answer as TLS has it: it may speak plain HTTP.</summary>
    public static bool IsOfProtocol(Exception e) => Of(e) is not null && !IsOfCertificate(e);

    // The framework has one exception for both, and no code in it.
    private static AuthenticationException? Of(Exception e)
    {
        ArgumentNullException.ThrowIfNull(e);
        return e.GetBaseException() as AuthenticationException;
    }
}
