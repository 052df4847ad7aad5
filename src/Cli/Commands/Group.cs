using System.CommandLine;

namespace Berth.Cli.Commands;

/// <summary>A noun that only holds verbs.</summary>
internal sealed class Group : Command
{
    public Group(string name, string description, params Command[] verbs)
        : base(name, description)
    {
        foreach (var verb in verbs)
            Add(verb);
    }
}
