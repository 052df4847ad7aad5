using Berth.Fakes;

namespace Berth.EndToEnd.Tests.House;

/// <summary>A real terminal with a screen that can be read: tmux's.</summary>
internal sealed class Screen : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("berth-screen-");

    private string Socket => Path.Combine(_folder.FullName, "tmux");

    /// <summary>Opens one with a shell in it that has these variables.</summary>
    public static async Task<Screen> OpenAsync(IReadOnlyDictionary<string, string?> variables, int columns = 80, int rows = 24)
    {
        var screen = new Screen();
        List<string> unset = [.. variables.Where(v => v.Value is null).SelectMany(v => (string[])["-u", v.Key])];
        List<string> set = [.. variables.Where(v => v.Value is not null).Select(v => $"{v.Key}={v.Value}")];
        string[] shell = ["env", .. unset, .. set, "PS1=here$ ", "sh"];
        await screen.TmuxAsync(["-f", "/dev/null", "new-session", "-d", "-x", $"{columns}", "-y", $"{rows}", .. shell]);
        return screen;
    }

    /// <summary>What it shows.</summary>
    public async Task<string> ReadAsync() => (await TmuxAsync("capture-pane", "-p")).Out;

    /// <summary>What it shows now, and what has scrolled away.</summary>
    public async Task<string> ReadAllAsync() => (await TmuxAsync("capture-pane", "-p", "-S", "-")).Out;

    public Task TypeAsync(string text) => TmuxAsync("send-keys", "-l", text);

    /// <summary>A key by its name, such as Enter or C-c.</summary>
    public Task KeyAsync(string key) => TmuxAsync("send-keys", key);

    public Task ResizeAsync(int columns, int rows) => TmuxAsync("resize-window", "-x", $"{columns}", "-y", $"{rows}");

    public async Task UntilAsync(string text, TimeSpan? patience = null)
    {
        var last = "";
        try
        {
            await Eventually.TrueAsync(async () => (last = await ReadAsync()).Contains(text, StringComparison.Ordinal), text, patience ?? TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"The screen does not show '{text}':\n{last}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Ran.ToEndAsync("tmux", ["-S", Socket, "kill-server"]);
        _folder.Delete(recursive: true);
    }

    private async Task<Ran> TmuxAsync(params string[] arguments)
    {
        var ran = await Ran.ToEndAsync("tmux", ["-S", Socket, .. arguments]);
        Assert.True(ran.Code == 0, ran.Error);
        return ran;
    }
}
