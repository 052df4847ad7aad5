using Berth.EndToEnd.Tests.House;
using Microsoft.Data.Sqlite;

namespace Berth.EndToEnd.Tests.Crashes;

/// <summary>
/// The server as it is published, told to kill itself at a step. It does not see the engine's own folders, as a server in
/// a container does not: then the engine is asked to change the owner of a volume, and that is a step too.
/// </summary>
public sealed class MortalServer : RunningServer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Faults _faults;
    private readonly string _engineRoot;

    private MortalServer(string engineRoot)
        : base($"unix://{Engine.SocketPath}")
    {
        _engineRoot = engineRoot;
        _faults = new Faults(DataFolder, Variables);
    }

    protected override (string Program, string[] Arguments) Start =>
        ("unshare", ["--mount", "sh", "-c", "mount -t tmpfs none \"$1\" && exec \"$0\"", Published.Server, _engineRoot]);

    public static async Task<MortalServer> StartNewAsync()
    {
        var server = new MortalServer((await Ran.WellAsync("docker", "info", "--format", "{{.DockerRootDir}}")).Line);
        await server.InitializeAsync();
        return server;
    }

    /// <summary>It dies when it gets there.</summary>
    public void Arm(string point) => _faults.Arm(point);

    /// <summary>Points that it has passed since this was asked last.</summary>
    public IReadOnlySet<string> TakePassed() => _faults.TakePassed();

    /// <summary>Starts it, and does not wait until it answers.</summary>
    public void Begin() => Spawn();

    /// <summary>Waits until it is dead.</summary>
    public async Task DeadAsync(string point)
    {
        try
        {
            await EndedAsync(Patience);
        }
        catch (TimeoutException e)
        {
            _faults.Disarm();
            throw new TimeoutException($"{point} was never reached.", e);
        }
    }

    /// <summary>Changes the database while no server has it open.</summary>
    public void Alter(string sql, string session)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(DataFolder, "berth.db")};Pooling=False");
        database.Open();
        using var command = database.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("@id", session);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
