using System.Diagnostics;

namespace Berth.EndToEnd.Tests.House;

/// <summary>What a program did.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record Ran(int Code, string Out, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The output without the end of its last line.</summary>
    public string Line => Out.TrimEnd('\n');

    /// <summary>Runs a program without a terminal to its end.</summary>
    public static async Task<Ran> ToEndAsync(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? variables = null, string? folder = null)
    {
        using var process = Start(program, arguments, variables, folder);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        try
        {
            await process.WaitForExitAsync(patience.Token);
            return new Ran(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{Path.GetFileName(program)} {string.Join(' ', arguments)} has not ended within {Patience.TotalSeconds} s.", e);
        }
    }

    /// <summary>As above, but an exit code other than 0 is an error.</summary>
    public static async Task<Ran> WellAsync(string program, params string[] arguments)
    {
        var ran = await ToEndAsync(program, arguments);
        Assert.True(ran.Code == 0, $"{program} {string.Join(' ', arguments)}: {ran.Error}");
        return ran;
    }

    public static Process Start(
        string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? variables, string? folder, bool closeInput = true)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "/",
        };
        foreach (var (name, value) in variables ?? new Dictionary<string, string?>())
            start.Environment[name] = value;
        var process = Process.Start(start)!;
        if (closeInput)
            process.StandardInput.Close();
        return process;
    }
}
