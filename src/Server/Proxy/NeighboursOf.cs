using Berth.Contracts.Sessions;
using Berth.Server.Agents;
using Berth.Server.Auth;
using Berth.Server.Connections;
using Berth.Server.Sessions;
using Berth.Server.Sessions.Reconcile;

namespace Berth.Server.Proxy;

/// <summary>Where the proxy's questions to other rooms are answered.</summary>
public static class NeighboursOf
{
    /// <summary>The server's own rooms.</summary>
    public static Neighbours Server(IServiceProvider services)
    {
        var queries = services.GetRequiredService<SessionQueries>();
        var commands = services.GetRequiredService<SessionCommands>();
        var connections = services.GetRequiredService<ConnectionLog>();
        var signIns = services.GetRequiredService<LiveSignIns>();
        signIns.Ended += services.GetRequiredService<LiveConnections>().CutSignIn;
        return new Neighbours(
            context => context.FindCaller() is { SignInId: { } signIn } caller ? new Visitor(caller.UserId, signIn) : null,
            signIns.IsGoodAsync,
            services.GetRequiredService<AgentTokens>().FrontEndToken,
            services.GetRequiredService<AgentHub>().DialAsync,
            (visitor, session, ct) => queries.TryFindAsync(visitor.UserId, session, ct),
            (visitor, session, ct) => commands.ResumeAsync(Caller(visitor), session, new ResumeRequest(), ct),
            services.GetRequiredService<Nudges>().Touch,
            connections.BeginVisit,
            services.GetRequiredService<StreamLimits>().Pace);
    }

    // Sessions belong to their user alone, so no right beyond that is needed here.
    private static Caller Caller(Visitor visitor) => new(visitor.UserId, string.Empty, IsAdmin: false, CallerKind.Browser, visitor.SignInId);
}
