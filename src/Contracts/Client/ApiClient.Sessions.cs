using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Berth.Contracts.Sessions;

namespace Berth.Contracts.Client;

public sealed partial class ApiClient
{
    private const string Sessions = "api/berth/sessions";
    private const string Orphans = "api/berth/workspaces/orphans";
    private const string AllSessions = "api/berth/all_sessions";

    /// <summary>The caller's sessions, newest first; with <paramref name="ended"/> all of the history.</summary>
    public Task<IReadOnlyList<SessionView>> ListSessionsAsync(CancellationToken ct, bool ended = false) =>
        GetAllAsync(ended ? Sessions + "?ended=true" : Sessions, Json.ListSessionView, ct);

    /// <summary>A page of the caller's sessions that are over, newest first, and how many pages there are.</summary>
    public async Task<(IReadOnlyList<SessionView> Sessions, int Pages)> ListEndedSessionsAsync(int page, int perPage, CancellationToken ct) =>
        await GetPageAsync(Sessions + "?ended=true", page, perPage, Json.ListSessionView, ct);

    /// <summary>Everybody's sessions, without what is in them; for admins.</summary>
    /// <param name="user">Only those of this user, by name.</param>
    /// <param name="ended">Those that are over.</param>
    /// <param name="ct">Cancels.</param>
    public Task<IReadOnlyList<AdminSessionView>> ListAllSessionsAsync(string? user, bool ended, CancellationToken ct) =>
        GetAllAsync($"{AllSessions}?ended={(ended ? "true" : "false")}{(user is null ? "" : $"&user={Escape(user)}")}", Json.ListAdminSessionView, ct);

