using Warp.Specs.Clients.ConsumerGroups;
using Xunit.Runner.InProc.SystemConsole;

namespace Warp.Specs;

/// <summary>Runs the tests; or is one of the processes that they start, to be killed and paused.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args) =>
        args is [MemberProgram.Name, .. var rest] ? MemberProgram.Run(rest) : await ConsoleRunner.Run(args);
}
