using System.Text.Json.Nodes;
using Berth.Cli.Commands.Resources;
using Berth.Cli.Output;
using Berth.Contracts.Json;
using Berth.Contracts.Users;

namespace Berth.Cli.Commands.Users;

internal sealed class UserQuotaCommand : Verb
{
    private static readonly IReadOnlyList<Column<UserQuota>> Columns =
    [
        new("sessions", quota => quota.Sessions?.ToString() ?? "no limit"),
        new("cpu", quota => quota.Cpu?.ToString() ?? "no limit"),
        new("memory", quota => quota.Memory is { } memory ? $"{memory} GB" : "no limit"),
        new("gpu", quota => quota.Gpu?.ToString() ?? "no limit"),
    ];

    private readonly IReadOnlyList<Field> _fields = QuotaField.All("", body => body);

    public UserQuotaCommand(Surroundings here)
        : base(here, "quota", "Show or set the quota of users who have none of their own (for admins)")
    {
        foreach (var field in _fields)
            Add(field.Flag);
    }

    public override IReadOnlyList<Example> Examples =>
    [
        new("user quota", "What it is"),
        new("user quota --sessions 3 --gpu none", "What is left out stays as it is"),
    ];

    protected override async Task<int> RunAsync(Call call, CancellationToken ct)
    {
        var server = await call.ConnectAsync(ct);
        var quota = await server.Client.GetDefaultQuotaAsync(ct);
        var changes = new JsonObject();
        foreach (var field in _fields.Where(field => call.Has(field.Flag)))
            await field.PutAsync(call, server, changes, ct);
        if (changes.Count > 0)
        {
            quota = new UserQuota(
                changes.ContainsKey("sessions") ? changes["sessions"]?.GetValue<int>() : quota.Sessions,
                changes.ContainsKey("cpu") ? changes["cpu"]?.GetValue<double>() : quota.Cpu,
                changes.ContainsKey("memory") ? changes["memory"] is { } memory ? Convert.ToDouble(memory.ToString(), System.Globalization.CultureInfo.InvariantCulture) : null : quota.Memory,
                changes.ContainsKey("gpu") ? changes["gpu"]?.GetValue<int>() : quota.Gpu);
            quota = await server.Client.SetDefaultQuotaAsync(quota, ct);
            call.Report.Line("Changed the quota of users who have none of their own. Sessions that run go on as they are.");
        }

        call.Results.One(quota, BerthJson.Default.UserQuota, Columns, QuotaField.Words);
        return ExitCodes.Ok;
    }
}
