using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Warp.Node.Cli;

/// <summary>The usual help, and under it an example that can be copied.</summary>
internal sealed class HelpWithExample(HelpAction help, IReadOnlyDictionary<Command, string> examples) : SynchronousCommandLineAction
{
    /// <summary>Who asks for help is not told what else is wrong.</summary>
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var result = help.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        output.WriteLine("Example:");
        output.WriteLine($"  {examples[parseResult.CommandResult.Command]}");
        return result;
    }
}