    /// <summary>Pauses or stops anybody's session; for admins.</summary>
    /// <param name="id">Of the session.</param>
    /// <param name="verb"><c>pause</c> or <c>stop</c>.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<AdminSessionView> ActAsAdminAsync(string id, string verb, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Post, $"{AllSessions}/{Escape(id)}/{verb}"), ct);
        return await ReadAsync(answer, Json.AdminSessionView, ct);
    }

    /// <summary>Lets anybody's waiting session go sooner or later; for admins.</summary>
    public async Task<AdminSessionView> PrioritiseAsAdminAsync(string id, PriorityRequest request, CancellationToken ct)
    {
        using var answer = await SendAsync(Post($"{AllSessions}/{Escape(id)}/priority", request, Json.PriorityRequest), ct);
        return await ReadAsync(answer, Json.AdminSessionView, ct);
    }

    /// <summary>Workspaces that belong to no session, for admins; to measure them may take minutes.</summary>
    public async Task<OrphanList> ListOrphansAsync(CancellationToken ct, bool sizes = false) =>
        await GetAsync($"{Orphans}?sizes={(sizes ? "true" : "false")}", Json.OrphanList, ct);

    /// <summary>Gives a workspace that belongs to no session to a user, as the work of a session that has ended; for admins.</summary>
    public async Task<AdminSessionView> AdoptOrphanAsync(string id, AdoptRequest request, CancellationToken ct)
    {
        using var answer = await SendAsync(Post($"{Orphans}/{Escape(id)}/adopt", request, Json.AdoptRequest), ct);
        return await ReadAsync(answer, Json.AdminSessionView, ct);
    }

    /// <summary>Deletes a workspace that belongs to no session; for admins.</summary>
    public async Task DeleteOrphanAsync(string id, CancellationToken ct)
    {
        using var answer = await SendAsync(new HttpRequestMessage(HttpMethod.Delete, $"{Orphans}/{Escape(id)}"), ct);
    }

    /// <summary>One session, by id or name.</summary>
    public Task<SessionView> GetSessionAsync(string idOrName, CancellationToken ct) =>
        GetAsync($"{Sessions}/{Escape(idOrName)}", Json.SessionView, ct);

    /// <summary>Starts a session; <c>Created</c> is false where the launcher had a live one, which is returned.</summary>
    public async Task<(SessionView Session, bool Created)> StartSessionAsync(StartRequest request, CancellationToken ct)
    {
        using var answer = await SendAsync(Post(Sessions, request, Json.StartRequest), ct);
        return (await ReadAsync(answer, Json.SessionView, ct), answer.StatusCode == HttpStatusCode.Created);
    }

    /// <summary>Gives back compute and keeps the workspace; returns as soon as it is wanted.</summary>
    public Task<SessionView> PauseSessionAsync(string idOrName, CancellationToken ct) =>
        ActAsync(idOrName, "pause", ct);

    /// <summary>Starts a paused or failed session again.</summary>
    public Task<SessionView> ResumeSessionAsync(string idOrName, ResumeRequest request, CancellationToken ct) =>
        PostAsync($"{Sessions}/{Escape(idOrName)}/resume", request, Json.ResumeRequest, Json.SessionView, ct);

    /// <summary>Ends a session; its workspace is kept for the retention time, or deleted at once.</summary>
    public Task<SessionView> StopSessionAsync(string idOrName, bool deleteWork, CancellationToken ct) =>
        ActAsync(idOrName, deleteWork ? "stop?delete_work=true" : "stop", ct);

    /// <summary>Lets a session that waits in line go sooner or later than others.</summary>
    public Task<SessionView> PrioritiseSessionAsync(string idOrName, PriorityRequest request, CancellationToken ct) =>
        PostAsync($"{Sessions}/{Escape(idOrName)}/priority", request, Json.PriorityRequest, Json.SessionView, ct);

    /// <summary>Moves the deadlines for idleness and age.</summary>
    public Task<SessionView> ExtendSessionAsync(string idOrName, ExtendRequest request, CancellationToken ct) =>
        PostAsync($"{Sessions}/{Escape(idOrName)}/extend", request, Json.ExtendRequest, Json.SessionView, ct);

    /// <summary>The session's log as UTF-8 text; with <paramref name="follow"/> it goes on until the session ends.</summary>
    /// <param name="idOrName">Which session.</param>
    /// <param name="maxLines">At most so many of the last lines; null: the server's default.</param>
    /// <param name="follow">Stay and send what comes.</param>
    /// <param name="ct">Ends the stream.</param>
    public async Task<Stream> ReadLogAsync(string idOrName, int? maxLines, bool follow, CancellationToken ct)
    {
        var query = (maxLines is { } lines ? $"max_lines={lines}&" : "") + (follow ? "follow=true" : "follow=false");
        var answer = await SendAsync(
            new HttpRequestMessage(HttpMethod.Get, $"{Sessions}/{Escape(idOrName)}/logs?{query}"), ct, stream: true);
        return await answer.Content.ReadAsStreamAsync(ct);
    }

    /// <summary>What happened to a session, oldest first.</summary>
    public async Task<IReadOnlyList<SessionEvent>> SessionEventsAsync(string idOrName, CancellationToken ct) =>
        await GetAsync($"{Sessions}/{Escape(idOrName)}/events", Json.ListSessionEvent, ct);

    /// <summary>Who was connected to a session, newest first.</summary>
    public Task<IReadOnlyList<ConnectionView>> SessionConnectionsAsync(string idOrName, CancellationToken ct) =>
        GetAllAsync($"{Sessions}/{Escape(idOrName)}/connections", Json.ListConnectionView, ct);

    /// <summary>A page of who was connected to anybody's session, newest first, and how many pages there are; for admins.</summary>
    public async Task<(IReadOnlyList<ConnectionView> Connections, int Pages)> AllConnectionsAsync(string? user, int page, int perPage, CancellationToken ct) =>
        await GetPageAsync($"api/berth/connections{(user is null ? "" : $"?user={Escape(user)}")}", page, perPage, Json.ListConnectionView, ct);

    /// <summary>
    /// Listens for changes. The task ends when the server listens too: what changes from then on is told. The stream ends
    /// when the server goes away; a cut connection throws <see cref="ServerUnreachableException"/>.
    /// </summary>
    public async Task<IAsyncEnumerable<Change>> ListenAsync(CancellationToken ct)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "api/berth/events");
        request.Headers.Accept.ParseAdd("text/event-stream");
        var answer = await SendAsync(request, ct, stream: true);
        return ReadChangesAsync(answer, ct);
    }

    private static async IAsyncEnumerable<Change> ReadChangesAsync(
        HttpResponseMessage answer, [EnumeratorCancellation] CancellationToken ct)
    {
        using (answer)
        {
            var parser = SseParser.Create(await answer.Content.ReadAsStreamAsync(ct), (kind, data) =>
                kind == "change" ? JsonSerializer.Deserialize(data, Json.Change) : null);
            await using var items = parser.EnumerateAsync(ct).GetAsyncEnumerator(ct);
            while (await NextAsync(items))
            {
                if (items.Current.Data is { } change)
                    yield return change;
            }
        }
    }

    private static async ValueTask<bool> NextAsync(IAsyncEnumerator<SseItem<Change?>> items)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new ServerUnreachableException("The connection to the server was cut.", e);
        }
    }

    private async Task<SessionView> ActAsync(string idOrName, string verb, CancellationToken ct)
    {
        using var answer = await SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"{Sessions}/{Escape(idOrName)}/{verb}"), ct);
        return await ReadAsync(answer, Json.SessionView, ct);
    }
}
