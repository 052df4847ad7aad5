using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Berth.EndToEnd.Tests.House;

namespace Berth.EndToEnd.Tests;

/// <summary>
/// A program in a real container that tries everything that a hostile one would: each attempt is made, and each is refused.
/// </summary>
[Trait("Needs", "engine")]
public sealed class HostileSessionTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Attempts =
        """
        import concurrent.futures, json, os, socket, http.server
        found = {}
        want = json.load(open('want.json'))

        def connects(family, address):
            s = socket.socket(family, socket.SOCK_STREAM)
            s.settimeout(2)
            try:
                s.connect(address)
                return True
            except OSError:
                return False
            finally:
                s.close()

        # A proxy on the way may take any connection: a service of the machine greets.
        def greets(address):
            try:
                with socket.create_connection(address, 2) as s:
                    return s.recv(8) == b'welcome\n'
            except OSError:
                return False

        # 1. Addresses: other sessions, the machine's services by each of its names, the cloud's metadata.
        def tried(address):
            if address[1] == want['greeting']:
                return greets(tuple(address))
            return connects(socket.AF_INET6 if ':' in address[0] else socket.AF_INET, tuple(address))
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            for (host, port), reached in zip(want['addresses'], pool.map(tried, want['addresses'])):
                found[f'{host} {port}'] = reached
        found['ipv6'] = any(not l.split()[-1].startswith('lo') for l in open('/proc/net/if_inet6')) if os.path.exists('/proc/net/if_inet6') else False

        # 2. The engine, the host, other people's files.
        for path in ['/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/podman/podman.sock', '/run/host', want['data'], want['data'] + '/berth.db', want['data'] + '/berth.sock']:
            found['there: ' + path] = os.path.exists(path)
        for pid in [p for p in os.listdir('/proc') if p.isdigit()]:
            try:
                line = open(f'/proc/{pid}/cmdline').read()
            except OSError:
                continue
            if 'berth-server' in line or 'dockerd' in line:
                found['sees ' + line] = True
        for path in ['/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/sys/net/ipv4/ip_forward', '/sys/fs/cgroup/memory/memory.limit_in_bytes', '/sys/fs/cgroup/memory.max' if os.path.exists('/sys/fs/cgroup/memory.max') else '/sys/kernel/profiling', '/sys/kernel/uevent_helper', '/dev/mem', '/dev/kmsg', '/dev/sda', '/proc/kcore']:
            try:
                open(path, 'rb' if path.endswith('kcore') else 'r+b').close() # makes no new file
                found['opens ' + path] = os.path.getsize(path) > 0 if path.endswith('kcore') else True
            except OSError:
                found['opens ' + path] = False

        # 3. What is mounted read-only.
        for path in ['/berth/berth-agent', '/berth/new', '/berth-session/token', '/berth-session/new', '/berth-session/order.json']:
            for act in [lambda: open(path, 'ab').close(), lambda: os.unlink(path), lambda: os.rename(path, path + '.old'), lambda: os.symlink('/', path + '.link')]:
                try:
                    act()
                    found['changes ' + path] = True
                except OSError:
                    found.setdefault('changes ' + path, False)
        try:
            found['folders of others'] = [n for n in os.listdir('/berth-session/..') if n == 's']
        except OSError:
            found['folders of others'] = []

        # 4. The agent's socket: other routes, other sessions' tokens, its own earlier start's.
        own = open('/berth-session/token').read().strip()
        def ask(path, token, method='GET', host='localhost', extra=''):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.settimeout(5)
            s.connect('/berth-session/agent.sock')
            upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' if method == 'GET' else 'Content-Length: 0\r\n'
            s.sendall(f'{method} {path} HTTP/1.1\r\nHost: {host}\r\n{upgrade}{want["header"]}: evil\r\n{extra}Authorization: Bearer {token}\r\n\r\n'.encode())
            try:
                head = s.recv(4096).decode('latin1')
            except OSError:
                head = 'nothing 0'
            s.close()
            return int((head.split(' ') + ['0', '0'])[1] or 0)
        for path in want['paths']:
            for method in ['GET', 'POST', 'DELETE']:
                found[f'{method} {path}'] = ask(path, own, method, extra='X-Forwarded-Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n')
        for name, token in want['tokens'].items():
            for path in want['routes']:
                found[f'{name} at {path}'] = ask(path, token)

        # 5. Secrets that are none of this session's.
        text = '\0'.join(f'{k}={v}' for k, v in os.environ.items())
        for root in ['/berth-session', '/proc/1', '/proc/self', want['mount']]:
            for name in os.listdir(root):
                path = os.path.join(root, name)
                if os.path.isfile(path) and not name.startswith(('kmsg', 'kpage')):
                    try:
                        text += open(path, 'rb').read(1 << 20).decode('latin1')
                    except OSError:
                        pass
        found['secrets'] = [s for s in want['secrets'] if s in text]
        found['uid'] = os.getuid()
        found['caps'] = next(l.split()[1] for l in open('/proc/self/status') if l.startswith('CapEff'))
        json.dump(found, open('found.json', 'w'))
        http.server.test(http.server.SimpleHTTPRequestHandler, port=8000)
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_outside_can_be_reached_read_or_changed_from_a_session()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root may set the firewall.");
        var neighbour = await server.StartSessionAsync(Sample.WebServer("neighbour"));
        var address = await AddressAsync(neighbour.Id);
        Assert.True(await AnswersAsync(address, 8000), "the machine itself reaches the neighbour, so that silence means something");
        using var service = new TcpListener(IPAddress.IPv6Any, 0);
        service.Server.DualMode = true;
        service.Start();
        _ = GreetAsync(service);
        var open = ((IPEndPoint)service.LocalEndpoint).Port;
        var machine = OfTheMachine();
        var secret = (await server.Api.CreateTokenAsync(new("secret"), Ct)).Secret;
        const string password = "registry-secret-8453";
        await server.Api.SendJsonAsync(HttpMethod.Put, "api/berth/image_credentials/registry.example.org", new JsonObject { ["username"] = "ana", ["password"] = password }, Ct);
        var theirs = await File.ReadAllTextAsync(Path.Combine(server.DataFolder, "s", neighbour.Id.ToLowerInvariant(), "token"), Ct);

        // First a start whose token the second one tries.
        var (hostile, _) = await server.Api.StartSessionAsync(Sample.WebServer("hostile"), Ct);
        await server.UntilAsync(hostile.Id, s => s.Berth.Status == "running", "it runs", TimeSpan.FromSeconds(60));
        var old = await File.ReadAllTextAsync(Path.Combine(server.DataFolder, "s", hostile.Id.ToLowerInvariant(), "token"), Ct);
        await server.RemoveAsync(hostile.Id);

        var want = new JsonObject
        {
            ["addresses"] = new JsonArray([
                .. new[] { (address, 8000), (address, 22), ("169.254.169.254", 80), ("fd00:ec2::254", 80), ("169.254.170.2", 80) }
                    .Concat(machine.Select(a => (a, open)))
                    .Select(a => (JsonNode)new JsonArray(a.Item1, a.Item2))]),
            ["greeting"] = open,
            ["data"] = server.DataFolder,
            ["mount"] = "/berth",
            ["header"] = Berth.Contracts.Agents.AgentRoutes.ConnectionHeader,
            ["paths"] = new JsonArray("/", "/api/data/user", "/api/berth/sessions", "/api/berth/backup", "/api/berth/tokens", "/api/berth/sign_in_links", "/sign-in", "/health",
                $"/sessions/{neighbour.Id}/open", $"/api/berth/sessions/{neighbour.Id}/stop", "/assets/x/y", "//", "/%2e%2e/api/berth/sessions"),
            ["routes"] = new JsonArray(Berth.Contracts.Agents.AgentRoutes.Control, Berth.Contracts.Agents.AgentRoutes.Stream),
            ["tokens"] = new JsonObject { ["the neighbour's"] = theirs.Trim(), ["an ended session's"] = old.Trim(), ["none"] = "", ["the API's"] = secret },
            ["secrets"] = new JsonArray(secret, password, theirs.Trim()),
        };
        // In the workspace, which is a folder of the machine.
        var folder = Directory.CreateDirectory(Path.Combine(server.DataFolder, "work")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "want.json"), want.ToJsonString(), Ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "attempts.py"), Attempts, Ct);
        var session = await server.StartSessionAsync(new(Image: Sample.Image, Name: "hostile", Port: 8000, HostFolder: folder, Args: ["python3", "attempts.py"]));
        var found = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(Path.Combine(folder, "found.json"), Ct));

        foreach (var attempt in found.EnumerateObject())
        {
            var refused = attempt.Value.ValueKind switch
            {
                JsonValueKind.False => true,
                JsonValueKind.Number when attempt.Name == "uid" => true,
                JsonValueKind.Number => attempt.Value.GetInt32() is 400 or 401 or 404 or 409,
                JsonValueKind.Array => attempt.Value.GetArrayLength() == 0,
                JsonValueKind.String => attempt.Name == "caps",
                _ => false,
            };
            Assert.True(refused, $"{attempt.Name}: {attempt.Value}");
        }

        Assert.Contains(found.EnumerateObject(), a => a.Name == $"{address} 8000");
        Assert.Equal("running", (await server.Api.GetSessionAsync(neighbour.Id, Ct)).Berth.Status);
        await server.RemoveAsync(session.Id);
        await server.RemoveAsync(neighbour.Id);
    }

    private static async Task GreetAsync(TcpListener service)
    {
        try
        {
            while (true)
            {
                using var caller = await service.AcceptTcpClientAsync();
                await caller.GetStream().WriteAsync("welcome\n"u8.ToArray());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // It is closed.
        }
    }

    private static string[] OfTheMachine() =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address.ToString().Split('%')[0]).Where(a => a is not ("127.0.0.1" or "::1")).Distinct(),
    ];

    private async Task<string> AddressAsync(string session)
    {
        var container = Assert.Single(await Engine.ContainersOfAsync(server.Installation, session));
        var networks = (await Engine.InspectAsync(container)).GetProperty("NetworkSettings").GetProperty("Networks");
        return networks.EnumerateObject().Single().Value.GetProperty("IPAddress").GetString()!;
    }

    private static async Task<bool> AnswersAsync(string host, int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host, port, Ct);
        return client.Connected;
    }
}
