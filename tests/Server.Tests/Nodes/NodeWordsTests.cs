using Berth.Fakes;
using Berth.Server.Nodes;
using Microsoft.Data.Sqlite;

namespace Berth.Server.Tests.Nodes;

/// <summary>What machines say of themselves, and what becomes of it.</summary>
public sealed class NodeWordsTests : NodeTest
{
    [Fact]
    public async Task ADatabaseThatIsLockedCostsAMachineNoConnectionAndWhatItSaidIsSavedLater()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await using var other = new SqliteConnection($"Data Source={Path.Combine(Server.DataFolder, "berth.db")};Pooling=False");
        await other.OpenAsync(Ct);
        Execute(other, "BEGIN IMMEDIATE");
        node.Facts = node.Facts with { Cpu = 4 };
        await node.ReportAsync();
        await Eventually.TrueAsync(() => Server.Log.Lines.Any(l => l.Contains("cannot be saved now", StringComparison.Ordinal)), "the write is given up", TimeSpan.FromSeconds(30));

        Assert.False(node.Ended.IsCompleted);
        Assert.Equal(4, Assert.Single(Server.Service<NodeDirectory>().All).Row.FactsOf!.Cpu);
        Execute(other, "ROLLBACK");
        await Eventually.TrueAsync(async () => await Server.CountAsync("SELECT count(*) FROM nodes WHERE facts LIKE '%\"cpu\":4%'") == 1, "it is saved later", TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task WhatAMachineSaidThatCameAndLeftBetweenTwoSavesIsSavedToo()
    {
        await using var node = await FakeNode.JoinAsync(Server, "lab1", Admin);
        await node.CutAsync();
        await Eventually.TrueAsync(async () => await Server.CountAsync("SELECT count(*) FROM nodes WHERE connected_to IS NULL") == 1, "it is known to be away");
        Server.Service<NodeDirectory>().Said(node.Joined.Id, row => row with { Version = "of a moment" }, begins: true);
        await Eventually.TrueAsync(async () => await Server.CountAsync("SELECT count(*) FROM nodes WHERE version = 'of a moment'") == 1, "it is saved");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
