using System.Text.Json;
using System.Threading.Channels;
using Berth.Core.Providers;
using Berth.Core.Sessions;

namespace Berth.Providers.Nodes;

/// <summary>The node's end: carries out calls of the server at the machine's own provider, one call a stream.</summary>
public sealed class NodeCalls(ISessionProvider provider)
{
    /// <summary>Serves one stream until its call is answered or given up. Does not throw for what goes wrong with it.</summary>
    public async Task ServeAsync(Stream stream, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using (stream)
        {
            try
            {
                var lines = new NodeLines(stream);
                if (await lines.ReadAsync(WireJson.Default.NodeCall, ct) is { } call)
                    await AnswerAsync(stream, lines, call, over);
            }
            catch (Exception e) when (e is IOException or JsonException or OperationCanceledException)
            {
                // Cut, not understood or given up: whoever called finds that out by the missing end.
            }
            finally
            {
                await over.CancelAsync();
            }
        }
    }

    private async Task AnswerAsync(Stream stream, NodeLines lines, NodeCall call, CancellationTokenSource over)
    {
        var given = GivenUpAsync(stream, over);
        var answers = Channel.CreateUnbounded<NodeAnswer>(new UnboundedChannelOptions { SingleReader = true });
        var writing = WriteAsync(lines, answers.Reader, over.Token);
        answers.Writer.TryWrite(await PerformAsync(call, answer => answers.Writer.TryWrite(answer), over.Token));
        answers.Writer.Complete();
        await writing;
        await over.CancelAsync();
        await given;
    }

    private static async Task WriteAsync(NodeLines lines, ChannelReader<NodeAnswer> answers, CancellationToken ct)
    {
        await foreach (var answer in answers.ReadAllAsync(ct))
            await lines.WriteAsync(answer, WireJson.Default.NodeAnswer, ct);
    }

    /// <summary>The server says nothing after its call: when a read returns, it is not interested any more.</summary>
    private static async Task GivenUpAsync(Stream stream, CancellationTokenSource over)
    {
        try
        {
            _ = await stream.ReadAsync(new byte[1], over.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Just that.
        }

        await over.CancelAsync();
    }

    /// <returns>The last line of the answer.</returns>
    private async Task<NodeAnswer> PerformAsync(NodeCall call, Action<NodeAnswer> tell, CancellationToken ct)
    {
        try
        {
            await PerformOneAsync(call, tell, ct);
            return new NodeAnswer.Done();
        }
        catch (ProviderException e)
        {
            return new NodeAnswer.Failed(e.Reason.ToString(), e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new NodeAnswer.Failed(nameof(Reason.Refused), e.Message);
        }
    }

    private async Task PerformOneAsync(NodeCall call, Action<NodeAnswer> tell, CancellationToken ct)
    {
        switch (call)
        {
            case NodeCall.FindImage(var query):
                tell(new NodeAnswer.Found(await provider.FindImageAsync(query, ct)));
                break;
            case NodeCall.Start(var order):
                await provider.StartAsync(order, new Progress(tell), ct);
                break;
            case NodeCall.Observe:
                await foreach (var observation in provider.ObserveAsync(ct))
                    tell(new NodeAnswer.Seen(observation));
                break;
            case NodeCall.Stop(var key, var deletes, var workspace):
                await provider.StopAsync(key, Mode(deletes, workspace), ct);
                break;
            case NodeCall.Watch when provider is IChangeSource source:
                await foreach (var key in source.WatchAsync(ct))
                    tell(new NodeAnswer.Changed(key));
                break;
            case NodeCall.Measure when provider is IWorkspaceSizes sizes:
                tell(new NodeAnswer.Measured(await sizes.MeasureAsync(ct)));
                break;
            case NodeCall.ListWorkspaces when provider is IWorkspaceList list:
                foreach (var workspace in await list.ListWorkspacesAsync(ct))
                    tell(new NodeAnswer.Kept(workspace));
                break;
            default:
                throw new ProviderException(Reason.Refused, $"this machine cannot {call.GetType().Name.ToLowerInvariant()}.");
        }
    }

    private static StopMode Mode(bool deletes, string? workspace) =>
        !deletes ? StopMode.KeepWorkspace : workspace is null ? StopMode.DeleteWorkspace : StopMode.DeleteWorkspaceOf(workspace);

    private sealed class Progress(Action<NodeAnswer> tell) : IProgress<StageReport>
    {
        public void Report(StageReport value) => tell(new NodeAnswer.Progress(value));
    }
}
