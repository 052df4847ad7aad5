namespace Berth.Contracts.Sessions;

/// <summary>One connection to a session. One that was cut and came back is still one.</summary>
/// <param name="Id">ULID; sorts by start.</param>
/// <param name="SessionId">To which.</param>
/// <param name="SessionName">Its name.</param>
/// <param name="Username">Whose it was.</param>
/// <param name="Kind">tcp, ports, or another service of the agent; browser: a visit by browser, of one sign-in from one address to one origin of the session, until it has asked for nothing for a minute or two.</param>
/// <param name="Target">What of the session, such as "port 3000"; null: the kind says all.</param>
/// <param name="From">Address it came from; "local": the server's local socket.</param>
/// <param name="StartedAt">Its beginning.</param>
/// <param name="EndedAt">Null: it is open.</param>
/// <param name="Lost">Its server ended without a word about it: the end is when it was last seen.</param>
/// <param name="BytesIn">To the session. Of a stream each byte once, however often its line was lost; of a browser HTTP with its headers, and WebSockets.</param>
/// <param name="BytesOut">From the session, likewise.</param>
public sealed record ConnectionView(
    string Id, string SessionId, string SessionName, string Username, string Kind, string? Target, string From, DateTimeOffset StartedAt,
    DateTimeOffset? EndedAt, bool Lost, long BytesIn, long BytesOut);
