using System.CommandLine;
using System.Globalization;
using Warp.Node.Configuration;

namespace Warp.Node.Cli.Ctl;

/// <summary>Makes the command line of <c>warp ctl</c> from its palette.</summary>
internal static class CtlCommands
{
    /// <summary>The command, and all below it.</summary>
    /// <param name="commands">What they do.</param>
    /// <param name="settings">Where the configuration comes from.</param>
    /// <param name="surroundings">Where help goes.</param>
    /// <param name="examples">Gets an example for each.</param>
    public static Command Create(
        INodeCommands commands, SettingOptions settings, CommandSurroundings surroundings, Dictionary<Command, string> examples)
    {
        var node = new Option<HostPort?>("--node")
        {
            Description = "The node to talk to, by its HTTP address; not set: the one of this machine (warp.http.listen).",
            HelpName = "host:port",
            Recursive = true,
            CustomParser = static argument =>
            {
                if (HostPort.TryParse(argument.Tokens[0].Value, out HostPort? value))
                    return value;
                argument.AddError($"--node {argument.Tokens[0].Value} is not an address such as 127.0.0.1:9644");
                return null;
            },
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document, for programs.", Recursive = true };
        var root = new Command(
            "ctl",
            "Look after a running cluster through one of its nodes. Without a command: a prompt, with completion (Tab) and history. "
                + $"`warp ctl help` lists the commands. {CtlPalette.ExitCodes}")
        {
            node,
            json,
            settings.Files,
            settings.Set,
        };
        settings.Files.Recursive = settings.Set.Recursive = true;
        root.SetAction((parsed, cancellation) => commands.PromptAsync(NodeOf(parsed), cancellation));
        examples[root] = "warp ctl cluster show";
        root.Add(Help(surroundings, examples));
        var groups = new Dictionary<string, Command>();
        foreach (CtlVerb verb in CtlPalette.Verbs)
        {
            string[] words = verb.Words.Split(' ');
            Command parent = root;
            if (words.Length == 2)
            {
                if (!groups.TryGetValue(words[0], out Command? group))
                {
                    groups.Add(words[0], group = new Command(words[0], GroupSummary(words[0])));
                    root.Add(group);
                    examples[group] = verb.Example;
                }
                parent = group;
            }
            parent.Add(Leaf(words[^1], verb));
        }
        return root;

        HostPort NodeOf(ParseResult parsed) => parsed.GetValue(node) ?? settings.Load(parsed).Options.Http.Listen;

        Command Leaf(string name, CtlVerb verb)
        {
            var command = new Command(name, verb.Details.Length == 0 ? verb.Summary : $"{verb.Summary} {verb.Details}");
            Argument<string?>[] arguments = [.. verb.Arguments.Select(ArgumentOf)];
            foreach (Argument<string?> argument in arguments)
                command.Add(argument);
            Option<bool>[] flags =
                [.. verb.Flags.Select(static flag => new Option<bool>(flag.Key) { Description = flag.Value })];
            foreach (Option<bool> flag in flags)
                command.Add(flag);
            command.SetAction((parsed, cancellation) => commands.ControlAsync(
                new CtlCall(
                    NodeOf(parsed),
                    verb.Words,
                    [.. arguments.Select(argument => parsed.GetValue(argument)).OfType<string>()],
                    flags.Where(flag => parsed.GetValue(flag)).Select(static flag => flag.Name).ToHashSet(),
                    parsed.GetValue(json)),
                cancellation));
            examples[command] = verb.Example;
            return command;
        }
    }

    private static Argument<string?> ArgumentOf(CtlArgument argument)
    {
        var made = new Argument<string?>(argument.Name)
        {
            Description = argument.Kind switch
            {
                CtlArgumentKind.Node => "The node's number, as `cluster show` has it, or self for the node that is asked.",
                CtlArgumentKind.Shard => "The shard's number; a singleton has one, too (`singletons show`).",
                CtlArgumentKind.Topic => "A topic.",
                _ => "A consumer group.",
            },
            Arity = argument.IsOptional ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        };
        if (argument.Kind is CtlArgumentKind.Node or CtlArgumentKind.Shard)
        {
            made.Validators.Add(result =>
            {
                string word = result.Tokens.Count == 0 ? "" : result.Tokens[0].Value;
                bool isNumber = int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _);
                if (!isNumber && !(argument.Kind == CtlArgumentKind.Node && word == Control.ControlQuery.Self))
                    result.AddError($"{argument.Name} must be a number, not {word}");
            });
        }
        return made;
    }

    private static Command Help(CommandSurroundings surroundings, Dictionary<Command, string> examples)
    {
        var words = new Argument<string[]>("COMMAND") { Description = "A command, or its first word.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("help", "List the commands, or explain one.") { words };
        command.SetAction(parsed => CtlHelp.Write(parsed.GetValue(words) ?? [], surroundings));
        examples[command] = "warp ctl help cluster drain";
        return command;
    }

    private static string GroupSummary(string word) => word switch
    {
        "cluster" => "The nodes: see them, drain them, have them go.",
        "shards" => "The shards: see them, move them.",
        "singletons" => "The actors of which the cluster runs one.",
        "compaction" => "See or steer the merging of small objects.",
        "store" => "Verify the object store, collect its garbage, repair a quorum.",
        "journal" => "See the journal.",
        _ => throw new ArgumentOutOfRangeException(nameof(word), word, "A group of commands without a summary."),
    };
}
