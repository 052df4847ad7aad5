using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Berth.Cli.Reach;
using Berth.Cli.Tests.House;
using Berth.Contracts.Services;
using Berth.Contracts.Sessions;
using Berth.Fakes;
using Berth.Server.Agents;
using Berth.Tunnel;
using Berth.Tunnel.Resumable;

namespace Berth.Cli.Tests.Reach;

public sealed class AttachTests : CommandTest
{
    private const int FrontEnd = 8777;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(30);

    private readonly StringWriter _lists = new();
    private readonly TextWriter _out;

    public AttachTests() => _out = TextWriter.Synchronized(_lists);

    [Fact]
    public async Task Opens_ssh_the_front_end_with_its_token_and_the_ports_that_a_person_means()
    {
        // What no port is, and what the kernel gave out, a kernel of a notebook for example.
        await AttachAsync($$"""{"ports":[-1,0,70000,40001,{{FrontEnd}},5173]}""" + "\n", async (session, ports) =>
        {
            await Eventually.TrueAsync(() => ports().Count == 3, "they are open", s_soon);
            var (ssh, frontEnd, app) = (ports()[0], ports()[1], ports()[2]);
            Assert.Equal((null, $"ssh://{ssh.Local}"), (ssh.Port, ssh.Link));
            var token = Server.Service<AgentTokens>().FrontEndToken(session.Id);
            Assert.Equal((FrontEnd, $"http://{frontEnd.Local}/lab?reset&token={token}"), (frontEnd.Port, frontEnd.Link));
            Assert.Equal((5173, $"http://{app.Local}"), (app.Port, app.Link));

            Assert.Equal("port 5173", await HearAsync(app));
            Assert.StartsWith("keys ecdsa-sha2-nistp256 ", await HearAsync(ssh), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task At_an_older_server_ports_and_ssh_are_opened_and_the_link_has_no_token()
    {
        await Server.RestartAsync(lacks: "/front_end");
        var ran = await AttachAsync($$"""{"ports":[{{FrontEnd}}]}""" + "\n", async (_, ports) =>
        {
            await Eventually.TrueAsync(() => ports().Count == 2, "they are open", s_soon);
            Assert.Equal($"http://{ports()[1].Local}/lab?reset", ports()[1].Link);
            Assert.Equal($"port {FrontEnd}", await HearAsync(ports()[1]));
        });
        Assert.Contains("The server is older than this command", ran.Error, StringComparison.Ordinal);
        Assert.Contains("`berth session open nb`", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_many_ports_as_a_session_says_are_not_opened()
    {
        var many = string.Join(',', Enumerable.Range(20000, 1000));
        var ran = await AttachAsync($$"""{"ports":[{{many}}]}""" + "\n", async (_, ports) =>
            await Eventually.TrueAsync(() => ports().Count > 1, "they are open", s_soon));
        Assert.Equal(256, Ports().Count - 1);
        Assert.Contains("berth session forward nb PORT", ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"ports\":[\"\u001b[2J\"]}\n")]
    [InlineData("null\n")]
    [InlineData(null)] // a line without an end
    public async Task What_the_agent_says_wrongly_ends_it_with_a_sentence(string? said)
    {
        var ran = await AttachAsync(said ?? new string(' ', 2 << 20), null);
        Assert.Equal(ExitCodes.Error, ran.Code);
        Assert.StartsWith("The session's agent said what this command does not understand.", ran.Error.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
    }

    // Attaches to a session whose agent says this of its ports, and leaves it then.
    private async Task<Ran> AttachAsync(string said, Func<SessionView, Func<List<AttachedPort>>, Task>? look)
    {
        var (session, agent) = await Server.RunningAsync(
            new StartRequest(Image: "busybox", Name: "nb", Port: FrontEnd, DefaultUrl: "/lab?reset"),
            PlayedServices.Of(request => (stream, ct) => request switch
            {
                PortsRequest => SayAsync(stream, said, ct),
                SshRequest ssh => SayAsync(stream, $"keys {string.Join(';', ssh.Keys)}", ct),
                _ => SayAsync(stream, request.Target()!, ct),
            }));
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using (agent)
        {
            var run = Berth.RunAsync(here => here with { Out = _out }, leave.Token, "attach", "nb", "-o", "json");
            if (look is not null)
            {
                await look(session, Ports);
                await leave.CancelAsync();
            }
            return await run.WaitAsync(s_soon, Ct);
        }
    }

    private List<AttachedPort> Ports()
    {
        string printed;
        // Who synchronizes a writer locks itself.
        lock (_out)
            printed = _lists.ToString();
        return [.. printed.Split("]\n", StringSplitOptions.RemoveEmptyEntries)
            .Where(list => printed.Contains(list + "]\n", StringComparison.Ordinal))
            .SelectMany(list => JsonSerializer.Deserialize(list + "]", Commands.Sessions.AttachedPortJson.Default.ListAttachedPort)!)];
    }

    private static async Task SayAsync(ResumableStream stream, string text, CancellationToken ct)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), ct);
        await Splice.CopyAsync(stream, Stream.Null, null, ct);
        await stream.CompleteWritesAsync(ct);
    }

    private static async Task<string> HearAsync(AttachedPort port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(System.Net.IPEndPoint.Parse(port.Local), Ct);
        var stream = client.GetStream();
        client.Client.Shutdown(SocketShutdown.Send);
        return await new StreamReader(stream).ReadToEndAsync(Ct).WaitAsync(s_soon, Ct);
    }
}
