using System.Diagnostics;
using Berth.Contracts.Sessions;

namespace Berth.Bench;

/// <summary>From asking for JupyterLab to its first HTTP answer: a session beside `docker run` of the same image, in turn.</summary>
public static class StartBench
{
    private const string Image = "berth/jupyterlab:latest";
    private const int Runs = 15;

    public static async Task<Table> RunAsync(BenchServer server)
    {
        // The first start of an installation makes its network: that is not what is measured.
        await SessionAsync(server);
        await DockerAsync();
        var (ours, docker) = (new List<double>(), new List<double>());
        for (var i = 0; i < Runs; i++)
        {
            ours.Add(await SessionAsync(server));
            docker.Add(await DockerAsync());
        }

        return new Table("Start of JupyterLab", "POST to ready", "docker run to the first answer", "ms").Add($"{Runs} starts each, in turn", ours, docker, "difference ≤ 150");
    }

    private static async Task<double> SessionAsync(BenchServer server)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var watch = Stopwatch.StartNew();
        var (session, _) = await server.Client.StartSessionAsync(new StartRequest(), limit.Token);
        await server.UntilAsync(session.Id, "running", limit.Token);
        var took = watch.Elapsed.TotalMilliseconds;
        await server.Client.StopSessionAsync(session.Id, deleteWork: true, limit.Token);
        await server.UntilAsync(session.Id, "ended", limit.Token);
        return took;
    }

    private static async Task<double> DockerAsync()
    {
        using var http = new HttpClient();
        var watch = Stopwatch.StartNew();
        var (id, _) = await Processes.RunAsync("docker", ["run", "--detach", "--publish", "127.0.0.1:8378:8888", "--cpus", "1", "--memory", "2g", Image]);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri("http://127.0.0.1:8378/"), HttpCompletionOption.ResponseHeadersRead);
                break;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(10);
            }
        }

        var took = watch.Elapsed.TotalMilliseconds;
        await Processes.RunAsync("docker", ["rm", "--force", "--volumes", id.Trim()]);
        return took;
    }
}
