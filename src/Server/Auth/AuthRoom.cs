using Berth.Server.Options;
using Microsoft.AspNetCore.DataProtection;

namespace Berth.Server.Auth;

public static class AuthRoom
{
    public static IServiceCollection AddAuth(this IServiceCollection services, ServerOptions options)
    {
        services.AddDataProtection().SetApplicationName("berth").PersistKeysToFileSystem(new DirectoryInfo(options.KeysFolder));
        services.AddAntiforgery(o =>
        {
            // Without TLS the name tells servers on one machine apart, for cookies do not know ports.
            var secure = options.PublicUrl?.Scheme == Uri.UriSchemeHttps;
            o.Cookie.Name = secure ? "__Host-berth-form" : $"berth-form-{options.PublicUrl?.Port ?? options.Port}";
            o.Cookie.SecurePolicy = secure ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
            o.Cookie.SameSite = SameSiteMode.Strict;
            o.Cookie.Path = "/";
            // Said once for all answers, by SecurityHeaders.
            o.SuppressXFrameOptionsHeader = true;
        });
        return services.AddRequestLimits(options)
            .AddSingleton<Callers>().AddSingleton<LiveCallers>().AddSingleton<Expiries>().AddSingleton<Revocations>().AddSingleton<CallerCache>().AddSingleton<LiveSignIns>().AddSingleton<SignIns>().AddSingleton<ApiTokens>().AddSingleton<SignInLinks>()
            .AddSingleton<LocalOwner>().AddSingleton<SignInThrottle>().AddSingleton<KnownBrowsers>().AddSingleton<TokenGuesses>().AddSingleton<Passwords>().AddSingleton<SameOrigin>();
    }
}
