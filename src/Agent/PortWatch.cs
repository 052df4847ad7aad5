namespace Berth.Agent;

/// <summary>Which ports are listened on, as they come and go. The kernel tells nobody: it is asked again, once for all who want to know.</summary>
internal sealed class PortWatch(ListeningPorts ports, TimeProvider time)
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);
    private Sight _now = new(ports.Find());

    /// <summary>What was seen last.</summary>
    public Sight Now => Volatile.Read(ref _now);

    /// <summary>Looks until cancelled.</summary>
    public async Task RunAsync(Action changed, CancellationToken over)
    {
        using var timer = new PeriodicTimer(s_every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(over))
            {
                var found = ports.Find();
                if (found.SequenceEqual(Now.Ports))
                    continue;
                Interlocked.Exchange(ref _now, new Sight(found)).IsOld.SetResult();
                changed();
            }
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    /// <summary>What was seen at one moment.</summary>
    /// <param name="ports">Ascending.</param>
    internal sealed class Sight(IReadOnlyList<int> ports)
    {
        public IReadOnlyList<int> Ports { get; } = ports;

        /// <summary>Those that a person means: the kernel gives out the others (ip(7)), notebooks' kernels take five each.</summary>
        public IReadOnlyList<int> Chosen => [.. Ports.Where(port => port < ListeningPorts.FirstGivenOut)];

        /// <summary>Ends once something else is seen.</summary>
        public Task Changed => IsOld.Task;

        internal TaskCompletionSource IsOld { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
