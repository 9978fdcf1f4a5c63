using System;
using System.Text;

namespace Warp.Protocol.Generator;

/// <summary>Text with indented blocks.</summary>
internal sealed class SourceWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    public void Line(string text = "")
    {
        if (text.Length > 0)
            _text.Append(' ', _depth * 4).Append(text);
        _text.Append('\n');
    }

    /// <summary>Opens a block, which ends when the result is disposed.</summary>
    public IDisposable Block(string head)
    {
        if (head.Length > 0)
            Line(head);
        Line("{");
        _depth++;
        return new BlockEnd(this);
    }

    /// <summary>A block under a condition, or none where the condition is always true.</summary>
    public IDisposable? BlockIf(string condition) => condition == "true" ? null : Block($"if ({condition})");

    public override string ToString() => _text.ToString();

    private sealed class BlockEnd(SourceWriter writer) : IDisposable
    {
        public void Dispose()
        {
            writer._depth--;
            writer.Line("}");
        }
    }
}
