using System.Text;
using Berth.Agent.Unix;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Ssh;

/// <summary>
/// One sshd and the client it serves. When either has gone, the other sees the end of its connection: what an end means for
/// the commands of a login is then as with any sshd.
/// </summary>
internal sealed class SshConnection(
    Child sshd, Descriptor input, Descriptor output, Descriptor error, SshFolder folder, Action<string> say, TimeProvider time)
{
    private const int Kill = 9, BufferBytes = 64 * 1024;
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);
    private string? _lastError;

    public async Task ServeAsync(ResumableStream stream, CancellationToken lost)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lost);
        var there = PassInputAsync(stream, over.Token);
        var errors = HearErrorsAsync();
        try
        {
            if (await PassOutputAsync(stream, lost) == 0)
            {
                // Its first words come before the client's: without them it could not start.
                await errors;
                throw new IOException($"The session's sshd ended at once{(_lastError is null ? "" : $": {_lastError}")}. Open a shell with `berth session shell`.");
            }
        }
        finally
        {
            await over.CancelAsync();
            await there.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            input.Dispose();
            output.Dispose();
            await EndAsync();
            await errors;
            error.Dispose();
            folder.Dispose();
        }
    }

    private async Task PassInputAsync(ResumableStream stream, CancellationToken over)
    {
        try
        {
            var buffer = new byte[BufferBytes];
            while (await stream.ReadAsync(buffer, over) is > 0 and var count)
                await input.WriteAsync(buffer.AsMemory(0, count), over);
        }
        finally
        {
            // It sees that its client has gone, and ends.
            input.Dispose();
        }
    }

    private async Task<long> PassOutputAsync(ResumableStream stream, CancellationToken lost)
    {
        var buffer = new byte[BufferBytes];
        var passed = 0L;
        var over = Task.WhenAny(sshd.Exited, Task.Delay(Timeout.Infinite, lost));
        while (await output.ReadAsync(buffer, over) is > 0 and var count)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), lost);
            passed += count;
        }
        lost.ThrowIfCancellationRequested();
        return passed;
    }

    private async Task HearErrorsAsync()
    {
        var buffer = new byte[BufferBytes];
        while (await error.ReadAsync(buffer, sshd.Exited) is > 0 and var count)
        {
            foreach (var line in Encoding.UTF8.GetString(buffer, 0, count).Split((char[])['\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
                say($"sshd: {_lastError = line}");
        }
    }

    private async Task EndAsync()
    {
        await Task.WhenAny(sshd.Exited, Task.Delay(s_grace, time));
        if (!sshd.Exited.IsCompleted)
            sshd.Signal(Kill);
        await sshd.Exited;
    }
}
