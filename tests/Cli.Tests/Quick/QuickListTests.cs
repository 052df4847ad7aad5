using System.Text.Json;
using Berth.Cli.Commands;
using Berth.Cli.Commands.Sessions;
using Berth.Cli.Output;
using Berth.Cli.Quick;
using Berth.Cli.Settings;
using Berth.Cli.Tests.House;
using Berth.Contracts.Json;
using Berth.Contracts.Sessions;

namespace Berth.Cli.Tests.Quick;

/// <summary>The quick list shows what the ordinary one shows, or leaves it to it.</summary>
public sealed class QuickListTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Rows_read_from_the_wire_are_those_of_the_records()
    {
        List<SessionView> sessions =
        [
            Session("notes", "running", null, null, null, Now.AddHours(-3).AddMilliseconds(123), Now.AddDays(1)),
            Session("a-2", "launching", "pulling", "40 %", null, Now, null),
            Session("b", "failed", null, null, "out_of_memory", Now.AddDays(-40), Now.AddMinutes(5)),
        ];
        var rows = SessionRows.Read(JsonSerializer.SerializeToUtf8Bytes(sessions, BerthJson.Default.ListSessionView))!;
        Assert.Equal(
            sessions.Select(session => string.Join('|', SessionRow.Of(session).Cells(Now))),
            rows.Select(row => string.Join('|', row.Cells(Now))));
        Assert.Equal("a-2|launching (pulling 40 %)|now|-|http://localhost:8300/sessions/1/open", string.Join('|', rows[1].Cells(Now)));
        Assert.Equal("failed (out of memory)", rows[2].StatusCell);
        Assert.Equal("running (node away)", new SessionRow { Status = "running", Reason = "node_away" }.StatusCell);
        Assert.Equal("launching (queued, 2nd of 5)", new SessionRow { Status = "launching", Stage = "queued", StageDetail = "2nd of 5 in the queue 'lab': needs 1 core, 0 free on lab1" }.StatusCell);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[{}]")]
    [InlineData("""[{"name":"a"}]""")]
    [InlineData("""[{"name":"caf\u00e9","url":"u","berth":{"status":"running"}}]""")]
    [InlineData("""[{"name":"café","url":"u","berth":{"status":"running"}}]""")]
    [InlineData("""[{"name":"a","started":"yesterday","url":"u","berth":{"status":"running"}}]""")]
    [InlineData("""[{"name":"a","started":"2026-13-41T00:00:00Z","url":"u","berth":{"status":"running"}}]""")]
    [InlineData("""[{"name":"a","url":"u","berth":{"status":"running"}""")]
    public void Anything_unexpected_is_left_to_the_ordinary_way(string json) =>
        Assert.Null(SessionRows.Read(System.Text.Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Unknown_fields_of_any_kind_are_passed_over() => Assert.Equal("a", Assert.Single(SessionRows.Read(
        """[ {"x":{"y":[1,{"z":"]}\""}],"w":null},"name":"a","v":-1.5e3,"url":"u","berth":{"status":"running","n":[]}} ]"""u8)!).Name);

    [Fact]
    public void Each_flag_of_the_list_has_its_variable_looked_at()
    {
        var flags = GlobalFlags.Create().Concat(new ListCommand(Command.Nowhere).Options);
        Assert.Equal(flags.Select(SettingsLayers.VariableOf).Order(), QuickList.Settings.Order());
    }

    private static SessionView Session(
        string name, string status, string? stage, string? detail, string? reason, DateTimeOffset started, DateTimeOffset? stops) => new(
        name, "01", "image \"quoted\"", new SessionResources(new ResourceAmounts(1, 2, 0, 1)), started, started,
        new SessionState("starting", "Détail with \\ and \"", null, null, 0, 1), "http://localhost:8300/sessions/1/open", "p", "l", 1,
        new SessionExtra(status, reason, "Sentence: {}[]", null, stage, detail, [new StageView("placing", started, null, "x")], 1, "u", "me", "pool",
            "class", "docker", null, "project", started, stops, null, 8888, "/lab", [new RepositoryRequest("https://x")], ["a notice"], null));
}
