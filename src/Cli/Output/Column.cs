namespace Berth.Cli.Output;

/// <summary>A column of a table.</summary>
/// <param name="Name">What <c>-c</c> calls it.</param>
/// <param name="Value">The cell; null is shown as a dash.</param>
/// <param name="Default">Shown without <c>-c</c>.</param>
internal sealed record Column<T>(string Name, Func<T, string?> Value, bool Default = true);
