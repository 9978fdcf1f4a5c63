using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Warp.Node.Cli.Ctl;
using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary>
/// The <c>warp</c> command: reads arguments, loads the configuration that a command needs and hands over to <see cref="INodeCommands"/>.
/// Results go to standard output; errors go to standard error, one line each, beginning with <c>warp: </c>.
/// </summary>
public static class CommandLine
{
    private const string BenchName = "bench";

    /// <summary>Runs one command.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="commands">What the commands do.</param>
    /// <param name="surroundings">Where output goes and where the environment comes from.</param>
    /// <param name="cancellationToken">Tells a running command to stop.</param>
    /// <returns>An <see cref="ExitCode"/>; nothing is thrown.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> args, INodeCommands commands, CommandSurroundings surroundings, CancellationToken cancellationToken)
    {
        try
        {
            var parsed = Root(commands, surroundings, args is [string first, ..] ? first : null).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is ParseErrorAction)
                return Fail(surroundings, ExitCode.Unusable, [UsageError(parsed)]);
            var invocation = new InvocationConfiguration
            {
                Output = surroundings.Output,
                Error = surroundings.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(invocation, cancellationToken);
        }
        catch (ConfigurationException e)
        {
            return Fail(surroundings, ExitCode.Unusable, e.Problems.Select(problem => problem.Line));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCode.Ok;
        }
        catch (Exception e)
        {
            return Fail(surroundings, ExitCode.Failed, [e.Message]);
        }
    }

    private static RootCommand Root(INodeCommands commands, CommandSurroundings surroundings, string? firstWord)
    {
        var settings = new SettingOptions(surroundings.Environment);
        var ctlSettings = new SettingOptions(surroundings.Environment);
        var help = new Dictionary<Command, string>();
        var root = new RootCommand("Warp, an Apache Kafka compatible broker that keeps its records in object storage.")
        {
            Node(commands, settings, help),
            Playground(commands, settings, help),
            Demo(commands, settings, help),
            Bench(commands, isCalled: firstWord == BenchName, help),
            Inspect(commands, help),
            Store(commands, settings, help),
            Compaction(commands, settings, help),
            CtlCommands.Create(commands, ctlSettings, surroundings, help),
            Config(surroundings, settings, help),
            Version(surroundings, help),
        };
        help[root] = "warp demo --for 30s";
        var helpOption = root.Options.OfType<HelpOption>().Single();
        helpOption.Action = new HelpWithExample((HelpAction)helpOption.Action!, help);
        root.Options.Remove(root.Options.OfType<VersionOption>().Single());
        return root;
    }

    private static Command Node(INodeCommands commands, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var command = new Command("node", "Run a node until it is stopped (SIGTERM or Ctrl+C drains it).") { settings.Files, settings.Set };
        command.SetAction((parsed, cancellation) => commands.RunNodeAsync(settings.Load(parsed).Options, cancellation));
        examples[command] = "warp node -c warp.conf --set warp.kafka.listen=0.0.0.0:9092";
        return command;
    }

    private static Command Playground(INodeCommands commands, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var directory = new Option<string?>("--dir") { Description = "Keep the data in this folder instead of a temporary one.", HelpName = "folder" };
        var command = new Command("playground", "Run a node for trying things out, on 127.0.0.1:9092 and a temporary folder; it ends after 24 hours.")
        {
            directory,
            settings.Set,
        };
        command.SetAction((parsed, cancellation) => commands.RunPlaygroundAsync(
            PlaygroundPresets.Load(settings, parsed, parsed.GetValue(directory), PlaygroundPresets.FixedPort), cancellation));
        examples[command] = "warp playground --dir ./try";
        return command;
    }

