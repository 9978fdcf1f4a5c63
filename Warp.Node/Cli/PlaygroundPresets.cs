using System.CommandLine;

namespace Warp.Node.Cli;

/// <summary>What a playground has in the place of the defaults: local addresses and data in a folder of its own.</summary>
internal static class PlaygroundPresets
{
    /// <summary>Where a client looks first.</summary>
    public static readonly IReadOnlyList<string> FixedPort = ["warp.kafka.listen=127.0.0.1:9092"];

    /// <summary>Starts beside whatever else runs on the machine.</summary>
    public static readonly IReadOnlyList<string> AnyPort =
        ["warp.kafka.listen=127.0.0.1:0", "warp.http.listen=127.0.0.1:0", "warp.rpc.listen=127.0.0.1:0"];

    /// <summary>A playground in the folder, or in a temporary one that is yet to be created.</summary>
    public static PlaygroundArguments Load(SettingOptions settings, ParseResult parsed, string? directory, IReadOnlyList<string> addresses)
    {
        var folder = directory ?? Path.Combine(Path.GetTempPath(), $"warp-playground-{Path.GetRandomFileName()}");
        var configuration = settings.Load(
            parsed,
            [.. addresses, $"warp.journal.url=sqlite:{Path.Combine(folder, "journal.db")}", $"warp.store.url=file:{Path.Combine(folder, "objects")}"]);
        return new PlaygroundArguments(configuration.Options, folder, IsTemporary: directory is null);
    }
}
