using System.CommandLine;
using Warp.Bench.Broker;
using Warp.Load.Broker;
using Warp.Node.Cli;
using Warp.Node.Configuration;

namespace Warp.Bench.Cli;

/// <summary>The command line's options of the broker that gets a load: one of its own, unless a running one is named.</summary>
/// <param name="load">Name the running one.</param>
internal sealed class BrokerOptions(LoadOptions load)
{
    private readonly Option<string?> _broker =
        new("--broker") { Description = "self (or nothing) starts a broker of its own, in a temporary folder." };

    private readonly Option<string[]?> _set =
        new("--set") { Description = "A setting of the own broker, as key=value; {folder} in it is its folder." };

    private readonly Option<string[]?> _env =
        new("--env") { Description = "A variable of the own broker's environment, as name=value." };

    private readonly Option<string?> _folder = new("--folder") { Description = "Where the own broker's temporary folder is made." };

    public IReadOnlyList<Option> All => [_broker, _set, _env, _folder];

    /// <summary>The broker, which the caller disposes.</summary>
    /// <exception cref="ArgumentException">Both ways to get one were given, or none that is known.</exception>
    public async Task<IBroker> BrokerAsync(ParseResult parsed)
    {
        string? broker = parsed.GetValue(_broker);
        HostPort? bootstrap = parsed.GetValue(load.Bootstrap);
        if (bootstrap is not null && broker is null)
            return new RunningBroker(bootstrap.EndPoint, parsed.GetValue(load.Metrics));
        if (bootstrap is not null || broker is not (null or "self"))
            throw new ArgumentException("either --broker self or --bootstrap host:port");
        return await BrokerProcess.StartAsync(new BrokerSetup
        {
            Settings = parsed.GetValue(_set) ?? [],
            Environment = parsed.GetValue(_env) ?? [],
            Parent = parsed.GetValue(_folder),
        });
    }
}
