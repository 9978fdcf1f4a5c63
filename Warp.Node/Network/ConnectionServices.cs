using Microsoft.Extensions.Logging;
using Warp.Node.Configuration;
using Warp.Node.Handlers;
using Warp.Node.Quotas;
using Warp.Protocol.Messages;

namespace Warp.Node.Network;

/// <summary>What all connections of a listener share.</summary>
internal sealed record ConnectionServices(
    ApiDispatcher Dispatcher,
    RequestThrottle? Throttle,
    LimitsOptions Limits,
    BufferBudget Records,
    BufferBudget Others,
    KafkaMetrics Metrics,
    TimeProvider Time,
    ILogger Log)
{
    /// <summary>
    /// Requests that bring records wait in a line of their own. While they fill their budget, consumers and administrators are served.
    /// </summary>
    public BufferBudget BudgetOf(ApiKey api) => api == ApiKey.Produce ? Records : Others;
}
