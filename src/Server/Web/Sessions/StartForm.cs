using Berth.Contracts.Problems;
using Berth.Contracts.Sessions;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Sessions;

/// <summary>From the start form, or a quick start's button, to what the API takes.</summary>
public static class StartForm
{
    public static StartRequest Read(PageForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        var what = form.Text("what");
        var request = new StartRequest(
            LauncherId: Chosen("launcher", "launcher_id"),
            EnvironmentId: Chosen("environment", "environment_id"),
            Image: Chosen("image", "image"),
            Name: form.Text("name"),
            ResourceClassId: form.Int("resource_class_id"),
            Cpu: form.Number("cpu"),
            MemoryGb: form.Number("memory_gb"),
            DiskGb: form.Int("disk_gb"),
            Gpu: form.Text("gpu"),
            Env: Variables(form),
            Repositories: Repositories(form),
            DefaultUrl: form.Text("default_url"),
            Port: form.Int("port"),
            Command: Arguments(form, "command"),
            Args: Arguments(form, "args"),
            Queue: form.Text("queue"));
        if (request is { LauncherId: null, EnvironmentId: null, Image: null })
            throw new ProblemException(ProblemCode.Invalid, "Say what to start.", what == "image" ? "image" : what is null ? null : $"{what}_id");
        return request;

        // The form holds a field for each kind; the one that was chosen counts.
        string? Chosen(string kind, string field) => what is null || what == kind ? form.Text(field) : null;
    }

    /// <summary>A quick start that was refused is shown in the form, which has a choice of kind that its button has not.</summary>
    public static PageForm Shown(PageForm form)
    {
        ArgumentNullException.ThrowIfNull(form);
        return form.Text("what") is not null ? form : PageForm.Of(
            ("what", form.Text("launcher_id") is not null ? "launcher" : form.Text("environment_id") is not null ? "environment" : "image"),
            ("launcher_id", form.Text("launcher_id")),
            ("environment_id", form.Text("environment_id")));
    }

    private static IReadOnlyList<string>? Arguments(PageForm form, string field) => form.Lines(field) is { Count: > 0 } lines ? lines : null;

    private static Dictionary<string, string>? Variables(PageForm form)
    {
        var variables = VariableRows.Read(form);
        foreach (var twice in variables.GroupBy(v => v.Name).Where(g => g.Count() > 1))
            throw new ProblemException(ProblemCode.Invalid, $"The variable {twice.Key} is there more than once.", "env");
        return variables.Count == 0 ? null : variables.ToDictionary(v => v.Name, v => v.Value ?? "");
    }

    private static List<RepositoryRequest>? Repositories(PageForm form)
    {
        var branches = form.All("branch");
        var repositories = form.All("repository")
            .Select((url, i) => new RepositoryRequest(url.Trim(), branches.ElementAtOrDefault(i)?.Trim() is { Length: > 0 } branch ? branch : null))
            .Where(repository => repository.Url.Length > 0)
            .ToList();
        return repositories.Count == 0 ? null : repositories;
    }
}
