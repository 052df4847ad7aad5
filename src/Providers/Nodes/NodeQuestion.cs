using System.Text.Json;
using Berth.Core.Providers;
using Berth.Tunnel;

namespace Berth.Providers.Nodes;

/// <summary>
/// The server's end of one call: what can go wrong on the way is one exception, and what the machine may take for its answer
/// is bounded (<see cref="NodeLimits"/>).
/// </summary>
internal sealed class NodeQuestion : IAsyncDisposable
{
    private readonly NodeLink _link;
    private readonly DuplexStream _stream;
    private readonly NodeLines _lines;
    private readonly TimeSpan _patience;
    private readonly CancellationTokenSource _tooLong;
    private readonly CancellationTokenSource _either;
    private readonly CancellationToken _given;
    private readonly bool _lasts;
    private long _second;
    private int _heard;

    private NodeQuestion(NodeLink link, DuplexStream stream, NodeCall call, CancellationToken ct)
    {
        (_link, _stream, _given) = (link, stream, ct);
        _lasts = call is NodeCall.Watch or NodeCall.Start;
        _lines = new NodeLines(stream, _lasts ? long.MaxValue : link.Limits.AnswerBytes);
        _patience = Patience(call, link.Limits);
        _tooLong = new CancellationTokenSource(_patience, link.Time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(ct, _tooLong.Token);
    }

    /// <summary>Asks it.</summary>
    /// <exception cref="ProviderException">The node is away, or does not take it.</exception>
    public static async Task<NodeQuestion> AskAsync(NodeLink link, NodeCall call, CancellationToken ct)
    {
        var question = new NodeQuestion(link, await link.DialAsync(ct), call, ct);
        try
        {
            await question.TryAsync(async () =>
            {
                await question._lines.WriteAsync(call, WireJson.Default.NodeCall, question._either.Token);
                return true;
            });
            return question;
        }
        catch
        {
            await question.DisposeAsync();
            throw;
        }
    }

    /// <summary>The next line of the answer.</summary>
    /// <exception cref="ProviderException">There is none: the connection was lost, it took too long, or it is no answer.</exception>
    public async Task<NodeAnswer> HearAsync()
    {
        while (true)
        {
            if (_lasts)
                await PaceAsync();
            var answer = await TryAsync(() => _lines.ReadAsync(WireJson.Default.NodeAnswer, _either.Token)) ?? throw _link.Broken("it ended the call without an answer");
            if (answer is NodeAnswer.Progress)
                _tooLong.CancelAfter(_patience); // It is at work.
            if (NodeAnswers.Bounded(answer) is { } taken)
                return taken;
        }
    }

    /// <summary>What it says faster waits in its own stream.</summary>
    private async Task PaceAsync()
    {
        if (_link.Time.GetElapsedTime(_second) >= TimeSpan.FromSeconds(1))
            (_second, _heard) = (_link.Time.GetTimestamp(), 0);
        else if (++_heard >= _link.Limits.LinesPerSecond)
            await Task.Delay(TimeSpan.FromSeconds(1) - _link.Time.GetElapsedTime(_second), _link.Time, _given);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _either.Dispose();
        _tooLong.Dispose();
    }

    private static TimeSpan Patience(NodeCall call, NodeLimits limits) => call switch
    {
        NodeCall.Start => limits.StartSilence,
        NodeCall.Stop => limits.Stop,
        NodeCall.Measure => limits.Measurement,
        NodeCall.Watch => Timeout.InfiniteTimeSpan, // Nothing may happen for long, and the control connection tells whether it is there.
        _ => limits.Question,
    };

    private async Task<T> TryAsync<T>(Func<Task<T>> step)
    {
        try
        {
            return await step();
        }
        catch (TooMuchException e)
        {
            throw _link.Broken($"its answer is not taken: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw _link.Broken("the connection was lost", e);
        }
        catch (JsonException e)
        {
            throw _link.Broken($"its answer is not understood ({e.Message}): update Berth there, or here", e);
        }
        catch (OperationCanceledException e) when (!_given.IsCancellationRequested)
        {
            throw _link.Broken($"it took the call up, and has not answered for {Words(_patience)}", e);
        }
    }

    private static string Words(TimeSpan time) => time >= TimeSpan.FromMinutes(1) ? $"{time.TotalMinutes:0.#} min" : $"{time.TotalSeconds:0.#} s";
}
