namespace Berth.Contracts.Sessions;

/// <summary>What a browser needs that reaches a session's front end by another way than the server's pages.</summary>
/// <param name="Token">What the front end was started with in <c>JUPYTER_TOKEN</c>; JupyterLab asks for it. The same for as long as the session lives.</param>
public sealed record FrontEndView(string Token);
