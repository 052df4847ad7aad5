using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Berth.Cli.Output;
using Berth.Cli.Servers;

namespace Berth.Cli.Commands.Resources;

/// <summary>A kind of thing that can be listed, shown, created, edited and deleted; the five verbs are the same for each.</summary>
internal abstract class Resource<T>
{
    public abstract string Noun { get; }

    public virtual string Plural => Noun + "s";

    /// <summary>For the help: what it is.</summary>
    public abstract string Meaning { get; }

    public abstract JsonTypeInfo<T> Type { get; }

    public abstract JsonTypeInfo<List<T>> ListType { get; }

    /// <summary>All of them are shown by <c>show</c>.</summary>
    public abstract IReadOnlyList<Column<T>> Columns { get; }

    /// <summary>What it goes by; the first is shown, the last is its id.</summary>
    public abstract string[] NamesOf(T item);

    public abstract Task<IReadOnlyList<T>> ListAsync(Server server, CancellationToken ct);

    /// <summary>Where it is read, changed and deleted.</summary>
    public abstract string PathOf(T item);

    /// <summary>Completes and checks the body of one that is to be created, before anything is sent; returns where it goes.</summary>
    public abstract Task<string> PrepareAsync(Call call, Server server, JsonObject body, CancellationToken ct);

    /// <summary>Whether its name can be edited.</summary>
    public virtual bool CanBeRenamed => true;

    /// <summary>New each time: <c>create</c> and <c>edit</c> have their own.</summary>
    public abstract IReadOnlyList<Field> Fields(bool create);

    /// <summary>The version to send with a change, where the server wants one.</summary>
    public virtual string? EtagOf(T item) => null;

    /// <summary>From the answer to a create or edit to the thing itself.</summary>
    public virtual string NameIn(JsonNode answer) => answer["name"]!.GetValue<string>();

    public abstract IReadOnlyList<Example> ExamplesOf(string verb);

    public T Pick(IReadOnlyList<T> items, string name) => Names.Pick(name, items, NamesOf, Noun, $"berth {Noun} list");
}
