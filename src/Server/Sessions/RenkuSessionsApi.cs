using System.Globalization;
using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Core.Providers;
using Berth.Server.Auth;
using Berth.Server.Images;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Sessions.Reconcile;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Berth.Server.Sessions;

/// <summary>Renku's routes of sessions, strict as Renku's are.</summary>
public static class RenkuSessionsApi
{
    public static IEndpointRouteBuilder MapRenkuSessionsApi(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/data/sessions").WithTags("sessions (Renku)");
        sessions.MapPost("/", StartAsync).WithSummary("Start a launcher, or return its live session");
        sessions.MapGet("/", ListAsync).WithSummary("The caller's sessions");
        sessions.MapGet("/images", ImageAsync).WithSummary("Whether an image can be started here");
        sessions.MapGet("/{session}", FindAsync).WithSummary("One session");
        sessions.MapPatch("/{session}", PatchAsync).WithSummary("Pause, resume, change the class, or count as used");
        sessions.MapDelete("/{session}", DeleteAsync).WithSummary("Stop it");
        sessions.MapGet("/{session}/logs", SessionLogsApi.ByContainerAsync).WithSummary("Its log, by container");
        return routes;
    }

    private static async Task<Results<Created<SessionView>, Ok<SessionView>>> StartAsync(
        RenkuStartRequest request, Caller caller, StartSession start, LaunchTargets targets, CancellationToken ct)
    {
        var wanted = new StartRequest(LauncherId: request.LauncherId, ResourceClassId: request.ResourceClassId, DiskGb: request.DiskStorage);
        if (request.EnvVariableOverrides is { Count: > 0 } overrides)
        {
            var known = await targets.VariablesAsync(caller, request.LauncherId, ct);
            foreach (var (variable, index) in overrides.Select((v, i) => (v, i)))
            {
                if (!known.Contains(variable.Name))
                    throw new ProblemException(
                        ProblemCode.Invalid, $"The launcher has no variable '{variable.Name}'.", $"env_variable_overrides[{index}].name");
            }

            wanted = wanted with { Env = overrides.Where(v => v.Value is not null).ToDictionary(v => v.Name, v => v.Value!) };
        }

        var (session, created) = await start.StartAsync(caller, wanted, ct);
        return created ? TypedResults.Created($"/api/data/sessions/{session.Id}", session) : TypedResults.Ok(session);
    }

    private static async Task<Ok<List<SessionView>>> ListAsync(
        [AsParameters] PageRequest page, Caller caller, SessionQueries queries, HttpContext context, CancellationToken ct) =>
        (await queries.ListAsync(caller, ended: false, page, ct)).Answer(context);

    private static async Task<Ok<SessionView>> FindAsync(string session, Caller caller, SessionQueries queries, CancellationToken ct)
    {
        var found = await queries.FindAsync(caller, session, ct);
        return found.Status.State == "succeeded"
            ? throw new ProblemException(ProblemCode.NotFound, $"Session '{session}' has ended.")
            : TypedResults.Ok(found);
    }

    private static async Task<Ok<SessionView>> PatchAsync(
        string session, RenkuPatchRequest request, Caller caller, SessionCommands commands, SessionQueries queries, TimeProvider clock, CancellationToken ct)
    {
        if (request.LastInteraction is { } used)
            await commands.UsedAsync(caller, session, Interaction(used, clock), ct);
        return TypedResults.Ok(request.State switch
        {
            "running" => await commands.ResumeAsync(caller, session, new ResumeRequest(request.ResourceClassId), ct),
            "hibernated" => await commands.PauseAsync(caller, session, ct),
            null when request.ResourceClassId is { } classId => await commands.ChangeClassAsync(caller, session, classId, ct),
            null => await queries.FindAsync(caller, session, ct),
            _ => throw new ProblemException(ProblemCode.Invalid, "state is 'running' or 'hibernated'.", "state"),
        });
    }

    private static async Task<NoContent> DeleteAsync(string session, Caller caller, SessionCommands commands, CancellationToken ct)
    {
        try
        {
            await commands.StopAsync(caller, session, deleteWork: false, ct);
        }
        catch (ProblemException e) when (e.Code == ProblemCode.NotFound)
        {
            // Deleting what is not there succeeds.
        }

        return TypedResults.NoContent();
    }

    private static async Task<Ok<ImageCheck>> ImageAsync(
        [FromQuery(Name = "image_url")] string imageUrl, Caller caller, ImageCredentials credentials, IEnumerable<ProviderInstance> providers, CancellationToken ct)
    {
        StartRules.CheckImage(imageUrl, "image_url");
        try
        {
            var finding = await providers.First().Provider.FindImageAsync(new ImageQuery(imageUrl, await credentials.AccessAsync(caller.UserId, imageUrl, ct)), ct);
            return TypedResults.Ok(new ImageCheck(finding.Accessible, finding.Platforms, finding.Message, finding.Exists));
        }
        catch (ProviderException e)
        {
            throw new ProblemException(ProblemCode.Unavailable, $"The image cannot be looked up now: {e.Message}");
        }
    }

    private static DateTimeOffset Interaction(string text, TimeProvider clock) =>
        text == "now" ? clock.GetUtcNow()
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at
        : throw new ProblemException(ProblemCode.Invalid, "lastInteraction is a time such as 2026-01-31T12:00:00Z, or 'now'.", "lastInteraction");
}
