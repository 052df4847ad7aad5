using System.Globalization;
using System.Text;
using Berth.Agent.Unix;

namespace Berth.Agent.Activity;

/// <summary>
/// Whether a gpu of the session works, as <c>nvidia-smi</c> says. Where there is no such program there is no such gpu, and
/// nothing is asked.
/// </summary>
internal sealed class Gpus(Children children, IReadOnlyDictionary<string, string> environment, TimeProvider time)
{
    private static readonly TimeSpan s_answerWithin = TimeSpan.FromSeconds(15);

    /// <summary>Takes a moment: the program wakes the driver.</summary>
    public async Task<bool> AreBusyAsync(CancellationToken ct)
    {
        string program;
        try
        {
            program = CommandPath.Find("nvidia-smi", environment["PATH"], "/");
        }
        catch (CommandException)
        {
            return false;
        }
        var answer = new StringBuilder();
        try
        {
            var output = new OutputPipe(bytes => answer.Append(Encoding.ASCII.GetString(bytes)));
            Child child;
            try
            {
                child = children.Spawn(
                    new ChildStart(program, ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"], environment, "/"), output.WriteEnd);
            }
            finally
            {
                output.CloseWriteEnd();
            }
            using var late = new CancellationTokenSource(s_answerWithin, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
            await using (either.Token.Register(() => child.Signal(9)))
            {
                var exitCode = await child.Exited;
                await output.Drained.WaitAsync(TimeSpan.FromSeconds(1), time, ct);
                return exitCode == 0 && AnyBusy(answer.ToString());
            }
        }
        catch (Exception e) when (e is SpawnException or TimeoutException)
        {
            return false;
        }
    }

    /// <summary>One line a gpu, in per cent; "[N/A]" where it does not tell (a slice of a gpu, for one).</summary>
    public static bool AnyBusy(string csv) => csv.Split('\n').Any(line =>
        double.TryParse(line.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var percent) && percent > 0);
}
