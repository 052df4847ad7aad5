using Berth.Contracts.Client;
using Berth.Contracts.Problems;
using Berth.Fakes;
using Berth.Server.Storage;
using Berth.Server.Tests.Sessions;

namespace Berth.Server.Tests.Storage;

public sealed class BackupTests
{
    private const UnixFileMode OwnersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ABackupOfAServerThatWorksIsRestoredWhole()
    {
        await using var server = await SessionServer.StartAsync();
        var (running, agent) = await server.RunningAsync();
        await using var _ = agent;
        // While others write.
        var writing = Task.WhenAll(Enumerable.Range(0, 20).Select(_ => server.StartSessionAsync()));
        var file = await BackupAsync(server);
        await writing;
        var (later, _) = await server.StartSessionAsync();
        await Eventually.TrueAsync(() => server.Compute.Keys.Any(k => k.SessionId == later.Id), "the later one is started");
        Assert.Empty(Directory.GetFiles(server.DataFolder, "berth.db.backup-*"));

        await server.StopAsync();
        var said = await Restore.RunAsync(server.Options, file, TimeProvider.System);
        var kept = Assert.Single(Directory.GetFiles(server.DataFolder, "berth.db.before-*"));
        Assert.Contains($"kept as {kept}", said, StringComparison.Ordinal);
        Assert.All([kept, server.Options.DatabaseFile], path => Assert.Equal(OwnersOnly, File.GetUnixFileMode(path)));
        await server.BootAsync();
        Assert.Equal(running.Name, (await server.Client.GetSessionAsync(running.Id, Stop)).Name);
        // What was started after the backup is nobody's: it does not run on, and its work is left alone.
        await Eventually.TrueAsync(() => server.Compute.Keys.All(k => k.SessionId != later.Id), "the later one is stopped");
        Assert.Contains(server.Compute.Workspaces.Keys, name => name.Contains(later.Id, StringComparison.OrdinalIgnoreCase));

        // And back to what was kept.
        await server.StopAsync();
        await Restore.RunAsync(server.Options, kept, TimeProvider.System);
        await server.BootAsync();
        Assert.Equal(22, (await server.Client.ListSessionsAsync(Stop)).Count);
    }

    [Fact]
    public async Task WhatIsNoUsableBackupIsRefusedAndChangesNothing()
    {
        await using var server = await SessionServer.StartAsync();
        await server.StartSessionAsync();
        var good = await BackupAsync(server);
        var folder = server.DataFolder;
        var text = Path.Combine(folder, "text");
        await File.WriteAllTextAsync(text, "no database at all, but some words", Stop);
        var cut = Path.Combine(folder, "cut");
        await File.WriteAllBytesAsync(cut, (await File.ReadAllBytesAsync(good, Stop))[..40_000], Stop);

        using (await DataFolderLock.TakeAsync(server.Options, TimeProvider.System))
            Assert.Contains("in use by another Berth server", await RefusalAsync(good), StringComparison.Ordinal);

        await server.StopAsync();
        var before = await File.ReadAllBytesAsync(server.Options.DatabaseFile, Stop);
        Assert.Contains("There is no file", await RefusalAsync(Path.Combine(folder, "nowhere")), StringComparison.Ordinal);
        Assert.Contains("is no backup of Berth", await RefusalAsync(text), StringComparison.Ordinal);
        Assert.Contains("nothing was changed", await RefusalAsync(cut), StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(server.Options.DatabaseFile, Stop));
        Assert.Empty(Directory.GetFiles(folder, "*.restoring"));
        await server.BootAsync();
        Assert.Single(await server.Client.ListSessionsAsync(Stop));

        async Task<string> RefusalAsync(string file) => (await Assert.ThrowsAsync<StartupException>(() => Restore.RunAsync(server.Options, file, TimeProvider.System))).Message;
    }

    [Fact]
    public async Task ABackupOfANewerProgramIsRefused()
    {
        await using var server = await SessionServer.StartAsync();
        await server.Db.ExecuteAsync("INSERT INTO schema_version VALUES (9999, 0)", null, Stop);
        var file = await BackupAsync(server);
        await server.StopAsync();
        var refused = await Assert.ThrowsAsync<StartupException>(() => Restore.RunAsync(server.Options, file, TimeProvider.System));
        Assert.Contains("newer Berth (its schema is 9999", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Needs", "postgres")]
    public async Task OfPostgresTheRefusalNamesWhatToUse()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var server = await SessionServer.StartAsync(await postgres.CreateDatabaseAsync());
        var refused = await Assert.ThrowsAsync<ApiException>(() => server.Client.BackupAsync(Stop));
        Assert.Equal(ProblemCode.Conflict, refused.Problem.Kind);
        Assert.Contains("pg_dump", refused.Problem.Message, StringComparison.Ordinal);
    }

    private static async Task<string> BackupAsync(SessionServer server)
    {
        var file = Path.Combine(server.DataFolder, "saved.db");
        await using var backup = await server.Client.BackupAsync(Stop);
        await using var saved = File.Create(file);
        await backup.CopyToAsync(saved, Stop);
        return file;
    }
}
