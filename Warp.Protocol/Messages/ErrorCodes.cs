namespace Warp.Protocol.Messages;

/// <summary>What an error code means.</summary>
/// <param name="Code">The number on the wire.</param>
/// <param name="Name">Kafka's name, in upper case.</param>
/// <param name="IsRetriable">Whether Kafka's clients try again by themselves.</param>
/// <param name="Text">A sentence for people.</param>
public sealed record ErrorInfo(ErrorCode Code, string Name, bool IsRetriable, string Text);

/// <summary>The table of all error codes.</summary>
public static partial class ErrorCodes
{
    /// <summary>All errors, in the order of their codes.</summary>
    public static IReadOnlyList<ErrorInfo> All => s_table;

    /// <summary>What is known of a code; of one without a name, what is known of <see cref="ErrorCode.UnknownServerError"/>.</summary>
    public static ErrorInfo Get(ErrorCode code)
    {
        int index = (short)code + 1;
        return index >= 0 && index < s_table.Length ? s_table[index] : s_table[0];
    }

    /// <inheritdoc cref="ErrorInfo.IsRetriable"/>
    public static bool IsRetriable(this ErrorCode code) => Get(code).IsRetriable;

    /// <inheritdoc cref="ErrorInfo.Text"/>
    public static string Text(this ErrorCode code) => Get(code).Text;
}
