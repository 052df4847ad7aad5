using Berth.Contracts.Pools;
using Berth.Contracts.Problems;
using Berth.Server.Auth;
using Berth.Server.Pools;
using Berth.Server.Problems;
using Berth.Server.Web.Forms;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Web.Pools;

/// <summary>Resource pools and their classes, for admins.</summary>
public static class PoolPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/pools", ListAsync);
        pages.MapGet("/pools/new", New);
        pages.MapPost("/pools", CreateAsync);
        pages.MapGet("/pools/{id:int}", ShowAsync);
        pages.MapPost("/pools/{id:int}", SaveAsync);
        pages.MapPost("/pools/{id:int}/users", AddUserAsync);
        pages.MapPost("/pools/{id:int}/users/delete", RemoveUserAsync);
        pages.MapGet("/pools/{id:int}/delete", AskDeleteAsync);
        pages.MapPost("/pools/{id:int}/delete", DeleteAsync);
    }

    private static async Task<IResult> ListAsync(Caller caller, PoolStore pools, CancellationToken ct) =>
        Pages.Show<PoolsPage>((nameof(PoolsPage.Pools), await pools.ListAsync(caller, null, ct)));

    private static RazorComponentResult<PoolPage> New() => Form(200, PageForm.Of(("public", true), ("class_default", "0"), ("class_default_storage", new[] { "10" }), ("class_max_storage", new[] { "100" }), ("class_gpu", new[] { "0" })), null);

    private static async Task<IResult> CreateAsync(
        PageForm form, Caller caller, PoolStore pools, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            var pool = await pools.CreateAsync(caller, PoolForm.Read(form), ct);
            toasts.Show(context, new Toast("success", $"{pool.Name} is created."));
            return Pages.After(context, "/pools");
        }
        catch (ProblemException problem)
        {
            return Form(problem.Code.Status(), form.Refused(problem), null);
        }
    }

    private static async Task<IResult> ShowAsync(int id, Caller caller, PoolStore pools, PoolUsers users, CancellationToken ct)
    {
        var pool = await pools.FindAsync(caller, id, ct);
        return Form(200, PoolForm.Filled(pool), pool, await users.ListAsync(id, ct));
    }

    private static async Task<IResult> AddUserAsync(
        int id, PageForm form, Caller caller, PoolStore pools, PoolUsers users, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var name = form.Raw("user").Trim();
        try
        {
            await users.SetAsync(id, [new PoolUser(name)], replace: false, ct);
            toasts.Show(context, new Toast("success", $"{name} may use the pool."));
            return Pages.After(context, $"/pools/{id}");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            var pool = await pools.FindAsync(caller, id, ct);
            var refused = new ProblemException(ProblemCode.Invalid, $"There is no user '{name}'.", "user");
            return Form(problem.Code.Status(), PoolForm.Filled(pool), pool, await users.ListAsync(id, ct), form.Refused(refused));
        }
    }

    private static async Task<IResult> RemoveUserAsync(
        int id, PageForm form, PoolUsers users, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await users.RemoveAsync(id, form.Raw("user"), ct);
        toasts.Show(context, new Toast("success", "They may use the pool no more. Sessions that run go on."));
        return Pages.After(context, $"/pools/{id}");
    }

    private static async Task<IResult> SaveAsync(
        int id, PageForm form, Caller caller, PoolStore pools, PoolUsers users, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var before = await pools.FindAsync(caller, id, ct);
        try
        {
            var pool = await pools.ReplaceAsync(caller, id, PoolForm.Read(form, before), ct);
            toasts.Show(context, new Toast("success", $"{pool.Name} is saved."));
            return Pages.After(context, "/pools");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return Form(problem.Code.Status(), form.Refused(problem), before, await users.ListAsync(id, ct));
        }
    }

    private static async Task<IResult> AskDeleteAsync(int id, Caller caller, PoolStore pools, CancellationToken ct)
    {
        var pool = await pools.FindAsync(caller, id, ct);
        return Pages.Show<DeletePage>(
            (nameof(DeletePage.Name), pool.Name),
            (nameof(DeletePage.Href), $"/pools/{pool.Id}"),
            (nameof(DeletePage.Meaning), "Its classes go with it; launchers that name one of them get the default. It is kept as long as a session in it has not ended."));
    }

    private static async Task<IResult> DeleteAsync(
        int id, PageForm form, PoolStore pools, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await pools.DeleteAsync(id, ct);
        toasts.Show(context, new Toast("success", "The pool is deleted."));
        return Pages.After(context, "/pools");
    }

    private static RazorComponentResult<PoolPage> Form(
        int status, PageForm form, PoolView? pool, IReadOnlyList<PoolUser>? users = null, PageForm? added = null) =>
        Pages.Show<PoolPage>(
            status,
            (nameof(PoolPage.Form), form),
            (nameof(PoolPage.Pool), pool),
            (nameof(PoolPage.Users), users ?? []),
            (nameof(PoolPage.Added), added ?? PageForm.Empty));
}
