namespace Berth.Contracts.Images;

/// <summary>Body of <c>PUT /api/berth/image_credentials/{host}</c>.</summary>
/// <param name="Username">Who, at the registry.</param>
/// <param name="Password">Password or token; it can be written, and never read.</param>
public sealed record ImageCredentialRequest(string Username, string Password);

/// <summary>Credentials for a registry of images, without the password.</summary>
/// <param name="Host">The registry, as images' names begin.</param>
/// <param name="Username">Who, there.</param>
/// <param name="CreatedAt">When they were kept.</param>
/// <param name="Warning">Why they could not be tried; null: they were, and sign in.</param>
public sealed record ImageCredentialView(string Host, string Username, DateTimeOffset CreatedAt, string? Warning = null);
