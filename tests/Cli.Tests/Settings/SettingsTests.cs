using Berth.Cli.Tests.House;

namespace Berth.Cli.Tests.Settings;

/// <summary>
/// Flag before variable before the project's file before the user's: for every set of layers that say something, the
/// highest of them counts. What counts is seen by the refusal of its value, which names where it was set.
/// </summary>
public sealed class SettingsTests : IDisposable
{
    private readonly Command _berth = new();

    public static TheoryData<bool, bool, bool, bool> Layers
    {
        get
        {
            var data = new TheoryData<bool, bool, bool, bool>();
            for (var set = 1; set < 16; set++)
                data.Add((set & 1) > 0, (set & 2) > 0, (set & 4) > 0, (set & 8) > 0);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public async Task The_highest_layer_counts(bool flag, bool variable, bool project, bool user)
    {
        string[] args = flag ? ["start", "--memory", "of-flag"] : ["start"];
        if (variable)
            _berth.With("BERTH_MEMORY", "of-variable");
        if (project)
            _berth.Write("work/.berth.yaml", "memory: of-project\n");
        if (user)
            _berth.Write(".config/berth/config.yaml", "memory: of-user\n");

        var ran = await _berth.RunAsync(args);

        Assert.Equal(ExitCodes.Usage, ran.Code);
        var (value, origin) = flag ? ("of-flag", null) : variable ? ("of-variable", "BERTH_MEMORY")
            : project ? ("of-project", ".berth.yaml") : ("of-user", "config.yaml");
        Assert.Contains($"--memory is '{value}'", ran.Error, StringComparison.Ordinal);
        if (origin is null)
            Assert.DoesNotContain("It is set in", ran.Error, StringComparison.Ordinal);
        else
            Assert.Contains(origin + ".)", ran.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_excludes_each_other_counts_from_the_highest_layer_alone()
    {
        _berth.Write("work/.berth.yaml", "image: python\nport: bad\n");
        var ran = await _berth.RunAsync("start", "--launcher", "analysis");
        Assert.DoesNotContain("exclude", ran.Error, StringComparison.Ordinal);
        Assert.Contains("--port is 'bad'", ran.Error, StringComparison.Ordinal);

        _berth.Write("work/.berth.yaml", "image: python\nlauncher: analysis\n");
        Assert.Contains("--launcher and --image exclude each other", (await _berth.RunAsync("start")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mmeory: 4G", "there is no flag '--mmeory'")]
    [InlineData("context: evil", "'context' is yours to set, not a project's")]
    [InlineData("yes: true", "'yes' is yours to set, not a project's")]
    [InlineData("delete-work: true", "'delete-work' is yours to set, not a project's")]
    [InlineData("memory:", "'memory' has no value.")]
    [InlineData("- a", "must hold settings, one a line")]
    [InlineData("memory: 1\nmemory: 2", "'memory' is here twice")]
    [InlineData("env:\n  A:\n    B: 1", "'env' is nested too deeply")]
    [InlineData("memory: [", ".berth.yaml, line 2")]
    public async Task A_projects_file_with_a_mistake_is_refused(string text, string words)
    {
        _berth.Write("work/.berth.yaml", text);
        var ran = await _berth.RunAsync("list");
        Assert.Equal(ExitCodes.Usage, ran.Code);
        Assert.Contains(words, ran.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("yes", 0)]
    [InlineData("1", 0)]
    [InlineData("on", 0)]
    [InlineData("false", 0)]
    [InlineData("maybe", 2)]
    public async Task Switches_are_set_by_words(string word, int code) =>
        Assert.Equal(code, (await _berth.With("BERTH_QUIET", word).RunAsync("context", "list")).Code);

    [Fact]
    public async Task Help_is_given_whatever_the_settings_say()
    {
        _berth.Write("work/.berth.yaml", "nonsense: 1");
        Assert.Equal(0, (await _berth.RunAsync("start", "--help")).Code);
        Assert.Equal(0, (await _berth.RunAsync("--version")).Code);
    }

    [Fact]
    public async Task A_setting_of_the_user_reaches_every_command()
    {
        _berth.Write(".config/berth/config.yaml", "output: json\n");
        Assert.StartsWith("[", (await _berth.RunAsync("context", "list")).Out, StringComparison.Ordinal);
        Assert.StartsWith("NAME", (await _berth.RunAsync("context", "list", "-o", "table")).Out, StringComparison.Ordinal);
    }

    public void Dispose() => _berth.Dispose();
}
