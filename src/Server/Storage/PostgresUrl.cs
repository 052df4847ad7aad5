using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Berth.Server.Storage;

/// <summary>
/// Reads PostgreSQL's connection URL, as libpq writes it:
/// <c>postgres://user:password@host:port/database?sslmode=require</c>; <c>?host=/folder</c> names a Unix socket's folder
/// (https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNSTRING).
/// </summary>
public static class PostgresUrl
{
    /// <summary>The connection string, or what is wrong with the URL; neither repeats the password.</summary>
    public static bool TryParse(string url, [NotNullWhen(true)] out string? connectionString, [NotNullWhen(false)] out string? problem)
    {
        connectionString = null;
        problem = null;
        // A URL without a host is fine for libpq, but not for Uri.
        var readable = url.Replace("://@/", "://@localhost/", StringComparison.Ordinal).Replace("@/", "@localhost/", StringComparison.Ordinal);
        if (!Uri.TryCreate(readable, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
        {
            problem = "must look like postgres://user:password@host:5432/database";
            return false;
        }

        var user = uri.UserInfo.Split(':', 2);
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host,
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.Trim('/')),
            ApplicationName = "berth",
        };
        if (user[0].Length > 0)
            builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            builder.Password = Uri.UnescapeDataString(user[1]);
        if (builder.Database is null or "")
        {
            problem = "names no database: postgres://user:password@host:5432/database";
            return false;
        }

        foreach (var option in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = option.Split('=', 2) is [var n, var v] ? (n, Uri.UnescapeDataString(v)) : (option, "");
            try
            {
                switch (name)
                {
                    case "host": builder.Host = value; break;
                    case "sslmode": builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true); break;
                    case "sslrootcert": builder.RootCertificate = value; break;
                    case "application_name": builder.ApplicationName = value; break;
                    case "connect_timeout": builder.Timeout = int.Parse(value); break;
                    default:
                        problem = $"has an option '{name}' that is not known; known are host, sslmode, sslrootcert, application_name and connect_timeout";
                        return false;
                }
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
            {
                problem = $"has an option '{name}' with a value that is not allowed: '{value}'";
                return false;
            }
        }

        connectionString = builder.ConnectionString;
        return true;
    }
}
