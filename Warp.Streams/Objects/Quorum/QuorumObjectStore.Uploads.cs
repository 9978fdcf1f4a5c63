namespace Warp.Streams.Objects.Quorum;

public sealed partial class QuorumObjectStore
{
    public async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        Task<IMultipartUpload>[] starts = [.. _stores.Select(store => store.StartUploadAsync(key, cancellationToken))];
        await Task.WhenAny(Task.WhenAll(starts));
        var upload = new Upload(
            this, key, [.. starts.Where(static start => start.IsCompletedSuccessfully).Select(static start => start.Result)]);
        if (upload.Parts >= Majority)
            return upload;
        await upload.DisposeAsync();
        cancellationToken.ThrowIfCancellationRequested();
        throw TooFew(key, starts);
    }

    /// <summary>Aborts them in every store.</summary>
    /// <returns>How many there were in the store that had most.</returns>
    public async Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        Task<int>[] aborts = [.. _stores.Select(store => store.AbortUploadsAsync(prefix, startedBefore, cancellationToken))];
        await Task.WhenAny(Task.WhenAll(aborts));
        cancellationToken.ThrowIfCancellationRequested();
        return aborts.Count(static abort => abort.IsCompletedSuccessfully) >= Majority
            ? aborts.Max(static abort => abort.IsCompletedSuccessfully ? abort.Result : 0)
            : throw TooFew(null, aborts);
    }

    /// <summary>An upload to all stores at once. A store that fails is left out from then on, as long as a majority goes on.</summary>
    private sealed class Upload(QuorumObjectStore quorum, string key, List<IMultipartUpload> uploads) : IMultipartUpload
    {
        /// <summary>Which have the part that is being appended; a repeated call spares them.</summary>
        private readonly HashSet<IMultipartUpload> _done = [];

        public string Key => key;

        /// <summary>In how many stores it is under way.</summary>
        public int Parts => uploads.Count;

        public async Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken)
        {
            IMultipartUpload[] left = [.. uploads.Where(upload => !_done.Contains(upload))];
            Task[] appends = [.. left.Select(upload => upload.AppendAsync(part, cancellationToken))];
            await Task.WhenAny(Task.WhenAll(appends));
            _done.UnionWith(left.Where((_, i) => appends[i].IsCompletedSuccessfully));
            cancellationToken.ThrowIfCancellationRequested();
            if (_done.Count < quorum.Majority)
                throw FailureOf(appends);
            foreach (IMultipartUpload failed in uploads.Where(upload => !_done.Contains(upload)).ToList())
            {
                uploads.Remove(failed);
                await failed.DisposeAsync();
            }
            _done.Clear();
        }

        /// <summary>Multipart objects have keys of their own; if a store has another object under the key, the key was not free.</summary>
        public async Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken)
        {
            Task<PutOutcome>[] completions = [.. uploads.Select(upload => upload.CompleteAsync(cancellationToken))];
            await Task.WhenAny(Task.WhenAll(completions));
            cancellationToken.ThrowIfCancellationRequested();
            if (completions.Count(static completion => completion.IsCompletedSuccessfully) < quorum.Majority)
                throw FailureOf(completions);
            return completions.Any(static completion => completion is { IsCompletedSuccessfully: true, Result: PutOutcome.AlreadyExists })
                ? PutOutcome.AlreadyExists
                : PutOutcome.Stored;
        }

        public Task AbortAsync(CancellationToken cancellationToken) =>
            Task.WhenAll(uploads.Select(upload => upload.AbortAsync(cancellationToken)));

        public async ValueTask DisposeAsync()
        {
            foreach (IMultipartUpload upload in uploads)
                await upload.DisposeAsync();
        }

        /// <summary>A wrong use of the upload is what all of them complain about.</summary>
        private Exception FailureOf(Task[] requests)
        {
            Exception first = requests.First(static request => request.IsFaulted).Exception!.InnerException!;
            return first is ObjectStoreException ? quorum.TooFew(key, requests) : first;
        }
    }
}
