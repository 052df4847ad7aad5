using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;

namespace Berth.Cli.Tests.Output;

public sealed class OutputTests
{
    private static readonly string[] Headers = ["name", "status", "url"];

    [Fact]
    public void A_table_is_as_wide_as_its_cells() => Assert.Equal(
        """
        NAME     STATUS   URL
        a        running  http://localhost:8300/sessions/1
        longest  failed   -

        """,
        Table.Render(Headers, [["a", "running", "http://localhost:8300/sessions/1"], ["longest", "failed", "-"]], null));

    [Theory]
    [InlineData(47, "NAME     STATUS  URL")]
    [InlineData(46, "NAME     STATUS")]
    [InlineData(15, "NAME     STATUS")]
    [InlineData(14, "NAME")]
    [InlineData(3, "NAME")]
    public void A_narrow_terminal_gets_fewer_columns_and_the_first_always(int width, string header)
    {
        var table = Table.Render(Headers, [["longest", "failed", new string('x', 30)]], width);
        Assert.Equal(header, table.Split('\n')[0]);
    }

    [Fact]
    public void A_table_that_goes_on_has_its_headers_once() =>
        Assert.Equal("a     running  -\n", Table.Render(Headers, [["a", "running", "-"]], null, goesOn: true));

    [Fact]
    public void Control_characters_of_others_do_not_steer_the_terminal() =>
        Assert.Equal("NAME\na [31m\n", Table.Render(["name"], [["a\e[31m"]], null));

    [Theory]
    [InlineData(true, "Id   q1\nWhy  lab1 has not been\n     heard of since noon\nUrl  http://localhost:8300/sessions/1\n")]
    [InlineData(false, "Id   q1\nWhy  lab1 has not been heard of since noon\nUrl  http://localhost:8300/sessions/1\n")]
    public void Sentences_are_broken_between_words_on_a_terminal_and_nowhere_else(bool terminal, string shown)
    {
        using var printed = new StringWriter { NewLine = "\n" };
        var here = House.Command.Nowhere with { Out = printed, OutIsTerminal = terminal, Width = 26 };
        Column<string>[] columns = [new("id", id => id), new("why", _ => "lab1 has not been heard of since noon"), new("url", _ => "http://localhost:8300/sessions/1")];
        new Results(here, OutputFormat.Table, [], wide: false, colours: false).One("q1", JsonMetadataServices.CreateValueInfo<string>(JsonSerializerOptions.Default, JsonMetadataServices.StringConverter), columns, id => id);
        Assert.Equal(shown, printed.ToString());
    }

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59, "59 s")]
    [InlineData(60, "1 min")]
    [InlineData(3599, "59 min")]
    [InlineData(3600, "1 h")]
    [InlineData(172799, "47 h")]
    [InlineData(172800, "2 d")]
    public void Times_are_one_number_and_its_unit(int seconds, string text) => Assert.Equal(text, Ages.Span(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0, "now")]
    [InlineData(0.2, "in 0 s")]
    [InlineData(59.4, "in 59 s")]
    [InlineData(59.6, "in 1 min")]
    [InlineData(3599, "in 1 h")]
    [InlineData(86399, "in 24 h")]
    [InlineData((3 * 86400) - 1, "in 3 d")]
    public void What_is_to_come_is_as_far_away_as_the_nearest_unit_says(double seconds, string text) =>
        Assert.Equal(text, Ages.Until(DateTimeOffset.UnixEpoch.AddSeconds(seconds), DateTimeOffset.UnixEpoch));

    [Theory]
    [InlineData("""{"a":1,"b":"x","c":[true,null,1.5],"d":{},"e":[]}""")]
    [InlineData("""{"a":"true","b":"1","c":"","d":"null","e":"yes","f":"- a: b","g":"two\nlines","h":"0x1"}""")]
    [InlineData("""[{"name":"# no comment"},{"name":"a: b"}]""")]
    [InlineData("\"ünïcode\"")]
    public void What_is_written_as_yaml_is_read_back_the_same(string json)
    {
        using var document = JsonDocument.Parse(json);
        var yaml = Yaml.Write(document.RootElement);
        Assert.True(JsonElement.DeepEquals(document.RootElement, JsonSerializer.SerializeToElement(Yaml.Read(yaml))), yaml);
    }

    [Fact]
    public void Names_may_be_cut_short_where_they_stay_unique()
    {
        string[] all = ["alpha", "alpine", "beta"];
        Assert.Equal("beta", Pick("b"));
        Assert.Equal("alpha", Pick("ALPH"));
        Assert.Equal(ExitCodes.Usage, Assert.Throws<CliException>(() => Pick("al")).ExitCode);
        Assert.Equal(ExitCodes.NotFound, Assert.Throws<CliException>(() => Pick("c")).ExitCode);
        Assert.Equal(ExitCodes.Usage, Assert.Throws<CliException>(() => Pick("")).ExitCode);
        Assert.Equal("al", Names.Pick("al", ["al", "alpha"], name => [name], "thing", "berth thing list"));

        string Pick(string name) => Names.Pick(name, all, item => [item], "thing", "berth thing list");
    }
}
