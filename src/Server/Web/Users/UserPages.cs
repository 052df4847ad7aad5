using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Paging;
using Berth.Server.Problems;
using Berth.Server.Users;
using Berth.Server.Web.Forms;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Berth.Server.Web.Users;

/// <summary>The people of the server and what they may hold, for admins.</summary>
public static class UserPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/users", ListAsync);
        pages.MapGet("/users/new", New);
        pages.MapPost("/users", CreateAsync);
        pages.MapPost("/users/quota", SetDefaultAsync);
        pages.MapGet("/users/{id}", ShowAsync);
        pages.MapPost("/users/{id}", SaveAsync);
        pages.MapPost("/users/{id}/link", LinkAsync);
    }

    private static Task<IResult> ListAsync(int? page, UserStore users, UserQuotas quotas, CancellationToken ct) =>
        PageAsync(200, page, null, users, quotas, ct);

    private static async Task<IResult> SetDefaultAsync(
        PageForm form, UserStore users, UserQuotas quotas, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            await quotas.SetDefaultAsync(QuotaFields.Read(form, ""), ct);
            toasts.Show(context, new Toast("success", "The quota is saved. Sessions that run go on as they are."));
            return Pages.After(context, "/users");
        }
        catch (ProblemException problem)
        {
            return await PageAsync(problem.Code.Status(), null, form.Refused(problem), users, quotas, ct);
        }
    }

    private static async Task<IResult> PageAsync(int status, int? page, PageForm? form, UserStore users, UserQuotas quotas, CancellationToken ct) =>
        Pages.Show<UsersPage>(
            status,
            (nameof(UsersPage.Users), await users.ListAsync(new PageRequest(page, UsersPage.Size), ct)),
            (nameof(UsersPage.Form), form ?? QuotaFields.Filled(await quotas.DefaultAsync(ct), "")));

    private static RazorComponentResult<UserPage> New() => Form(200, PageForm.Empty, null);

    private static async Task<IResult> CreateAsync(PageForm form, UserStore users, ResetLinks links, CancellationToken ct)
    {
        try
        {
            var user = await users.CreateAsync(Read(form, form.Raw("username").Trim()), ct);
            return Form(200, Filled(user), user, await links.CreateAsync(user.Id, keepTokens: false, ct));
        }
        catch (ProblemException problem)
        {
            return Form(problem.Code.Status(), form.Refused(problem), null);
        }
    }

    private static async Task<IResult> ShowAsync(string id, UserStore users, CancellationToken ct)
    {
        var user = await users.FindAsync(id, ct);
        return Form(200, Filled(user), user);
    }

    private static async Task<IResult> SaveAsync(
        string id, PageForm form, Caller caller, UserStore users, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        var before = await users.FindAsync(id, ct);
        try
        {
            var whole = JsonSerializer.SerializeToNode(Read(form, before.Username), BerthJson.Default.UserRequest)!.AsObject();
            whole.Remove("password"); // said, though as null, it would be taken away
            var user = await users.EditAsync(caller, id, MergePatch.ToElement(whole), keepTokens: true, ct);
            toasts.Show(context, new Toast("success", $"{user.Username} is saved."));
            return Pages.After(context, "/users");
        }
        catch (ProblemException problem) when (problem.Code != ProblemCode.NotFound)
        {
            return Form(problem.Code.Status(), form.Refused(problem), before);
        }
    }

    // The answer to the post itself shows the link: after a redirect it would have to be kept somewhere.
    private static async Task<IResult> LinkAsync(string id, PageForm form, UserStore users, ResetLinks links, CancellationToken ct)
    {
        var user = await users.FindAsync(id, ct);
        try
        {
            return Form(200, Filled(user), user, await links.CreateAsync(id, form.Flag("keep_tokens"), ct));
        }
        catch (ProblemException problem)
        {
            return Form(problem.Code.Status(), Filled(user).Refused(problem), user);
        }
    }

    private static PageForm Filled(UserView user) => PageForm.Of(
    [
        ("first_name", user.FirstName), ("last_name", user.LastName), ("email", user.Email),
        ("is_admin", user.IsAdmin ? true : null), ("disabled", user.Disabled ? true : null),
        ("own_quota", user.Quota is null ? null : true), .. QuotaFields.Fields(user.Quota ?? new UserQuota(), "quota."),
    ]);

    private static UserRequest Read(PageForm form, string username) => new(
        username, null, form.Flag("is_admin"), form.Text("first_name"), form.Text("last_name"), form.Text("email"), form.Flag("disabled"),
        form.Flag("own_quota") ? QuotaFields.Read(form, "quota.") : null);

    private static RazorComponentResult<UserPage> Form(int status, PageForm form, UserView? user, SignInLink? link = null) =>
        Pages.Show<UserPage>(status, (nameof(UserPage.Form), form), (nameof(UserPage.User), user), (nameof(UserPage.Link), link));
}

/// <summary>Between a quota and its fields; an empty one means without limit.</summary>
public static class QuotaFields
{
    public static PageForm Filled(UserQuota quota, string prefix) => PageForm.Of([.. Fields(quota, prefix)]);

    public static IEnumerable<(string Name, object? Value)> Fields(UserQuota quota, string prefix)
    {
        ArgumentNullException.ThrowIfNull(quota);
        return [(prefix + "sessions", quota.Sessions), (prefix + "cpu", quota.Cpu), (prefix + "memory", quota.Memory), (prefix + "gpu", quota.Gpu)];
    }

    public static UserQuota Read(PageForm form, string prefix)
    {
        ArgumentNullException.ThrowIfNull(form);
        return new(form.Int(prefix + "sessions"), form.Number(prefix + "cpu"), form.Number(prefix + "memory"), form.Int(prefix + "gpu"));
    }
}
