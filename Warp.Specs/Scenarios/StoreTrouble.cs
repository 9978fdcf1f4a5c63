using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What clients and the operator see of a store that works, then does not, then works again, under a node that runs.</summary>
public sealed class StoreTrouble
{
    private const string Topic = "troubled";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly WarpProcess _node;
    private readonly KafkaSocket _socket;

    private StoreTrouble(WarpProcess node, KafkaSocket socket) => (_node, _socket) = (node, socket);

    /// <summary>
    /// Asserts that produce is refused with an error that clients retry while the store does not work, that one line of the log says why,
    /// and that produce goes on afterwards, with the same process and on the same connection.
    /// </summary>
    /// <param name="node">That works so far.</param>
    /// <param name="breakIt">Makes the store fail.</param>
    /// <param name="mendIt">Makes it work again.</param>
    /// <param name="said">What the line says: the store, and what to do.</param>
    /// <returns>The line.</returns>
    public static async Task<string> AssertToldAndSurvivedAsync(WarpProcess node, Func<Task> breakIt, Func<Task> mendIt, params string[] said)
    {
        await Topics.CreateAsync(node, Topic, 1);
        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        var trouble = new StoreTrouble(node, socket);
        Assert.Equal(ErrorCode.None, await trouble.ProduceAsync());
        Assert.Empty(trouble.Complaints);

        await breakIt();
        Assert.Equal(ErrorCode.KafkaStorageError, await trouble.ProduceAsync());
        await Wait.UntilAsync(() => trouble.Complaints.Length > 0, _patience, "the reason in the log");
        string line = Assert.Single(trouble.Complaints);
        foreach (string part in said)
            Assert.Contains(part, line, StringComparison.Ordinal);
        Assert.Contains(", object ", line, StringComparison.Ordinal);
        Assert.Contains("l0/", line, StringComparison.Ordinal);

        await mendIt();
        await trouble.RecoverAsync();
        return line;
    }

    /// <summary>The lines of the log that an operator has to look at.</summary>
    private string[] Complaints =>
        [.. _node.Output.Split('\n').Where(static line => line.Contains(" warn: ") || line.Contains(" fail: ") || line.Contains(" crit: "))];

    private async Task<ErrorCode> ProduceAsync() =>
        (await Batches.ProduceAsync(_socket, Topic, Batches.Of("a record"))).ErrorCode;

    /// <summary>The circuit breaker may want a moment.</summary>
    private async Task RecoverAsync()
    {
        using var deadline = new CancellationTokenSource(_patience);
        while (await ProduceAsync() is var error && error != ErrorCode.None)
        {
            Assert.Equal(ErrorCode.KafkaStorageError, error);
            await Task.Delay(50, deadline.Token);
        }
    }
}
