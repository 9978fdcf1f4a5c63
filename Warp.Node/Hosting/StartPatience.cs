using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Node.Configuration;

namespace Warp.Node.Hosting;

/// <summary>
/// What a node that starts does about a journal that cannot be used: it waits where that may help, since then nobody has to start it again, and
/// gives up at once where only a change of its configuration would.
/// </summary>
/// <param name="wait">How long altogether (<c>warp.journal.wait</c>).</param>
/// <param name="time">The clock.</param>
/// <param name="random">Spreads the attempts of many nodes.</param>
/// <param name="log">Says what is waited for.</param>
internal sealed class StartPatience(TimeSpan wait, TimeProvider time, Random random, ILogger log)
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);

    private readonly long _startedAt = time.GetTimestamp();
    private readonly Backoff _backoff = new(s_firstPause, s_longestPause, random);

    /// <summary>Does it, again and again while the journal says that this may help.</summary>
    /// <exception cref="ConfigurationException">It does not help, or has not for so long.</exception>
    public async Task<T> RunAsync<T>(Func<Task<T>> action, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await action();
            }
            catch (JournalException error)
            {
                TimeSpan left = wait - time.GetElapsedTime(_startedAt);
                if (!error.IsTransient || left <= TimeSpan.Zero)
                    throw new ConfigurationException(error.Message);
                NodeLog.JournalAwaited(log, error.Message, (int)left.TotalSeconds);
            }
            await Task.Delay(_backoff.Next(), time, cancellationToken);
        }
    }
}
