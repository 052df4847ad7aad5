using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>A server that others reach with TLS, by a certificate of an authority of the site's own; and a pool of machines that join.</summary>
public sealed class LabServer : RunningServer
{
    public const string Pool = "Lab machines";

    private readonly TestAuthority _authority;
    private readonly Faults _faults;

    public LabServer()
    {
        _authority = new TestAuthority(Directory.CreateDirectory(Path.Combine(DataFolder, "ca")).FullName);
        _authority.Issue();
        _faults = new Faults(DataFolder, Variables);
        Variables["BERTH_SERVER_CERTIFICATE"] = _authority.Certificate;
        Variables["BERTH_SERVER_CERTIFICATE_KEY"] = _authority.Key;
        Variables["BERTH_SERVER_SESSION_HOST"] = TestAuthority.SessionHost;
    }

    public string Address => $"https://localhost:{Port}";

    /// <summary>Of commands on the server's own machine.</summary>
    internal IReadOnlyDictionary<string, string?> Near => Variables.ToDictionary();

    public string Authorities => _authority.Authorities;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        var made = await BerthAsync("pool", "create", Pool, "--public", "--kind", "nodes", "--queue", "lab", "--cpu", "0.5", "--memory", "256M", "--max-storage", "1G");
        Assert.True(made.Code == 0, made.Error);
    }

    public override async ValueTask DisposeAsync()
    {
        _authority.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Has it die at a step of its own, and starts it again.</summary>
    internal async Task DieAsync(string point, Func<Task> meanwhile)
    {
        _faults.Arm(point);
        await meanwhile();
        try
        {
            await EndedAsync(TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            _faults.Disarm();
            throw new TimeoutException($"{point} was never reached.", e);
        }

        await StartAsync();
    }

    internal async Task<string> TokenAsync(params string[] flags)
    {
        var made = await BerthAsync(["node", "token", .. flags]);
        Assert.True(made.Code == 0, made.Error);
        return made.Line;
    }
}
