using System.Data.Common;
using Berth.Contracts.Agents;
using Berth.Core.Providers;
using Berth.Server.Agents;
using Berth.Server.Options;
using Berth.Server.Storage;

namespace Berth.Server.Sessions.Reconcile;

/// <summary>
/// The only code that starts or stops anything: one loop for each provider instance whose lease this replica holds, for as
/// long as the instance is there.
/// </summary>
public sealed class Reconciler(
    ProviderInstances instances, Replica replica, Db db, SessionStore store, SessionActs acts, ProviderHealth health, Nudges nudges,
    AgentHub hub, ServerOptions options, TimeProvider clock, ILogger<Reconciler> log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var kept = new Dictionary<string, (ProviderInstance Instance, CancellationTokenSource Stop, Task Task)>();
        using var changed = new SemaphoreSlim(1);
        void OnChange() => changed.Release();
        instances.Changed += OnChange;
        try
        {
            while (true)
            {
                await changed.WaitAsync(stoppingToken);
                var wanted = instances.All;
                foreach (var (name, gone) in kept.Where(k => !wanted.Contains(k.Value.Instance)).ToList())
                {
                    kept.Remove(name);
                    await gone.Stop.CancelAsync();
                    await gone.Task;
                    gone.Stop.Dispose();
                }

                foreach (var come in wanted.Where(i => !kept.ContainsKey(i.Name)))
                {
                    var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                    kept[come.Name] = (come, stop, Task.Run(() => KeepAsync(come, stop.Token), CancellationToken.None));
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The loops end by themselves.
        }
        finally
        {
            instances.Changed -= OnChange;
            await Task.WhenAll(kept.Values.Select(k => k.Task));
        }
    }

    /// <summary>
    /// Waits for the lease, runs the loop while it is held, and again. Who has the machine's connection takes the lease from
    /// who has not: nobody else can look at it.
    /// </summary>
    private async Task KeepAsync(ProviderInstance instance, CancellationToken ct)
    {
        var lease = new Lease(instance.Name, replica.Name, db, clock);
        // SQLite is open in this process only, so whoever held the lease is gone.
        var force = options.DatabaseUrl is null;
        try
        {
            await KeepAsync(instance, lease, force, ct);
        }
        finally
        {
            await ReleaseAsync(lease);
        }
    }

    private async Task KeepAsync(ProviderInstance instance, Lease lease, bool force, CancellationToken ct)
    {
        var failures = 0;
        var machine = instance.Provider as IMayBeAway;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                if (await lease.TakeAsync(force || machine is { IsConnected: true }, ct))
                {
                    failures = 0;
                    await (instance.Taken?.Invoke(ct) ?? Task.CompletedTask);
                    await RunAsync(instance, lease, ct);
                }
                else
                    await Task.WhenAny(Task.Delay(Lease.RenewEvery, clock, ct), machine?.ConnectedAsync(ct) ?? Task.Delay(Timeout.Infinite, ct));
            }
            catch (Exception) when (ct.IsCancellationRequested)
            {
                // What breaks off at the end may say so in its own words, as a database does.
                return;
            }
            catch (LeaseLostException e)
            {
                log.LogWarning("{Why} This one waits for it", e.Message);
            }
            catch (OperationCanceledException)
            {
                // The lease could not be renewed, which was said.
            }
            catch (Exception e)
            {
                // Said once: an hour without a database is one line, not an hour of them.
                if (failures++ == 0)
                    log.LogError(e, "The loop of {Name} ended and is started again", instance.Name);
                await Task.Delay(RetryDelay.After(failures), clock, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ReleaseAsync(Lease lease)
    {
        try
        {
            await lease.ReleaseAsync(CancellationToken.None);
        }
        catch (DbException e)
        {
            log.LogWarning("The lease could not be given back and runs out by itself: {Why}", e.Message);
        }
    }

    private async Task RunAsync(ProviderInstance instance, Lease lease, CancellationToken ct)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var loop = new InstanceLoop(instance.Name, instance.Provider, lease, store, acts, health, hub.LastReport, clock, log);
        void OnNudge(string provider, string id)
        {
            if (provider == instance.Name)
                loop.Tell(new Signal.Nudged(id));
        }

        void OnReport(string id, int generation, AgentReport report) => loop.Tell(new Signal.Reported(id, generation, report));
        void OnActivity(string id, int generation, AgentActivity activity) => loop.Tell(new Signal.Worked(id, generation, activity.CpuCores, AgentReports.Uses(activity), clock.GetUtcNow()));

        void OnTouch(string id, bool input) => loop.Tell(new Signal.Touched(id, input, clock.GetUtcNow()));

        nudges.Nudged += OnNudge;
        nudges.Touched += OnTouch;
        hub.Reported += OnReport;
        hub.Activity += OnActivity;
        try
        {
            var renew = RenewAsync(lease, held);
            var beside = BesideAsync(instance, lease, held);
            try
            {
                await loop.RunAsync(held.Token);
            }
            finally
            {
                await held.CancelAsync();
                await renew;
                await beside;
            }
        }
        finally
        {
            nudges.Nudged -= OnNudge;
            nudges.Touched -= OnTouch;
            hub.Reported -= OnReport;
            hub.Activity -= OnActivity;
        }
    }

    /// <summary>Neither goes on without the other: what fails here ends the loop, and both begin anew.</summary>
    private static async Task BesideAsync(ProviderInstance instance, Lease lease, CancellationTokenSource held)
    {
        if (instance.Beside is not { } beside)
            return;
        try
        {
            await beside(lease, held.Token);
        }
        catch (OperationCanceledException) when (held.IsCancellationRequested)
        {
            // The loop ended.
        }
        finally
        {
            await held.CancelAsync();
        }
    }

    private async Task RenewAsync(Lease lease, CancellationTokenSource held)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Lease.RenewEvery, clock, held.Token);
                if (!await lease.TakeAsync(force: false, held.Token))
                    break;
            }

            log.LogWarning("The lease is held by another server now: this one waits for it");
            await held.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // The loop ended.
        }
        catch (Exception e)
        {
            log.LogWarning(e, "The lease could not be renewed");
            await held.CancelAsync();
        }
    }
}
