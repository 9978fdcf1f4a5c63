using System.Security.Cryptography;
using Warp.Streams.Objects.AzureBlobs;
using Warp.Streams.Objects.Faults;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Objects.S3;

namespace Warp.Streams.Objects;

/// <summary>Opens object stores by their URLs.</summary>
public static class ObjectStores
{
    /// <summary>Opens a store as it is: without retries, deadlines and whatever else can be wrapped around it.</summary>
    /// <param name="url">One of <see cref="StoreUrl.Forms"/>.</param>
    /// <param name="clock">Dates the objects of stores that have no clock of their own, and times faults.</param>
    /// <exception cref="ArgumentException">The URL is none of a store that is known; the message lists those.</exception>
    /// <exception cref="ObjectStoreException">The store cannot be opened.</exception>
    public static IObjectStore Open(string url, TimeProvider clock) => Open(StoreUrl.Parse(url), clock);

    /// <inheritdoc cref="Open(string, TimeProvider)"/>
    public static IObjectStore Open(StoreUrl url, TimeProvider clock) => url switch
    {
        StoreUrl.Memory => new MemoryObjectStore(clock),
        StoreUrl.Folder folder => DirectoryObjectStore.Open(folder.Path),
        StoreUrl.S3 s3 => S3ObjectStore.Open(s3.Settings),
        StoreUrl.AzureBlob azure => AzureBlobObjectStore.Open(azure.Settings),
        StoreUrl.Fault fault => new FaultObjectStore(Open(fault.Inner, clock), fault.Plan, clock),
        StoreUrl.Quorum quorum => new QuorumObjectStore(
            [.. quorum.Stores.Select(store => Open(store, clock))],
            QuorumObjectStore.DefaultGrace,
            new HedgeBudget(0),
            clock,
            new Random(RandomNumberGenerator.GetInt32(int.MaxValue))),
        _ => throw new ArgumentOutOfRangeException(nameof(url)),
    };

    /// <summary>How many bytes the pieces have together.</summary>
    internal static long LengthOf(IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        long length = 0;
        for (int i = 0; i < content.Count; i++)
            length += content[i].Length;
        return length;
    }

    /// <summary>Keeps <see cref="IObjectStore.GetAsync"/> to small objects.</summary>
    internal static void RequireSmall(IObjectStore store, string key, long size)
    {
        if (size > IObjectStore.WholeObjectLimit)
            throw new ObjectStoreException(
                store.Description,
                key,
                $"It has {size} bytes, too many to be read whole (at most {IObjectStore.WholeObjectLimit}). Read it in ranges.",
                isTransient: false);
    }
}
