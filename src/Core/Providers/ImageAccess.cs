namespace Berth.Core.Providers;

/// <summary>For whom an image is looked up or started, and what they can show its registry.</summary>
/// <param name="User">Id of the user; empty: nobody in particular.</param>
/// <param name="Shared">An admin gave the image to everybody: what the machine has of it is used without asking its registry.</param>
/// <param name="Credential">Of the image's own registry; null: it is asked as anybody may ask it.</param>
public sealed record ImageAccess(string User, bool Shared, RegistryCredential? Credential)
{
    /// <summary>Nobody's, with nothing to show.</summary>
    public static ImageAccess Anonymous { get; } = new("", false, null);
}

/// <summary>Name and password, or token, for one registry of images. Its text never holds the secret.</summary>
/// <param name="Host">As images' names begin: <c>ghcr.io</c>, <c>registry.example.org:5000</c>, <c>docker.io</c>.</param>
/// <param name="Username">Who.</param>
/// <param name="Secret">Password or token.</param>
public sealed record RegistryCredential(string Host, string Username, string Secret)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Username} at {Host}";
}
