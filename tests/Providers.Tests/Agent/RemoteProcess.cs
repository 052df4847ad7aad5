using System.Text;
using System.Text.Json;
using Berth.Contracts.Json;
using Berth.Contracts.Services;
using Berth.Fakes;
using Berth.Server.Tests.Agents;
using Berth.Tunnel.Resumable;

namespace Berth.Providers.Tests.Agent;

/// <summary>A client of an agent's processes that keeps what it is told.</summary>
internal sealed class RemoteProcess : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _output = new();
    private readonly StringBuilder _error = new();
    private readonly ProcessFrames _frames;

    private RemoteProcess(ResumableStream stream, bool listen)
    {
        (Stream, _frames) = (stream, new ProcessFrames(stream));
        Ended = listen ? HearAsync() : Task.FromResult((0, (string?)null));
    }

    public ResumableStream Stream { get; }

    /// <summary>Exit code and, where it could not be run, why; fails when the stream is lost.</summary>
    public Task<(int Code, string? Reason)> Ended { get; }

    public string? Name { get; private set; }

    public bool WasTakenOver { get; private set; }

    public int Taken { get; private set; }

    public byte[] Bytes
    {
        get
        {
            lock (_lock)
                return _output.ToArray();
        }
    }

    public string Output => Encoding.UTF8.GetString(Bytes);

    public string Error
    {
        get
        {
            lock (_lock)
                return _error.ToString();
        }
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<RemoteProcess> OpenAsync(AgentServer server, string session, ServiceRequest request, ResumableOptions? options = null, bool listen = true) =>
        new(await StreamAsync(server, session, request, options ?? new ResumableOptions()), listen);

    public static async Task<TerminalsNow> TerminalsAsync(AgentServer server, string session)
    {
        await using var stream = await StreamAsync(server, session, new TerminalsRequest(), new ResumableOptions());
        var line = await new StreamReader(stream).ReadLineAsync(Ct);
        return JsonSerializer.Deserialize(line!, ServiceJson.Default.TerminalsNow)!;
    }

    public Task TypeAsync(string text) => _frames.WriteAsync(ProcessFrameKind.Input, Encoding.UTF8.GetBytes(text), Ct);

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _frames.WriteAsync(ProcessFrameKind.Input, bytes, Ct);

    public Task EndInputAsync() => _frames.WriteAsync(ProcessFrameKind.Input, default, Ct);

    public Task SignalAsync(byte signal) => _frames.WriteAsync(ProcessFrameKind.Signal, new[] { signal }, Ct);

    public Task ResizeAsync(ushort rows, ushort columns) =>
        _frames.WriteAsync(ProcessFrameKind.Resize, ProcessFrames.Size(new TerminalSize(rows, columns)), Ct);

    public Task UntilAsync(string text) => Eventually.TrueAsync(() => Output.Contains(text, StringComparison.Ordinal), $"it says {text}");

    public async ValueTask DisposeAsync()
    {
        await Stream.DisposeAsync();
        await ((Task)Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _frames.Dispose();
        await _output.DisposeAsync();
    }

    public static Task<ResumableStream> StreamAsync(AgentServer server, string session, ServiceRequest request, ResumableOptions options) =>
        ResumableClient.OpenAsync(
            async ct => await server.Hub.DialAsync(session, ServiceRoutes.AgentPort, ct),
            JsonSerializer.SerializeToUtf8Bytes(request, ServiceJson.Default.ServiceRequest), options, Ct);

    private async Task<(int Code, string? Reason)> HearAsync()
    {
        while (await _frames.ReadAsync(Ct) is { } frame)
        {
            switch (frame.Kind)
            {
                case ProcessFrameKind.Exit:
                    return ProcessFrames.Exit(frame.Payload);
                case ProcessFrameKind.TakenOver:
                    WasTakenOver = true;
                    return (0, null);
                case ProcessFrameKind.Name:
                    Name = Encoding.UTF8.GetString(frame.Payload.Span);
                    break;
                case ProcessFrameKind.Taken:
                    Taken += ProcessFrames.Number(frame.Payload);
                    break;
                default:
                    Keep(frame);
                    break;
            }
        }
        throw new IOException("The stream ended without an exit code.");
    }

    private void Keep(ProcessFrame frame)
    {
        lock (_lock)
        {
            if (frame.Kind == ProcessFrameKind.Clear)
                _output.SetLength(0);
            else if (frame.Kind == ProcessFrameKind.Output)
                _output.Write(frame.Payload.Span);
            else
                _error.Append(Encoding.UTF8.GetString(frame.Payload.Span));
        }
    }
}
