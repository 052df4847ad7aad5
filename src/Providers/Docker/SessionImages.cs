using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Docker;

/// <summary>
/// Which image a start gets, and whether its user may have it. What the engine has in its cache was perhaps fetched with
/// somebody else's credentials, so its registry is asked first; where it cannot be asked, what it said before counts. A
/// session keeps the image that it first got, wherever the image's tag moves.
/// </summary>
internal sealed class SessionImages(RegistryClient registries, PrivateImages privates, SessionNotes notes, TimeProvider time)
{
    // 1. the image that an earlier start of the session got
    // 2. otherwise one of that name, if its user may have it
    // 3. otherwise fetch it: by the earlier start's digest where there is one
    public async Task<(ImageReply Image, ImagePin Pin)> FindAsync(DockerClient client, StartOrder order, IProgress<StageReport> progress, CancellationToken ct)
    {
        var name = ImageName.Parse(order.Spec.Image);
        var pin = notes.Pin(order.Key.SessionId) is { } kept && kept.Name == name.Text ? kept : null;
        if (pin is not null && await client.InspectImageAsync(pin.Id, ct) is { } same)                                   // 1
            return (same, pin);

        var image = pin?.Digest is null ? await CachedAsync(client, name, ct) : null;                                    // 2
        if (image is not null)
            await CheckAsync(client.Info, image, name, order.Access, ct);
        else
            image = await PullAsync(client, pin?.Digest is { } digest ? name.At(digest) : name, pin, order.Access, progress, ct); // 3
        return (image, new ImagePin(name.Text, image.Id, DigestOf(image, name)));
    }

    public async Task<ImageFinding> LookAsync(DockerClient client, ImageName name, ImageAccess access, CancellationToken ct)
    {
        if (await CachedAsync(client, name, ct) is { } local)
        {
            try
            {
                await CheckAsync(client.Info, local, name, access, ct);
                return new ImageFinding(true, true, [$"{local.Os}/{local.Architecture}"]);
            }
            catch (ProviderException e)
            {
                // Not what the cache has: that is not this user's to know.
                return new ImageFinding(false, false, [], e.Reason.Sentence(e.Message));
            }
        }

        var answer = await registries.AskAsync(name, access.Credential, ct);
        return answer.Word switch
        {
            RegistryWord.Found => new ImageFinding(true, false, answer.Platforms),
            RegistryWord.Silent => new ImageFinding(false, false, [], Reason.PullFailed.Sentence($"{name}: {name.Host} cannot be asked ({answer.Fault}).")),
            RegistryWord.Missing => new ImageFinding(false, false, [], Reason.ImageNotFound.Sentence($"there is no {name}.")) { Exists = false },
            _ => new ImageFinding(false, false, [], Refused(name, access).Message),
        };
    }

    /// <summary>Podman reads a short name as Docker's registry's alone, and calls what it builds itself <c>localhost/…</c>.</summary>
    private static async Task<ImageReply?> CachedAsync(DockerClient client, ImageName name, CancellationToken ct) =>
        await client.InspectImageAsync(name, ct)
        ?? (client.Info.IsPodman && name.MadeHere is { } here ? await client.InspectImageAsync(here, ct) : null);

    /// <exception cref="ProviderException">The user may not have what the cache has.</exception>
    private async Task CheckAsync(EngineInfo engine, ImageReply image, ImageName name, ImageAccess access, CancellationToken ct)
    {
        if (access.Shared)
            return;
        if (!CameFromRegistry(engine, image, name))
        {
            // Made here, or given this name here, but perhaps of a private one.
            if (privates.IsPrivate(image.Id) && !privates.MayUse(image.Id, access.User))
                throw Refused(name, access);
            return;
        }

        var answer = await registries.AskAsync(name, null, ct);
        if (answer.Word == RegistryWord.Found)
        {
            privates.Forget(image.Id);
            return;
        }

        if (access.Credential is { } credential && answer.Word != RegistryWord.Silent)
            answer = await registries.AskAsync(name, credential, ct);
        switch (answer.Word)
        {
            case RegistryWord.Found:
                privates.Remember(image.Id, access.User, mayUse: true);
                return;
            case RegistryWord.Silent when !privates.IsPrivate(image.Id) || privates.MayUse(image.Id, access.User):
                return;
            case RegistryWord.Silent:
                throw new ProviderException(
                    Reason.ImageNotFound, $"{name} is private, and {name.Host} cannot be asked whether you may read it ({answer.Fault}).");
            case RegistryWord.Missing:
                throw new ProviderException(Reason.ImageNotFound, $"{name.Host} has no {name}, or does not show it to you; what this machine still has of it is not used.");
            default:
                privates.Remember(image.Id, access.User, mayUse: false);
                throw Refused(name, access);
        }
    }

    private async Task<ImageReply> PullAsync(
        DockerClient client, ImageName name, ImagePin? pin, ImageAccess access, IProgress<StageReport> progress, CancellationToken ct)
    {
        progress.Report(new StageReport(Stage.Pulling));

        // An engine fetches the whole of an image that is for other machines alone.
        var said = await registries.AskAsync(name, access.Credential, ct);
        if (said.Platforms.Count > 0 && !said.Platforms.Any(p => ContainerPlan.Runs(p, client.Info.Platform)))
            throw new ProviderException(Reason.WrongPlatform, $"{name} is for {string.Join(", ", said.Platforms)}, and {client.Info.Name} is {client.Info.Platform}.");
        try
        {
            await client.PullAsync(name, access.Credential, new PullProgress(progress, time).Add, ct);
        }
        catch (ProviderException e)
        {
            var refusal = DockerStates.ImageRefusal(name, e);
            throw pin is not null && refusal.Reason == Reason.ImageNotFound
                ? new ProviderException(Reason.ImageNotFound, $"this session runs on {name}, which this machine has no more, and {name.Host} does not give any more; a new session gets what {pin.Name} is now.", e)
                : refusal;
        }

        progress.Report(new StageReport(Stage.Preparing));
        var image = await client.InspectImageAsync(name, ct) ?? throw new ProviderException(Reason.PullFailed, $"{name} was fetched and is not there.");

        // Fetched with credentials, it is private unless a stranger gets it, too.
        if (access.Credential is not null && (await registries.AskAsync(name, null, ct)).Word != RegistryWord.Found)
            privates.Remember(image.Id, access.User, mayUse: true);
        return image;
    }

    /// <summary>
    /// Docker keeps a digest for what it fetched or sent alone. Podman has one for everything; there the word that it puts
    /// before the names of images made on the machine tells.
    /// </summary>
    private static bool CameFromRegistry(EngineInfo engine, ImageReply image, ImageName name) =>
        DigestOf(image, name) is not null && (!engine.IsPodman || name.Host != ImageName.Here);

    private static string? DigestOf(ImageReply image, ImageName name) =>
        name.Host == ImageName.Here ? null : (image.RepoDigests ?? []).FirstOrDefault(name.Owns)?.Split('@')[1];

    private static ProviderException Refused(ImageName name, ImageAccess access) => new(
        Reason.ImageNotFound,
        access.Credential is { } used
            ? $"{name.Host} does not give {name} to {used.Username}, whose credentials you keep here."
            : $"{name.Host} does not give {name} to everybody. If you may read it, keep your credentials here: `berth image-credentials set {name.Host}`.");
}

/// <summary>The image that a session got.</summary>
/// <param name="Name">As its environment names it.</param>
/// <param name="Id">At the engine.</param>
/// <param name="Digest">At its registry; null: it has none.</param>
internal sealed record ImagePin(string Name, string Id, string? Digest);
