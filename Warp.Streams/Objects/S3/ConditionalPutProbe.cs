using System.Net;
using System.Security.Cryptography;
using Amazon.S3;

namespace Warp.Streams.Objects.S3;

/// <summary>Finds out, once, whether a server refuses to put an object over another when it is asked to. Thread-safe.</summary>
/// <param name="known">The answer, when somebody has given it.</param>
/// <param name="put">Puts an object, conditionally or not.</param>
/// <param name="delete">Deletes it.</param>
internal sealed class ConditionalPutProbe(
    bool? known,
    Func<string, IReadOnlyList<ReadOnlyMemory<byte>>, bool, CancellationToken, Task<PutOutcome>> put,
    Func<string, CancellationToken, Task> delete) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1);
    private volatile object? _answer = known;

    /// <summary>Whether conditional puts work. The first call asks the server; one that failed leaves it to the next.</summary>
    public async Task<bool> WorksAsync(CancellationToken cancellationToken)
    {
        if (_answer is bool answer)
            return answer;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _answer ??= await AskAsync(cancellationToken);
            return (bool)_answer;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private async Task<bool> AskAsync(CancellationToken cancellationToken)
    {
        // Nobody else may have this key, whatever runs beside.
        string key = "warp/probe/" + RandomNumberGenerator.GetHexString(32);
        try
        {
            await put(key, [], true, cancellationToken);
            PutOutcome second = await put(key, [], true, cancellationToken);
            await delete(key, cancellationToken);
            return second == PutOutcome.AlreadyExists;
        }
        catch (AmazonS3Exception e)
            when (e.StatusCode is HttpStatusCode.NotImplemented || e.ErrorCode is "NotImplemented" or "InvalidArgument")
        {
            return false;
        }
    }
}