    private static Command Demo(INodeCommands commands, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var duration = new Option<TimeSpan?>("--for")
        {
            Description = "End by itself after this time, such as 30s or 5min.",
            HelpName = "duration",
            CustomParser = argument =>
            {
                if (Units.TryParseDuration(argument.Tokens[0].Value, out var value) && value > TimeSpan.Zero)
                    return value;
                argument.AddError($"--for {argument.Tokens[0].Value} is not a duration such as 30s or 5min");
                return null;
            },
        };
        var command = new Command("demo", "Run a playground on a free port with a live producer and consumer, and show rates and latencies.")
        {
            duration,
            settings.Set,
        };
        command.SetAction((parsed, cancellation) => commands.RunDemoAsync(
            new DemoArguments(PlaygroundPresets.Load(settings, parsed, null, PlaygroundPresets.AnyPort), parsed.GetValue(duration)), cancellation));
        examples[command] = "warp demo --for 30s";
        return command;
    }

    private static Command Bench(INodeCommands commands, bool isCalled, Dictionary<Command, string> examples)
    {
        var command = new Command(
            BenchName,
            "Put a load on a running broker, of any make, and print throughput and latencies; of a Warp node also what the load cost it. "
                + "Exits with 1 if requests were refused or not answered.");
        examples[command] = "warp bench --bootstrap 127.0.0.1:9092 --metrics http://127.0.0.1:9644 --producers 4 --consumers 1 --rate-mb 20";
        // A node that starts has better things to do than to make two dozen options.
        if (!isCalled)
            return command;
        var options = new LoadOptions();
        options.Bootstrap.Required = true;
        var json = new Option<bool>("--json") { Description = "Print one JSON document, for programs." };
        foreach (Option option in options.All.Append(json))
            command.Add(option);
        command.SetAction((parsed, cancellation) => commands.BenchAsync(
            new BenchArguments(
                parsed.GetRequiredValue(options.Bootstrap)!, parsed.GetValue(options.Metrics), options.Plan(parsed), parsed.GetValue(json)),
            cancellation));
        return command;
    }

    private static Command Inspect(INodeCommands commands, Dictionary<Command, string> examples)
    {
        var path = new Argument<string>("object") { Description = "The file of the object." };
        var command = new Command("inspect", "Print an object of the store as JSON.") { path };
        command.SetAction((parsed, cancellation) => commands.InspectAsync(parsed.GetRequiredValue(path), cancellation));
        examples[command] = "warp inspect warp-data/objects/l0/3f/01JD0XQ9S3V7M2K8T5W6Y4Z1AB";
        return command;
    }

