using Warp.Node.Cli.Ctl;
using Xunit;

namespace Warp.Specs.Node.Cli.Ctl;

/// <summary>What keys do at the prompt.</summary>
public sealed class LineEditorSpec
{
    private readonly StringWriter _output = new();
    private readonly CtlHistory _history = new(file: null);

    [Fact]
    public async Task What_is_typed_is_the_line() => Assert.Equal("cluster show", await ReadAsync("cluster show\n"));

    [Theory]
    [InlineData("clu\tsh\t\n", "cluster show ")]
    [InlineData("sing\t\t\n", "singletons show ")]
    [InlineData("cluster drain \t\n", "cluster drain ")]
    [InlineData("cluster drain 1\t\n", "cluster drain 17 ")]
    [InlineData("topics or\t\n", "topics orders-")]
    [InlineData("topics orders-b\t\n", "topics orders-b ")]
    [InlineData("store gc --d\t\n", "store gc --dry-run ")]
    [InlineData("help comp\tpa\t\n", "help compaction pause ")]
    [InlineData("nonsense \t\n", "nonsense ")]
    public async Task Tab_completes_as_far_as_there_is_no_choice(string keys, string line) => Assert.Equal(line, await ReadAsync(keys));

    [Fact]
    public async Task Where_there_is_a_choice_tab_shows_it()
    {
        await ReadAsync("cluster \t\n");
        Assert.Contains("down  drain  leave  show  undrain", _output.ToString());
    }

    [Fact]
    public async Task Keys_move_and_erase()
    {
        Assert.Equal("abXc", await ReadAsync([.. Keys("abc"), Key(ConsoleKey.LeftArrow), .. Keys("X"), Key(ConsoleKey.Enter)]));
        Assert.Equal("Xabc", await ReadAsync([.. Keys("abc"), Key(ConsoleKey.Home), .. Keys("X"), Key(ConsoleKey.Enter)]));
        Assert.Equal("aX", await ReadAsync([.. Keys("abX"), Key(ConsoleKey.LeftArrow), Key(ConsoleKey.Backspace), Key(ConsoleKey.Enter)]));
        Assert.Equal("bc", await ReadAsync([.. Keys("abc"), Key(ConsoleKey.Home), Key(ConsoleKey.Delete), Key(ConsoleKey.Enter)]));
        Assert.Equal("new", await ReadAsync([.. Keys("old"), Control(ConsoleKey.C), .. Keys("new"), Key(ConsoleKey.Enter)]));
        Assert.Equal("c", await ReadAsync([.. Keys("abc"), Key(ConsoleKey.LeftArrow), Control(ConsoleKey.U), Key(ConsoleKey.Enter)]));
    }

    [Fact]
    public async Task The_history_goes_back_and_forth_and_keeps_what_was_begun()
    {
        await ReadAsync("first\n");
        await ReadAsync("second\n");
        ConsoleKeyInfo up = Key(ConsoleKey.UpArrow);
        ConsoleKeyInfo down = Key(ConsoleKey.DownArrow);
        Assert.Equal("first", await ReadAsync([up, up, up, Key(ConsoleKey.Enter)]));
        Assert.Equal("begun", await ReadAsync([.. Keys("begun"), up, up, down, down, down, Key(ConsoleKey.Enter)]));
        Assert.Equal(["first", "second", "first", "begun"], _history.Lines);
    }

    [Fact]
    public async Task Control_D_in_an_empty_line_is_the_end()
    {
        Assert.Null(await ReadAsync([Control(ConsoleKey.D)]));
        Assert.Equal("b", await ReadAsync([.. Keys("ab"), Key(ConsoleKey.Home), Control(ConsoleKey.D), Key(ConsoleKey.Enter)]));
    }

    [Fact]
    public async Task A_line_that_is_longer_than_the_terminal_is_seen_around_the_cursor()
    {
        string line = new('x', 100);
        Assert.Equal(line, await ReadAsync($"{line}\n"));
        Assert.All(_output.ToString().Split('\r'), static drawn => Assert.InRange(drawn.Replace("\x1b[K", "").Length, 0, 40));
    }

    [Fact]
    public void The_history_is_kept_in_a_file_and_repetitions_are_not()
    {
        string file = Path.Combine(Path.GetTempPath(), $"warp-specs-{Guid.NewGuid():n}", "ctl_history");
        var history = new CtlHistory(file);
        foreach (string line in (string[])["a", "a", " ", "b"])
            history.Add(line);
        Assert.Equal(["a", "b"], new CtlHistory(file).Lines);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        Assert.Null(CtlHistory.FileOf(new Dictionary<string, string>()));
        Assert.Equal(Path.Combine("x", "warp", "ctl_history"), CtlHistory.FileOf(new Dictionary<string, string> { ["XDG_STATE_HOME"] = "x" }));
    }

    private static ConsoleKeyInfo Key(ConsoleKey key) => new('\0', key, shift: false, alt: false, control: false);

    private static ConsoleKeyInfo Control(ConsoleKey key) => new('\0', key, shift: false, alt: false, control: true);

    private static IEnumerable<ConsoleKeyInfo> Keys(string text) => text.Select(static c => c switch
    {
        '\n' => Key(ConsoleKey.Enter),
        '\t' => new ConsoleKeyInfo('\t', ConsoleKey.Tab, shift: false, alt: false, control: false),
        _ => new ConsoleKeyInfo(c, ConsoleKey.None, shift: false, alt: false, control: false),
    });

    private Task<string?> ReadAsync(string keys) => ReadAsync(Keys(keys));

    private Task<string?> ReadAsync(IEnumerable<ConsoleKeyInfo> keys)
    {
        var waiting = new Queue<ConsoleKeyInfo>(keys);
        var completer = new CtlCompleter(static (kind, _) => Task.FromResult<IReadOnlyList<string>>(kind switch
        {
            CtlArgumentKind.Node => ["17", "2", "self"],
            CtlArgumentKind.Topic => ["orders-a", "orders-b"],
            _ => [],
        }));
        return new LineEditor(waiting.Dequeue, static () => 40, _output, _history, completer).ReadAsync("warp> ", CancellationToken.None);
    }
}
