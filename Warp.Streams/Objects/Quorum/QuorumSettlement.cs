using System.Security.Cryptography;

namespace Warp.Streams.Objects.Quorum;

/// <summary>
/// Sees to it that one object wins when stores of a quorum have different ones under a key, because several writers put at once or one of
/// them died. Made for one put that did not find a majority free.
/// </summary>
/// <remarks>
/// The rules, which keep two writers from both hearing that they stored:
/// <list type="number">
/// <item>Whose bytes a majority has, has won. Copies that differ from a majority's are replaced, as no other can win any more.</item>
/// <item>Without a majority, the first store that answers decides: its object shall win. A writer whose object it is waits for the others
/// to yield; every other writer deletes the copies with its own bytes, and nobody else's, and puts the deciding object in their place and
/// where there is none.</item>
/// <item>A writer hears that it stored only when it has seen a majority with its bytes.</item>
/// </list>
/// A writer that dies before it has yielded, while another store is down, can leave a key on which no majority agrees. Puts then fail, as
/// errors that may pass, until the store is back. Keys of record objects have one writer, so this concerns a cluster's identity alone.
/// </remarks>
internal sealed class QuorumSettlement(
    IReadOnlyList<IObjectStore> stores,
    string description,
    string key,
    IReadOnlyList<ReadOnlyMemory<byte>> content,
    TimeProvider time,
    Random random)
{
    private const int MaxRounds = 20;

    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(50);

    private readonly string _mine = DigestOf(content);

    private int Majority => stores.Count / 2 + 1;

    /// <param name="hasStored">Whether some store has taken this put.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ObjectStoreException">No majority agrees, or too few stores answer.</exception>
    public async Task<PutOutcome> SettleAsync(bool hasStored, CancellationToken cancellationToken)
    {
        for (int round = 0; round < MaxRounds; round++)
        {
            Copy[] copies = await Task.WhenAll(stores.Select(store => LookAsync(store, cancellationToken)));
            if (Winner(copies) is { } winner)
            {
                await ReplaceAsync(copies, winner, static copy => copy.Digest is not null, cancellationToken);
                return winner.Digest == _mine && hasStored ? PutOutcome.Stored : PutOutcome.AlreadyExists;
            }
            if (copies.Count(static copy => copy.Answers) >= Majority)
            {
                // Without any copy, the others have yielded or the object was deleted.
                Copy decider = Array.Find(copies, static copy => copy.Digest is not null) ?? new Copy(true, _mine, Flatten());
                if (decider.Digest != _mine)
                    await ReplaceAsync(copies, decider, copy => copy.Digest == _mine, cancellationToken);
                bool hasFilled = await FillAsync(copies, decider, cancellationToken);
                hasStored |= hasFilled && decider.Digest == _mine;
            }
            await Task.Delay(s_longestPause * NextDouble(), time, cancellationToken);
        }
        throw new ObjectStoreException(
            description,
            key,
            "The stores have different objects under this key, and no majority agrees. Try again when all of them answer.",
            isTransient: true);
    }

    /// <summary>The object that a majority has.</summary>
    private Copy? Winner(Copy[] copies) => Array.Find(
        copies, copy => copy.Digest is not null && copies.Count(other => other.Digest == copy.Digest) >= Majority);

    private async Task<Copy> LookAsync(IObjectStore store, CancellationToken cancellationToken)
    {
        try
        {
            byte[] bytes = await store.GetAsync(key, cancellationToken);
            return new Copy(true, DigestOf([bytes]), bytes);
        }
        catch (ObjectNotFoundException)
        {
            return new Copy(true, null, []);
        }
        catch (ObjectStoreException)
        {
            return new Copy(false, null, []);
        }
    }

    /// <summary>Puts an object where there is none.</summary>
    private async Task<bool> FillAsync(Copy[] copies, Copy wanted, CancellationToken cancellationToken)
    {
        bool hasStored = false;
        for (int i = 0; i < copies.Length; i++)
        {
            if (copies[i] is { Answers: true, Digest: null })
                hasStored |= await TryPutAsync(stores[i], wanted, cancellationToken);
        }
        return hasStored;
    }

    /// <summary>Puts an object in the place of others.</summary>
    private async Task ReplaceAsync(Copy[] copies, Copy wanted, Func<Copy, bool> isMeant, CancellationToken cancellationToken)
    {
        for (int i = 0; i < copies.Length; i++)
        {
            if (copies[i].Digest == wanted.Digest || !isMeant(copies[i]))
                continue;
            try
            {
                await stores[i].DeleteAsync([key], cancellationToken);
                await TryPutAsync(stores[i], wanted, cancellationToken);
            }
            catch (ObjectStoreException)
            {
                // It is looked at again.
            }
        }
    }

    private async Task<bool> TryPutAsync(IObjectStore store, Copy wanted, CancellationToken cancellationToken)
    {
        try
        {
            return await store.PutAsync(key, [wanted.Bytes], cancellationToken) == PutOutcome.Stored;
        }
        catch (ObjectStoreException)
        {
            return false;
        }
    }

    private double NextDouble()
    {
        lock (random)
            return random.NextDouble();
    }

    private byte[] Flatten()
    {
        var bytes = new byte[ObjectStores.LengthOf(content)];
        using var stream = new PieceStream(content);
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static string DigestOf(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ReadOnlyMemory<byte> piece in pieces)
            hash.AppendData(piece.Span);
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>What a store has under the key.</summary>
    /// <param name="Answers">Whether it could be asked.</param>
    /// <param name="Digest">The object's SHA-256; null if there is none.</param>
    /// <param name="Bytes">The object.</param>
    private sealed record Copy(bool Answers, string? Digest, byte[] Bytes);
}
