using Berth.Contracts.Sessions;
using Berth.Server.Sessions;

namespace Berth.Server.Tests.Proxy;

/// <summary>What is known of a session that does not run, as pages get it.</summary>
public static class Views
{
    public static SessionView Launching(SessionRoute route, string stage, params StageView[] stages) =>
        View(route, "launching") is var view ? view with { Berth = view.Berth with { Stage = stage, Stages = stages } } : null!;

    public static SessionView Paused(SessionRoute route) =>
        View(route, "paused") is var view
            ? view with { Berth = view.Berth with { Reason = "idle", Sentence = "It was paused after 24 h without use.", NextStep = "Resume it: `berth session resume climate`." } }
            : null!;

    public static SessionView Failed(SessionRoute route, string detail, params StageView[] stages) =>
        View(route, "failed") is var view
            ? view with
            {
                Berth = view.Berth with
                {
                    Reason = "nothing_listens",
                    Sentence = $"Nothing answered on its port within the starting time: {detail}.",
                    NextStep = "Check the environment's port, and that the front end listens on it; its log says more: `berth session logs climate`.",
                    Stages = stages,
                },
            }
            : null!;

    public static SessionView View(SessionRoute route, string status) => new(
        route.Name, route.Id, "jupyterlab", new(new(2, 4, 0, 10)), DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch,
        new(status, null, null, null, 0, 1), "http://localhost/", "p", "l", 1,
        new(status, null, null, null, null, null, [], 1, route.OwnerId, "ana", "local", "small", "docker", null, "personal",
            DateTimeOffset.UnixEpoch, null, null, 8888, "/lab", [], [], null));
}
