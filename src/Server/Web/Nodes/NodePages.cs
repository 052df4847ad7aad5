using Berth.Contracts.Nodes;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Nodes;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Nodes;

public static class NodePages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/nodes", (Caller caller, NodeQueries nodes, CancellationToken ct) => PageAsync(200, PageForm.Empty, null, caller, nodes, ct));
        pages.MapPost("/nodes/tokens", CreateTokenAsync);
        pages.MapPost("/nodes/{node}/drain", DrainAsync);
        pages.MapPost("/nodes/{node}/resume", ResumeAsync);
        pages.MapGet("/nodes/{node}/remove", ConfirmAsync);
        pages.MapPost("/nodes/{node}/remove", RemoveAsync);
    }

    // The answer to the post itself shows the token: after a redirect it would have to be kept somewhere.
    private static async Task<IResult> CreateTokenAsync(PageForm form, Caller caller, NodeJoins joins, NodeQueries nodes, CancellationToken ct)
    {
        try
        {
            var created = await joins.CreateAsync(caller, new NodeTokenRequest(form.Text("serves") != "pools"), ct);
            return await PageAsync(200, PageForm.Empty, created, caller, nodes, ct);
        }
        catch (ProblemException problem)
        {
            return await PageAsync(problem.Code.Status(), form.Refused(problem), null, caller, nodes, ct);
        }
    }

    private static async Task<IResult> DrainAsync(string node, PageForm form, Caller caller, NodeCommands commands, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var drained = await commands.DrainAsync(caller, node, draining: true, ct);
        toasts.Show(context, new Toast("success", $"{drained.Name} takes nothing new; what runs on it goes on."));
        return Pages.After(context, "/nodes");
    }

    private static async Task<IResult> ResumeAsync(string node, PageForm form, Caller caller, NodeCommands commands, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var resumed = await commands.DrainAsync(caller, node, draining: false, ct);
        toasts.Show(context, new Toast("success", $"{resumed.Name} takes sessions again."));
        return Pages.After(context, "/nodes");
    }

    private static async Task<IResult> ConfirmAsync(string node, Caller caller, NodeQueries nodes, CancellationToken ct) =>
        Pages.Show<RemoveNodePage>(200, (nameof(RemoveNodePage.Node), await nodes.FindAsync(caller, node, ct)));

    private static async Task<IResult> RemoveAsync(string node, PageForm form, Caller caller, NodeRemoval removal, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var removed = await removal.RemoveAsync(caller, node, form.Flag("force"), ct);
        toasts.Show(context, removed.Running.Count == 0
            ? new Toast("success", $"{removed.Name} is removed.")
            : new Toast("warning", $"{removed.Name} is removed. Not stopped, for it was away or took too long: {string.Join(", ", removed.Running)}."));
        return Pages.After(context, "/nodes");
    }

    private static async Task<IResult> PageAsync(int status, PageForm form, NodeTokenCreated? created, Caller caller, NodeQueries nodes, CancellationToken ct) =>
        Pages.Show<NodesPage>(
            status,
            (nameof(NodesPage.Form), form),
            (nameof(NodesPage.Created), created),
            (nameof(NodesPage.Caller), caller),
            (nameof(NodesPage.Nodes), await nodes.ListAsync(caller, ct)));
}
