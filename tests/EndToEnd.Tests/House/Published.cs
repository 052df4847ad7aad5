using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>The programs as they are published to users.</summary>
internal static class Published
{
    public static string Command { get; } = Checkout.Published("berth/berth");

    public static string Server { get; } = Checkout.Published("berth/server/berth-server");
}
