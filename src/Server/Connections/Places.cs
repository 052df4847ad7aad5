namespace Berth.Server.Connections;

/// <summary>Places of which each key has so many: what is not worth more to one session, or one machine, than to all others.</summary>
/// <param name="most">Places of a key.</param>
public sealed class Places(int most)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Takes one, until the result is disposed. Null: all of the key's are taken.</summary>
    public IDisposable? Take(string key)
    {
        lock (_lock)
        {
            var taken = _taken.GetValueOrDefault(key);
            if (taken >= most)
                return null;
            _taken[key] = taken + 1;
            return new Place(this, key);
        }
    }

    private void Leave(string key)
    {
        lock (_lock)
        {
            if (--_taken[key] == 0)
                _taken.Remove(key);
        }
    }

    private sealed class Place(Places places, string key) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
                places.Leave(key);
        }
    }
}
