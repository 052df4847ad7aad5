using Berth.Agent.Unix;
using Berth.Contracts.Services;
using Berth.Tunnel.Resumable;

namespace Berth.Agent.Services.Processes;

/// <summary>Runs a command for a client: it ends when the client has gone for good, not when the line is cut.</summary>
internal sealed class ExecService(CommandStarter starter) : IService<ExecRequest>
{
    private const byte EndOfInput = 4;

    public Task<Serving> OpenAsync(ExecRequest request, CancellationToken ct)
    {
        try
        {
            var command = request.Terminal is { } size ? AtTerminal(request, size) : WithPipes(request);
            return Task.FromResult<Serving>(command.ServeAsync);
        }
        catch (CommandException e)
        {
            return Task.FromResult(Failed(e));
        }
    }

    /// <summary>Tells of a command that could not be run, with the exit code that a shell would give.</summary>
    public static Serving Failed(CommandException e) => async (stream, lost) =>
    {
        using var frames = new ProcessFrames(stream);
        await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(e.ExitCode, e.Message), lost);
    };

    private Running AtTerminal(ExecRequest request, TerminalSize size)
    {
        var terminal = new PseudoTerminal(size);
        try
        {
            var child = starter.Start(request, new ChildFiles(-1, -1, -1) { Terminal = terminal.Path });
            return new Running(starter, child, terminal.Input, terminal.Output, null, terminal);
        }
        catch
        {
            terminal.Dispose();
            throw;
        }
    }

    private Running WithPipes(ExecRequest request)
    {
        var (input, theirInput) = Descriptor.Pipe(read: false);
        var (output, theirOutput) = Descriptor.Pipe(read: true);
        var (error, theirError) = Descriptor.Pipe(read: true);
        try
        {
            return new Running(starter, starter.Start(request, new ChildFiles(theirInput, theirOutput, theirError)), input, output, error, null);
        }
        catch
        {
            input.Dispose();
            output.Dispose();
            error.Dispose();
            throw;
        }
        finally
        {
            Native.close(theirInput);
            Native.close(theirOutput);
            Native.close(theirError);
        }
    }

    /// <summary>One command that was started.</summary>
    private sealed record Running(CommandStarter Starter, Child Child, Descriptor Input, Descriptor Output, Descriptor? Error, PseudoTerminal? Terminal)
    {
        public async Task ServeAsync(ResumableStream stream, CancellationToken lost)
        {
            using var frames = new ProcessFrames(stream);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(lost);
            var input = new ProcessInput(Input, frames);
            var hearing = HearAsync(stream, frames, input, over.Token);
            var passing = PassInputAsync(input, over.Token);
            try
            {
                await Task.WhenAll(PumpAsync(Output, ProcessFrameKind.Output, frames, lost), PumpAsync(Error, ProcessFrameKind.Error, frames, lost));
                // Who closed its output may run on.
                var code = await Child.Exited.WaitAsync(lost);
                await over.CancelAsync();
                await passing;
                await frames.WriteAsync(ProcessFrameKind.Exit, ProcessFrames.Exit(code), lost);
            }
            finally
            {
                await over.CancelAsync();
                await Task.WhenAll(hearing, passing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                Input.Dispose();
                _ = EndAsync();
            }
        }

        // What it says while it cleans up goes nowhere, but it may say it: a closed pipe would kill it in the middle.
        private async Task EndAsync()
        {
            await Task.WhenAll(Starter.EndAsync(Child, Terminal is not null), DropAsync(Output), DropAsync(Error));
            Output.Dispose();
            Error?.Dispose();
        }

        private async Task DropAsync(Descriptor? from)
        {
            if (from is null)
                return;
            var buffer = new byte[1024];
            for (var more = true; more && !Child.Exited.IsCompleted;)
                more = await from.ReadAsync(buffer, Child.Exited) > 0;
        }

        private async Task PumpAsync(Descriptor? from, ProcessFrameKind kind, ProcessFrames frames, CancellationToken lost)
        {
            var buffer = new byte[ProcessFrames.MaximumPayload];
            var over = Task.WhenAny(Child.Exited, Task.Delay(Timeout.Infinite, lost));
            while (from is not null && await from.ReadAsync(buffer, over) is > 0 and var count)
                await frames.WriteAsync(kind, buffer.AsMemory(0, count), lost);
            lost.ThrowIfCancellationRequested();
        }

        private async Task HearAsync(ResumableStream stream, ProcessFrames frames, ProcessInput input, CancellationToken ct)
        {
            try
            {
                while (await frames.ReadAsync(ct) is { } frame)
                    Hear(frame, input);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                stream.Abort(e.Message);
            }
        }

        private void Hear(ProcessFrame frame, ProcessInput input)
        {
            switch (frame.Kind)
            {
                case ProcessFrameKind.Input:
                    input.Add(frame.Payload);
                    break;
                case ProcessFrameKind.Signal when !Child.Exited.IsCompleted:
                    Child.Signal(frame.Payload.Span[0]);
                    break;
                case ProcessFrameKind.Resize:
                    Terminal?.Resize(ProcessFrames.Size(frame.Payload));
                    break;
                case ProcessFrameKind.Show:
                    Terminal?.Redraw();
                    break;
            }
        }

        private async Task PassInputAsync(ProcessInput input, CancellationToken ct)
        {
            try
            {
                await input.PassAsync(ct);
                if (Terminal is null)
                    Input.Dispose();
                else
                    await Input.WriteAsync(new[] { EndOfInput }, ct);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // The process is over, or its client gone.
            }
        }
    }
}
