using System.Net;
using Berth.Contracts.Client;
using Berth.Contracts.Sessions;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>What was accepted for one session last.</summary>
internal sealed class Accepted(string id, string name)
{
    public string Id { get; } = id;

    public string Name { get; } = name;

    /// <summary>The status that the last accepted request leads to.</summary>
    public string Wanted { get; set; } = "running";
}

/// <summary>
/// A client that makes, pauses, resumes, deletes and lists sessions of its own, drawn by its seed, one request after the
/// other. A request that got no answer is asked again until it gets one, as a person would.
/// </summary>
internal sealed class LoadClient(RunningServer server, int number, string image, Action accepted)
{
    private const int MostLive = 3;
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(20);
    private readonly Random _random = new(number);

    /// <summary>Everything that was ever accepted.</summary>
    public List<Accepted> Sessions { get; } = [];

    /// <summary>Accepted requests by their kind.</summary>
    public Dictionary<string, int> Counts { get; } = [];

    /// <summary>Requests that got no answer and were asked again.</summary>
    public int Unanswered { get; private set; }

    /// <summary>Until <paramref name="enough"/>; the request that is on its way then is still answered.</summary>
    public async Task RunAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await StepAsync();
            if (Live.Count > 0 && _random.Next(3) > 0)
                await SettledAsync(Any(Live), enough);
        }
    }

    private List<Accepted> Live => Sessions.FindAll(s => s.Wanted != "ended");

    private Task StepAsync() => _random.Next(6) switch
    {
        _ when Live.Count == 0 => CreateAsync(),
        0 or 1 when Live.Count < MostLive => CreateAsync(),
        2 => AskAsync("paused", s => server.Api.PauseSessionAsync(s.Id, CancellationToken.None)),
        3 => AskAsync("running", s => server.Api.ResumeSessionAsync(s.Id, new ResumeRequest(), CancellationToken.None)),
        4 => AskAsync("ended", s => server.Api.StopSessionAsync(s.Id, deleteWork: true, CancellationToken.None)),
        _ => ListAsync(),
    };

    private async Task CreateAsync()
    {
        var name = $"load-{number}-{Sessions.Count}";
        var session = await AnsweredAsync(async () =>
        {
            try
            {
                return (await server.Api.StartSessionAsync(Scenarios.Request(name, image), CancellationToken.None)).Session;
            }
            catch (ApiException e) when (e.Status == HttpStatusCode.Conflict)
            {
                return await server.Api.GetSessionAsync(name, CancellationToken.None); // accepted before, and the answer was lost
            }
        });
        Sessions.Add(new Accepted(session.Id, name));
        Count("create");
    }

    private async Task AskAsync(string wanted, Func<Accepted, Task<SessionView>> ask)
    {
        var session = Any(Live);
        try
        {
            await AnsweredAsync(() => ask(session));
            session.Wanted = wanted;
            Count(wanted switch { "paused" => "pause", "running" => "resume", _ => "delete" });
        }
        catch (ApiException e) when (e.Status == HttpStatusCode.Conflict)
        {
            Count("refused"); // such as a resume of what is still being paused: nothing has changed
        }
    }

    private async Task ListAsync()
    {
        var listed = (await AnsweredAsync(() => server.Api.ListSessionsAsync(CancellationToken.None))).Select(s => s.Id).ToHashSet();
        Assert.All(Live, session => Assert.Contains(session.Id, listed));
        Count("list");
    }

    /// <summary>Waits until the session is as it was asked to be, or the server is gone.</summary>
    private async Task SettledAsync(Accepted session, CancellationToken enough)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(enough);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            await foreach (var _ in await server.Api.ListenAsync(limit.Token))
            {
                if ((await server.Api.GetSessionAsync(session.Id, limit.Token)).Berth.Status == session.Wanted)
                    return;
            }
        }
        catch (Exception e) when (IsGone(e) || e is OperationCanceledException)
        {
            // The next request finds out when it is back.
        }
    }

    private async Task<T> AnsweredAsync<T>(Func<Task<T>> ask)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception e) when (IsGone(e))
            {
                Unanswered++;
                await Task.Delay(Again);
            }
        }
    }

    private static bool IsGone(Exception e) => e is ServerUnreachableException or HttpRequestException or IOException;

    private Accepted Any(List<Accepted> of) => of[_random.Next(of.Count)];

    private void Count(string kind)
    {
        Counts[kind] = Counts.GetValueOrDefault(kind) + 1;
        if (kind is not ("list" or "refused"))
            accepted();
    }
}
