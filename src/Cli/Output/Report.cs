namespace Berth.Cli.Output;

/// <summary>Speaks to people, on stderr; <c>-q</c> leaves only what went wrong.</summary>
internal sealed class Report(Surroundings here, bool quiet, bool colours)
{
    public bool Quiet => quiet;

    /// <summary>Lines may be redrawn: stderr is a terminal, and colours (control sequences) are allowed.</summary>
    public bool Live => here.ErrorIsTerminal && colours && !quiet;

    public void Line(string text = "")
    {
        if (!quiet)
            here.Error.WriteLine(text);
    }

    /// <summary>Text without a line's end: for lines that are redrawn.</summary>
    public void Raw(string text)
    {
        if (!quiet)
            here.Error.Write(text);
    }

    public void Warning(string text) => here.Error.WriteLine(Paint("33", text));

    public void Problem(string text) => here.Error.WriteLine(Paint("31", text));

    public string Paint(string colour, string text) => here.ErrorIsTerminal && colours ? $"\e[{colour}m{text}\e[0m" : text;
}
