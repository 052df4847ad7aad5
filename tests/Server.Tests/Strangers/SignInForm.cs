using System.Net;
using System.Text.RegularExpressions;

namespace Berth.Server.Tests.Strangers;

/// <summary>A browser at the sign-in page: it keeps cookies, and sends the form as the page has it.</summary>
public sealed partial class SignInForm : IDisposable
{
    private readonly HttpClient _http;

    public SignInForm(Uri address) =>
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = true, CookieContainer = new CookieContainer() }) { BaseAddress = address };

    /// <summary>Where the answer leads to.</summary>
    public Task<string> TryAsync(string username, string password) =>
        PostAsync("/sign-in?problem=none", "/sign-in", ("username", username), ("password", password), ("next", "/"));

    public Task SignOutAsync() => PostAsync("/sign-in?problem=none", "/sign-out");

    public void Dispose() => _http.Dispose();

    private async Task<string> PostAsync(string page, string path, params (string Name, string Value)[] fields)
    {
        var ct = TestContext.Current.CancellationToken;
        var form = Token().Match(await _http.GetStringAsync(page, ct));
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new FormUrlEncodedContent([.. fields.Select(f => KeyValuePair.Create(f.Name, f.Value)), KeyValuePair.Create(form.Groups[1].Value, form.Groups[2].Value)]),
        };
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        using var response = await _http.SendAsync(request, ct);
        Assert.Equal(HttpStatusCode.SeeOther, response.StatusCode);
        return response.Headers.Location!.OriginalString;
    }

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]*RequestVerificationToken)\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
