using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>One large file and many small ones, each way: <c>berth cp</c> beside tar through <c>docker exec</c>, in turn.</summary>
public static class FilesBench
{
    private const int Runs = 5;
    private const long Large = 1_000_000_000;
    private const int Folders = 100;
    private const int FilesOfAFolder = 100;
    private const int Small = 4096;

    public static async Task<Table> RunAsync(BenchServer server)
    {
        var place = Directory.CreateTempSubdirectory("berth-b-").FullName;
        try
        {
            Make(place);
            var (session, _) = await server.Client.StartSessionAsync(new StartRequest(Name: "files"), CancellationToken.None);
            await server.UntilAsync(session.Id, "running", CancellationToken.None);
            var container = (await Processes.RunAsync("docker", ["ps", "--quiet", "--filter", $"label=io.berth.session={session.Id}"])).Output.Trim();
            var table = new Table("Files", "berth cp", "tar through docker exec", "ms");
            await AddAsync(table, "1 GB in one file", "large", server, place, container);
            await AddAsync(table, $"{Folders * FilesOfAFolder} files of {Small / 1024} kB", "small", server, place, container);
            await server.Client.StopSessionAsync(session.Id, deleteWork: true, CancellationToken.None);
            await server.UntilAsync(session.Id, "ended", CancellationToken.None);
            return table;
        }
        finally
        {
            Directory.Delete(place, recursive: true);
        }
    }

    private static async Task AddAsync(Table table, string what, string name, BenchServer server, string place, string container)
    {
        var (up, peerUp, down, peerDown) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var run = 0; run < Runs; run++)
        {
            up.Add(await ShellAsync(server, $"cd {place} && {BenchServer.Published}/berth cp {name} files:ours"));
            peerUp.Add(await ShellAsync(server, $"cd {place} && tar -c {name} | docker exec -i {container} tar -x -C /tmp"));
            down.Add(await ShellAsync(server, $"cd {place} && {BenchServer.Published}/berth cp files:ours back"));
            peerDown.Add(await ShellAsync(server, $"mkdir {place}/theirs && docker exec {container} tar -c -C /tmp {name} | tar -x -C {place}/theirs"));
            await ShellAsync(server, $"cd {place} && rm -rf back theirs && docker exec {container} sh -c 'rm -rf /work/ours /tmp/{name}'");
        }
        table.Add($"{what}, in", up, peerUp, "ratio ≤ 1").Add($"{what}, out", down, peerDown, "ratio ≤ 1");
    }

    private static async Task<double> ShellAsync(BenchServer server, string line) =>
        (await Processes.RunAsync("sh", ["-e", "-c", line], new Dictionary<string, string> { ["BERTH_DATA"] = server.Data })).Milliseconds;

    private static void Make(string place)
    {
        var bytes = new byte[10_000_000];
        Random.Shared.NextBytes(bytes);
        using (var large = File.Create(Path.Combine(place, "large")))
        {
            while (large.Length < Large)
                large.Write(bytes);
        }
        for (var folder = 0; folder < Folders; folder++)
        {
            var path = Directory.CreateDirectory(Path.Combine(place, "small", $"{folder}")).FullName;
            for (var file = 0; file < FilesOfAFolder; file++)
                File.WriteAllBytes(Path.Combine(path, $"{file}"), bytes.AsSpan(Random.Shared.Next(bytes.Length - Small), Small));
        }
    }
}
