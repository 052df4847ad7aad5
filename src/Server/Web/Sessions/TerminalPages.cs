using Berth.Contracts.Services;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Sessions;

namespace Berth.Server.Web.Sessions;

/// <summary>A terminal of a session in the browser.</summary>
public static class TerminalPages
{
    // The one that a page without a name shows, so that coming back finds what was left.
    private const string Usual = "web";

    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/sessions/{id}/terminal", ShowAsync);
        pages.MapGet("/sessions/{id}/terminal/connect", ConnectAsync);
    }

    private static async Task<IResult> ShowAsync(string id, string? name, string? @new, Caller caller, SessionQueries queries, CancellationToken ct) =>
        Pages.Show<TerminalPage>(
            (nameof(TerminalPage.Session), await queries.FindAsync(caller, id, ct)),
            (nameof(TerminalPage.Name), @new is null ? name ?? Usual : null));

    private static Task ConnectAsync(
        string id, string? name, string? @new, ushort? rows, ushort? columns, int? window, Caller caller, ServiceRelay relay, HttpContext context) =>
        relay.ServeTerminalAsync(
            id,
            new TerminalRequest { Name = @new is null ? name ?? Usual : null, Size = new TerminalSize(rows ?? 24, columns ?? 80), Term = "xterm-256color" },
            window, caller, context);
}