    private static Command Store(INodeCommands commands, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var json = new Option<bool>("--json") { Description = "Print one JSON document, for programs." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only print what would be deleted, and why; change nothing." };
        var verify = new Command(
            "verify",
            "Read the whole store and compare it with the journal: missing and damaged objects, wrong checksums, objects that nothing refers to. "
                + "Changes nothing. Prints a line for each fault and exits with 1 if there is one. Stop the node first.")
        {
            settings.Files,
            settings.Set,
            json,
        };
        verify.SetAction((parsed, cancellation) => commands.VerifyStoreAsync(settings.Load(parsed).Options, parsed.GetValue(json), cancellation));
        examples[verify] = "warp store verify -c warp.conf";
        var collect = new Command(
            "gc",
            "Delete from the store what nothing needs any more, by the same rules as a running node (collection-grace and the others of "
                + "warp.timing). Prints a line for each object. Stop the node first.")
        {
            settings.Files,
            settings.Set,
            dryRun,
            json,
        };
        collect.SetAction((parsed, cancellation) => commands.CollectStoreAsync(
            settings.Load(parsed).Options, parsed.GetValue(dryRun), parsed.GetValue(json), cancellation));
        examples[collect] = "warp store gc -c warp.conf --dry-run";
        var repair = new Command(
            "repair",
            "Give the stores of a quorum (warp.store.url = quorum:…) what they have missed while they were away. Whether nodes run does not matter; "
                + "they do it by themselves, too, every 4 x collection-grace. Exits with 1 if something could not be copied.")
        {
            settings.Files,
            settings.Set,
            json,
        };
        repair.SetAction((parsed, cancellation) => commands.RepairStoreAsync(settings.Load(parsed).Options, parsed.GetValue(json), cancellation));
        examples[repair] = "warp store repair -c warp.conf";
        var command = new Command(
            "store",
            "Look after the object store of nodes that are stopped: verify it, collect its garbage, or repair a quorum. `warp ctl store` does it "
                + "while they run.")
        {
            verify,
            collect,
            repair,
        };
        examples[command] = "warp store verify -c warp.conf";
        return command;
    }

    private static Command Compaction(INodeCommands commands, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var command = new Command("compaction", "See or steer the compaction of a running node on this machine.")
        {
            Verb("show", "Print how it goes, as JSON.", CompactionVerb.Show),
            Verb("run", "Look for objects to merge now, and merge even what gains little.", CompactionVerb.Run),
            Verb("pause", "Begin no more merges; those under way go on.", CompactionVerb.Pause),
            Verb("resume", "Begin merges again.", CompactionVerb.Resume),
        };
        examples[command] = "warp compaction show";
        return command;

        Command Verb(string name, string description, CompactionVerb verb)
        {
            var sub = new Command(name, description) { settings.Files, settings.Set };
            sub.SetAction((parsed, cancellation) => commands.CompactionAsync(verb, settings.Load(parsed).Options.Http.Listen, cancellation));
            examples[sub] = $"warp compaction {name} --set warp.http.listen=127.0.0.1:9644";
            return sub;
        }
    }

    private static Command Config(CommandSurroundings surroundings, SettingOptions settings, Dictionary<Command, string> examples)
    {
        var reference = new Option<bool>("--reference") { Description = "Print reference.conf instead: every key, its default and what it means." };
        var command = new Command("config", "Check the configuration; print every value in force and where it comes from.")
        {
            settings.Files,
            settings.Set,
            reference,
        };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(reference))
                surroundings.Output.Write(ReferenceConfiguration.Text);
            else
                ConfigurationPrinter.Print(settings.Load(parsed), surroundings.Output);
            return ExitCode.Ok;
        });
        examples[command] = "warp config -c warp.conf";
        return command;
    }

    private static Command Version(CommandSurroundings surroundings, Dictionary<Command, string> examples)
    {
        var command = new Command("version", "Print the version.");
        command.SetAction(_ =>
        {
            surroundings.Output.WriteLine(ProductVersion.Line);
            return ExitCode.Ok;
        });
        examples[command] = "warp version";
        return command;
    }

    /// <summary>The first thing that is wrong; a word that was not understood comes before what may be missing because of it.</summary>
    private static string UsageError(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var path = new Stack<string>();
        for (var result = parsed.CommandResult; result.Command is not RootCommand; result = (CommandResult)result.Parent!)
            path.Push(result.Command.Name);
        var help = string.Join(' ', ["warp", .. path, "--help"]);
        if (parsed.UnmatchedTokens.Count == 0)
            return $"{parsed.Errors[0].Message.TrimEnd('.')} ({help} shows how)";
        var word = parsed.UnmatchedTokens[0];
        var inherited = new List<Option>();
        for (var result = parsed.CommandResult.Parent; result is CommandResult parent; result = parent.Parent)
            inherited.AddRange(parent.Command.Options.Where(option => option.Recursive));
        var known = command.Subcommands.Select(subcommand => subcommand.Name)
            .Concat(command.Options.Concat(inherited).Select(option => option.Name));
        var nearest = Spelling.Nearest(word, known);
        return $"unknown argument {word} ({(nearest is null ? $"{help} shows how" : $"did you mean {nearest}?")})";
    }

    private static int Fail(CommandSurroundings surroundings, int exitCode, IEnumerable<string> lines)
    {
        foreach (var line in lines)
            surroundings.Error.WriteLine($"warp: {line.ReplaceLineEndings(" ")}");
        return exitCode;
    }
}
