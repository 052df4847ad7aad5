namespace Berth.Contracts.Nodes;

/// <summary>Body of <c>POST /api/berth/nodes/tokens</c>.</summary>
/// <param name="Own">The machine serves the caller alone; false: it serves pools, which only admins may let it.</param>
public sealed record NodeTokenRequest(bool Own = false);

/// <summary>A token with which one machine joins, once.</summary>
/// <param name="Token">Shown this once.</param>
/// <param name="ExpiresAt">When it is good no more.</param>
/// <param name="Command">What to type on the machine.</param>
/// <param name="Note">What is in the way of that, and what to do; null: nothing.</param>
public sealed record NodeTokenCreated(string Token, DateTimeOffset ExpiresAt, string Command, string? Note = null);

/// <summary>Body of <c>POST /api/berth/node/join</c>.</summary>
/// <param name="Token">The join token.</param>
/// <param name="Name">As people shall call the machine.</param>
/// <param name="Secret">The machine's own token from now on, made by it: <see cref="NodeSecret"/>. Asked again with the same one, the answer is the same.</param>
/// <param name="Offer">What it was told to offer; null: all that it has.</param>
/// <param name="Processes">Sessions there are processes of its user, not isolated: it can serve its owner alone.</param>
public sealed record JoinRequest(string Token, string Name, string Secret, NodeOffer? Offer = null, bool Processes = false);

/// <summary>A machine has joined.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">As asked for.</param>
/// <param name="Installation">What everything that it starts is labelled with.</param>
/// <param name="Owner">User name of whom it serves alone; null: it serves pools.</param>
public sealed record JoinAnswer(string Id, string Name, string Installation, string? Owner);

/// <summary>An amount of each thing that sessions need.</summary>
/// <param name="Cpu">Cores.</param>
/// <param name="MemoryGb">GB.</param>
/// <param name="DiskGb">GB; null: not known.</param>
/// <param name="Gpus">Devices.</param>
public sealed record NodeAmounts(double Cpu, double MemoryGb, double? DiskGb, int Gpus);

/// <summary>A machine that joined.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">As people call it.</param>
/// <param name="State">ready, draining, closed (outside its uptime window), away, or unwell (see <paramref name="Problem"/>).</param>
/// <param name="Draining">It takes nothing new, whatever its state.</param>
/// <param name="Owner">User name of whom it serves alone; null: it serves pools.</param>
/// <param name="Queues">That it serves, the most important first.</param>
/// <param name="Fair">It takes from them in turn.</param>
/// <param name="Labels">For people.</param>
/// <param name="Uptime">When it may be used; null: always.</param>
/// <param name="TimeZone">By which clock; null where it may be used always.</param>
/// <param name="Said">What it was told to offer; null where it was told nothing.</param>
/// <param name="Measured">What is there; null: it has not been connected yet.</param>
/// <param name="Offered">What sessions can have: of both the smaller.</param>
/// <param name="Free">What of it no session has.</param>
/// <param name="Gpus">Its gpus, by model.</param>
/// <param name="Sessions">What is on it.</param>
/// <param name="Engine">Product and version.</param>
/// <param name="Version">Of Berth there.</param>
/// <param name="Problem">What is wrong, in a sentence.</param>
/// <param name="Isolation">What keeps its sessions from being shut off as they should be, why, and what to do; null: nothing that is known.</param>
/// <param name="JoinedAt">When it joined.</param>
/// <param name="LastSeen">When it was last heard of; null: never.</param>
public sealed record NodeView(
    string Id, string Name, string State, bool Draining, string? Owner, IReadOnlyList<string> Queues, bool Fair, IReadOnlyDictionary<string, string> Labels, string? Uptime, string? TimeZone,
    NodeAmounts? Said, NodeAmounts? Measured, NodeAmounts? Offered, NodeAmounts? Free, IReadOnlyList<string> Gpus, IReadOnlyList<NodeSession> Sessions,
    string? Engine, string? Version, string? Problem, string? Isolation, DateTimeOffset JoinedAt, DateTimeOffset? LastSeen);

/// <summary>A machine was removed.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Running">Names of sessions of which it is not known that they were stopped: it was away, or did not do it in time.</param>
/// <param name="Kept">Of how many sessions the work is still on it.</param>
public sealed record NodeRemoved(string Name, IReadOnlyList<string> Running, int Kept);

/// <summary>A queue: <c>GET /api/berth/queues</c>.</summary>
/// <param name="Name">As pools and machines name it.</param>
/// <param name="Pools">The pools of the caller's whose sessions stand in it.</param>
/// <param name="Machines">How many machines serve it, and the caller.</param>
/// <param name="Ready">How many of them take sessions now.</param>
/// <param name="Waiting">How many sessions wait in it, whoever's.</param>
/// <param name="Running">How many have a machine.</param>
public sealed record QueueView(string Name, IReadOnlyList<string> Pools, int Machines, int Ready, int Waiting, int Running);

/// <summary>A session on a node.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Name">As its owner calls it.</param>
/// <param name="Owner">User name.</param>
/// <param name="Status">As of sessions.</param>
/// <param name="Gpus">Those that it was given.</param>
public sealed record NodeSession(string Id, string Name, string Owner, string Status, IReadOnlyList<string> Gpus);
