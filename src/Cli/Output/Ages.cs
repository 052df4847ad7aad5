namespace Berth.Cli.Output;

/// <summary>Times as people say them.</summary>
internal static class Ages
{
    public static string Ago(DateTimeOffset then, DateTimeOffset now) => then >= now ? "now" : Span(now - then) + " ago";

    public static string Until(DateTimeOffset then, DateTimeOffset now) => then <= now ? "now" : "in " + Span(Rounded(then - now));

    /// <summary>One number and its unit: 45 s, 12 min, 3 h, 2 d.</summary>
    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => ((int)span.TotalSeconds).ToString() + " s",
        { TotalMinutes: < 60 } => ((int)span.TotalMinutes).ToString() + " min",
        { TotalHours: < 48 } => ((int)span.TotalHours).ToString() + " h",
        _ => ((int)span.TotalDays).ToString() + " d",
    };

    /// <summary>To the whole unit that is nearest: what was set to a day is in 24 h from the first second on, not in 23.</summary>
    private static TimeSpan Rounded(TimeSpan span) => span switch
    {
        { TotalSeconds: < 59.5 } => TimeSpan.FromSeconds(Math.Round(span.TotalSeconds)),
        { TotalMinutes: < 59.5 } => TimeSpan.FromMinutes(Math.Round(span.TotalMinutes)),
        { TotalHours: < 47.5 } => TimeSpan.FromHours(Math.Round(span.TotalHours)),
        _ => TimeSpan.FromDays(Math.Round(span.TotalDays)),
    };

    /// <summary>How long something took, to a tenth of a second where that matters.</summary>
    public static string Took(TimeSpan span) => span.TotalSeconds switch
    {
        < 0 => "0.0 s",
        < 60 => $"{span.TotalSeconds:0.0} s",
        _ => $"{(int)span.TotalMinutes} min {span.Seconds} s",
    };
}
