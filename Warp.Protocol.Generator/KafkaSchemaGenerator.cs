using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Warp.Protocol.Generator;

/// <summary>
/// Compiles the schema files (*.kafka among the additional files) into message classes, one generated file a schema, and into the tables
/// that list them. It depends on nothing but these files, so editing C# never runs it again.
/// </summary>
[Generator]
public sealed class KafkaSchemaGenerator : IIncrementalGenerator
{
    private const string Extension = ".kafka";

    private static readonly DiagnosticDescriptor s_badSchema = new(
        "WARP0001", "Bad message schema", "{0}", "Warp.Protocol", DiagnosticSeverity.Error, isEnabledByDefault: true);

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var outputs = context.AdditionalTextsProvider
            .Where(static text => text.Path.EndsWith(Extension, StringComparison.Ordinal))
            .Select(static (text, cancel) => new Input(text.Path, text.GetText(cancel)?.ToString() ?? ""))
            .Collect()
            .SelectMany(static (inputs, cancel) => Compile(inputs, cancel));
        context.RegisterSourceOutput(outputs, static (production, output) => Report(production, output));
    }

    private static IReadOnlyList<Output> Compile(ImmutableArray<Input> inputs, CancellationToken cancel)
    {
        var files = new List<SchemaFile>();
        var outputs = new List<Output>();
        foreach (var input in inputs.OrderBy(static input => input.Path, StringComparer.Ordinal))
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                files.Add(SchemaParser.Parse(input.Path, input.Text));
            }
            catch (SchemaException error)
            {
                outputs.Add(Output.Failure(error));
            }
        }
        if (outputs.Count > 0)
            return outputs;
        try
        {
            SchemaResolver.Resolve(files);
        }
        catch (SchemaException error)
        {
            return [Output.Failure(error)];
        }
        foreach (var file in files)
            outputs.Add(Output.Source(file.Namespace + "." + Path.GetFileNameWithoutExtension(file.Path), CodecEmitter.Emit(file)));
        outputs.AddRange(TableEmitter.Emit(files).Select(static table => Output.Source(table.Name, table.Source)));
        return outputs;
    }

    private static void Report(SourceProductionContext production, Output output)
    {
        if (output.Error is null)
        {
            production.AddSource(output.Name + ".g.cs", SourceText.From(output.Text, Encoding.UTF8));
            return;
        }
        var position = new LinePosition(output.Line - 1, 0);
        var location = Location.Create(output.Name, default, new LinePositionSpan(position, position));
        production.ReportDiagnostic(Diagnostic.Create(s_badSchema, location, output.Error));
    }

    private sealed record Input(string Path, string Text);

    /// <summary>A generated file (name and text), or an error (path, line and what is wrong).</summary>
    private sealed record Output(string Name, string Text, int Line, string? Error)
    {
        public static Output Source(string name, string text) => new(name, text, 0, null);

        public static Output Failure(SchemaException error) => new(error.Path, "", error.Line, error.Message);
    }
}
