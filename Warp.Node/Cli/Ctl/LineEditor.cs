using System.Text;

namespace Warp.Node.Cli.Ctl;

/// <summary>
/// Reads lines from a terminal key by key: with the cursor's keys, a history, and completion by Tab. What does not fit into the terminal's
/// width is seen in part.
/// </summary>
/// <param name="readKey">Waits for a key.</param>
/// <param name="width">The terminal's width in characters.</param>
/// <param name="output">The terminal, which knows ANSI's sequences.</param>
/// <param name="history">Gets each line.</param>
/// <param name="completer">Completes words.</param>
public sealed class LineEditor(
    Func<ConsoleKeyInfo> readKey, Func<int> width, TextWriter output, CtlHistory history, CtlCompleter completer)
{
    private const string EraseToEnd = "\x1b[K";
    private const string ClearScreen = "\x1b[2J\x1b[H";

    private readonly StringBuilder _line = new();
    private string _prompt = "";
    private int _cursor;

    /// <summary>Reads a line; null at the end (Ctrl+D in an empty line).</summary>
    public async Task<string?> ReadAsync(string prompt, CancellationToken cancellationToken)
    {
        (_prompt, _cursor) = (prompt, 0);
        _line.Clear();
        int place = history.Lines.Count;
        string draft = "";
        while (true)
        {
            Draw();
            ConsoleKeyInfo key = readKey();
            bool isControl = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    output.Write("\r\n");
                    history.Add(_line.ToString());
                    return _line.ToString();
                case ConsoleKey.D when isControl && _line.Length == 0:
                    output.Write("\r\n");
                    return null;
                case ConsoleKey.C when isControl:
                    output.Write("^C\r\n");
                    Put("");
                    break;
                case ConsoleKey.L when isControl:
                    output.Write(ClearScreen);
                    break;
                case ConsoleKey.U when isControl:
                    _line.Remove(0, _cursor);
                    _cursor = 0;
                    break;
                case ConsoleKey.K when isControl:
                    _line.Length = _cursor;
                    break;
                case ConsoleKey.Tab:
                    await CompleteAsync(cancellationToken);
                    break;
                case ConsoleKey.Backspace when _cursor > 0:
                    _line.Remove(--_cursor, 1);
                    break;
                case ConsoleKey.Delete or ConsoleKey.D when _cursor < _line.Length && (key.Key == ConsoleKey.Delete || isControl):
                    _line.Remove(_cursor, 1);
                    break;
                case ConsoleKey.LeftArrow when _cursor > 0:
                    _cursor--;
                    break;
                case ConsoleKey.RightArrow when _cursor < _line.Length:
                    _cursor++;
                    break;
                case ConsoleKey.Home:
                case ConsoleKey.A when isControl:
                    _cursor = 0;
                    break;
                case ConsoleKey.End:
                case ConsoleKey.E when isControl:
                    _cursor = _line.Length;
                    break;
                case ConsoleKey.UpArrow when place > 0:
                    if (place == history.Lines.Count)
                        draft = _line.ToString();
                    Put(history.Lines[--place]);
                    break;
                case ConsoleKey.DownArrow when place < history.Lines.Count:
                    Put(++place == history.Lines.Count ? draft : history.Lines[place]);
                    break;
                default:
                    if (!char.IsControl(key.KeyChar))
                        _line.Insert(_cursor++, key.KeyChar);
                    break;
            }
        }
    }

    private void Put(string text)
    {
        _line.Clear().Append(text);
        _cursor = text.Length;
    }

    private async Task CompleteAsync(CancellationToken cancellationToken)
    {
        string before = _line.ToString(0, _cursor);
        Completion completion = await completer.CompleteAsync(before, cancellationToken);
        string addition = completion.Common[completion.Word.Length..];
        if (completion.Candidates.Count == 1)
            addition += " ";
        if (addition.Length > 0)
        {
            _line.Insert(_cursor, addition);
            _cursor += addition.Length;
        }
        else if (completion.Candidates.Count > 1)
        {
            output.Write($"\r\n{string.Join("  ", completion.Candidates)}\r\n");
        }
    }

    private void Draw()
    {
        int room = Math.Max(width() - _prompt.Length - 1, 10);
        int start = Math.Max(0, _cursor - room);
        string seen = _line.ToString(start, Math.Min(room, _line.Length - start));
        int back = seen.Length - (_cursor - start);
        output.Write($"\r{_prompt}{seen}{EraseToEnd}{(back > 0 ? $"\x1b[{back}D" : "")}");
        output.Flush();
    }
}
