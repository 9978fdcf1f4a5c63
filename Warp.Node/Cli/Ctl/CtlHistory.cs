namespace Warp.Node.Cli.Ctl;

/// <summary>The lines that were typed at the prompt, the latest last. They are kept in a file of the user's; what goes wrong with that is no matter.</summary>
public sealed class CtlHistory
{
    private const int MaxLines = 500;

    private readonly string? _file;
    private readonly List<string> _lines = [];

    /// <param name="file">Where they are kept; null for nowhere.</param>
    public CtlHistory(string? file)
    {
        _file = file;
        try
        {
            if (file is not null && File.Exists(file))
                _lines.AddRange(File.ReadAllLines(file).TakeLast(MaxLines));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Then it begins anew.
        }
    }

    public IReadOnlyList<string> Lines => _lines;

    /// <summary>The file of this user: in XDG_STATE_HOME, or else in .local/state of the home folder.</summary>
    public static string? FileOf(IReadOnlyDictionary<string, string> environment)
    {
        string? state = environment.GetValueOrDefault("XDG_STATE_HOME") is { Length: > 0 } set ? set
            : environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? Path.Combine(home, ".local", "state")
            : null;
        return state is null ? null : Path.Combine(state, "warp", "ctl_history");
    }

    /// <summary>Adds a line, unless it is empty or the same as the last one.</summary>
    public void Add(string line)
    {
        if (line.Trim().Length == 0 || (_lines.Count > 0 && _lines[^1] == line))
            return;
        _lines.Add(line);
        if (_lines.Count > MaxLines)
            _lines.RemoveAt(0);
        if (_file is null)
            return;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
            File.WriteAllLines(_file, _lines);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is kept for as long as the prompt lives.
        }
    }
}
