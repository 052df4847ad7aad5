namespace Berth.Cli.Quick;

/// <summary>
/// A pass over JSON that the local server wrote. It only finds its way: what it does not know, and every string that is
/// wanted and has an escape in it, ends the quick way (<see cref="FormatException"/>), and the ordinary one reads it.
/// </summary>
internal ref struct JsonScan(ReadOnlySpan<byte> json)
{
    private readonly ReadOnlySpan<byte> _json = json;
    private int _at;

    /// <summary>Into an array or object.</summary>
    public void Enter(byte bracket)
    {
        if (Next() != bracket)
            throw new FormatException();
        _at++;
    }

    /// <summary>Past a comma to the next element; false: past the closing bracket.</summary>
    public bool More(byte bracket)
    {
        var next = Next();
        if (next == ',')
        {
            _at++;
            return true;
        }
        if (next != bracket)
            return true;
        _at++;
        return false;
    }

    /// <summary>The name of a property, without its quotes, and past the colon.</summary>
    public ReadOnlySpan<byte> Name()
    {
        var name = Text();
        Enter((byte)':');
        return name;
    }

    /// <summary>A string as it is in the JSON; null is empty.</summary>
    public ReadOnlySpan<byte> Text()
    {
        if (Next() == 'n')
        {
            Skip();
            return default;
        }
        Enter((byte)'"');
        var start = _at;
        while (At() is not (byte)'"' and var c)
        {
            if (c == '\\')
                throw new FormatException();
            _at++;
        }
        return _json[start.._at++];
    }

    /// <summary>Past a value of any kind.</summary>
    public void Skip()
    {
        var depth = 0;
        Next();
        do
        {
            var c = At();
            if (c is (byte)'"')
                SkipString();
            else if (c is (byte)'{' or (byte)'[')
                depth++;
            else if (c is (byte)'}' or (byte)']')
                depth--;
            _at++;
        }
        while (depth > 0 || At() is not ((byte)',' or (byte)'}' or (byte)']'));
    }

    private void SkipString()
    {
        _at++;
        while (At() is not (byte)'"' and var c)
            _at += c == '\\' ? 2 : 1;
    }

    private byte Next()
    {
        while (At() is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
            _at++;
        return At();
    }

    private readonly byte At() => _at < _json.Length ? _json[_at] : throw new FormatException();
}
