using System.Net;

namespace Berth.Server.Tests.Proxy;

/// <summary>A large body that is made while it is sent.</summary>
public sealed class Produced(long size, Action<byte[], long> fill) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        var block = new byte[64 * 1024];
        for (long at = 0; at < size; at += block.Length)
        {
            fill(block, at);
            await stream.WriteAsync(block);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = size;
        return true;
    }
}
