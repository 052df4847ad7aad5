using Berth.Contracts.Problems;
using Berth.Contracts.Users;
using Berth.Server.Auth;
using Berth.Server.Problems;
using Berth.Server.Sessions;
using Berth.Server.Storage;
using Berth.Server.Users;
using Berth.Server.Web.Forms;

namespace Berth.Server.Web.Account;

/// <summary>One's own account: password, browsers that are signed in, quota.</summary>
public static class AccountPages
{
    public static void Map(IEndpointRouteBuilder pages)
    {
        pages.MapGet("/account", (Caller caller, Db db, UserStore users, SignIns signIns, CancellationToken ct) =>
            PageAsync(200, PageForm.Empty, caller, db, users, signIns, ct));
        pages.MapPost("/account/password", ChangePasswordAsync);
        pages.MapPost("/account/sign-ins/delete", SignOutAsync);
    }

    private static async Task<IResult> ChangePasswordAsync(
        PageForm form, Caller caller, Db db, UserStore users, SignIns signIns, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        try
        {
            if (form.Raw("new_password") != form.Raw("repeated"))
                throw Check.Invalid("repeated", "must be the new password once more");
            var request = new PasswordRequest(form.Raw("new_password"), form.Raw("current_password") is { Length: > 0 } current ? current : null);
            await users.ChangePasswordAsync(caller, request, context.Connection.RemoteIpAddress, ct);
            toasts.Show(context, new Toast("success", "Your password is changed. Your other browsers are signed out."));
            return Pages.After(context, "/account");
        }
        catch (ProblemException problem)
        {
            // What was typed is not sent back: a password has no business in a page.
            return await PageAsync(problem.Code.Status(), PageForm.Empty.Refused(problem), caller, db, users, signIns, ct);
        }
    }

    private static async Task<IResult> SignOutAsync(
        PageForm form, Caller caller, SignIns signIns, Toasts toasts, HttpContext context, CancellationToken ct)
    {
        await signIns.EndAsync(caller, form.Text("id"), ct);
        toasts.Show(context, new Toast("success", form.Text("id") is null ? "You are signed out everywhere." : "That browser is signed out."));
        return Pages.After(context, "/account");
    }

    private static async Task<IResult> PageAsync(
        int status, PageForm form, Caller caller, Db db, UserStore users, SignIns signIns, CancellationToken ct)
    {
        await using var connection = await db.OpenAsync(ct);
        return Pages.Show<AccountPage>(
            status,
            (nameof(AccountPage.Form), form),
            (nameof(AccountPage.User), await users.FindAsync(caller.UserId, ct)),
            (nameof(AccountPage.HasPassword), await users.HasPasswordAsync(caller.UserId, ct)),
            (nameof(AccountPage.SignIns), await signIns.ListAsync(caller, ct)),
            (nameof(AccountPage.Quota), await Quotas.UseAsync(connection, caller.UserId)));
    }
}
