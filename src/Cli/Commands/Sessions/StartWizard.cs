using Berth.Cli.Servers;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Commands.Sessions;

/// <summary>The few questions of <c>berth session start</c> without flags. Enter takes what is in brackets.</summary>
internal sealed class StartWizard(Call call, Server server)
{
    /// <summary>A session that lives already, if one is wanted instead of a new one.</summary>
    public async Task<SessionView?> OfferRunningAsync(CancellationToken ct)
    {
        var sessions = await server.Client.ListSessionsAsync(ct);
        var newest = sessions.Where(session => session.Berth.Status is "running" or "launching").MaxBy(session => session.LastInteraction);
        return newest is not null && call.Questions.Confirm($"Connect to '{newest.Name}'?", otherwise: true) ? newest : null;
    }

    public async Task<WizardAnswers> AskAsync(CancellationToken ct)
    {
        var memory = new LastChoices(call.Here);
        var last = memory.Of(server.Context);
        var what = await AskWhatAsync(last, ct);
        var answers = what with
        {
            ClassId = await AskClassAsync(what, last, ct),
            Repository = what.LauncherId is null ? AskRepository(last) : null,
        };
        memory.Keep(server.Context, answers);
        return answers;
    }

    private async Task<WizardAnswers> AskWhatAsync(WizardAnswers last, CancellationToken ct)
    {
        List<(string Label, WizardAnswers Answer)> options =
        [
            .. (await server.Client.ListLaunchersAsync(ct)).Select(launcher =>
                ($"{launcher.Name} (launcher, {launcher.Environment.ContainerImage})", new WizardAnswers(LauncherId: launcher.Id))),
            .. (await server.Client.ListEnvironmentsAsync(ct)).OrderBy(environment => environment.CreationDate).Select(environment =>
                ($"{environment.Name} (environment)", new WizardAnswers(EnvironmentId: environment.Id))),
            ("another image", new WizardAnswers(Image: last.Image ?? "")),
        ];
        var standard = options.FindIndex(option => Same(option.Answer, last));
        var answer = options[Choose("What to start", [.. options.Select(option => option.Label)], Math.Max(0, standard))].Answer;
        return answer.Image is null ? answer : answer with { Image = AskImage(answer.Image) };
    }

    private string AskImage(string standard)
    {
        while (true)
        {
            if (call.Questions.Ask("Image", standard) is { Length: > 0 } image)
                return image;
        }
    }

    private async Task<int?> AskClassAsync(WizardAnswers what, WizardAnswers last, CancellationToken ct)
    {
        // A launcher names its class, or leaves it to the pool: asking again would undo what its owner chose.
        if (what.LauncherId is not null)
            return null;
        var classes = (await server.Client.ListPoolsAsync(ct)).Where(pool => pool.Default).SelectMany(pool => pool.Classes).ToList();
        if (classes.Count < 2)
            return null;
        var standard = classes.FindIndex(candidate => candidate.Id == last.ClassId);
        if (standard < 0)
            standard = classes.FindIndex(candidate => candidate.Default);
        var labels = classes.ConvertAll(candidate =>
            $"{candidate.Name} ({candidate.Cpu} cpu, {candidate.Memory} GB{(candidate.Gpu > 0 ? $", {candidate.Gpu} gpu" : "")})");
        return classes[Choose("Size", labels, Math.Max(0, standard))].Id;
    }

    private string? AskRepository(WizardAnswers last)
    {
        var answer = call.Questions.Ask("Repository to clone (- for none)", last.Repository ?? "-");
        return answer == "-" ? null : answer;
    }

    private int Choose(string question, List<string> labels, int standard)
    {
        call.Here.Error.WriteLine(question + ":");
        for (var i = 0; i < labels.Count; i++)
            call.Here.Error.WriteLine($"  {i + 1}  {labels[i]}");
        while (true)
        {
            var answer = call.Questions.Ask($"1–{labels.Count}", (standard + 1).ToString());
            if (int.TryParse(answer, out var number) && number >= 1 && number <= labels.Count)
                return number - 1;
            call.Here.Error.WriteLine($"A number from 1 to {labels.Count}, please.");
        }
    }

    private static bool Same(WizardAnswers option, WizardAnswers last) =>
        (option.LauncherId is not null && option.LauncherId == last.LauncherId)
        || (option.EnvironmentId is not null && option.EnvironmentId == last.EnvironmentId)
        || (option.Image is not null && last.Image is not null);
}
