namespace Warp.Streams.Objects;

/// <summary>Says what to do about an error of the file system.</summary>
internal static class FileErrors
{
    // Error numbers that Linux and macOS share, and Linux' own for a quota.
    private const int IoError = 5;
    private const int TooManyOpenFilesInSystem = 23;
    private const int TooManyOpenFiles = 24;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int LinuxQuotaExceeded = 122;

    public static ObjectStoreException Explain(string store, string? key, Exception cause)
    {
        (string advice, bool isTransient) = cause switch
        {
            UnauthorizedAccessException => ("Give the user that runs this process read and write permission on the folder.", false),
            { HResult: NoSpace or LinuxQuotaExceeded } => ("The disk or a quota is full: free space or shorten the retention.", false),
            { HResult: ReadOnlyFileSystem } => ("The file system is read-only: look into the system log, and mount it for writing.", false),
            { HResult: TooManyOpenFiles or TooManyOpenFilesInSystem } => ("Raise the limit of open files.", true),
            { HResult: IoError } => ("The disk has errors: look into the system log.", false),
            _ => ("Look whether the folder is there, on a local file system that knows hard links, and what the system log says.", false),
        };
        return new ObjectStoreException(store, key, $"{cause.Message.TrimEnd('.')}. {advice}", isTransient, cause);
    }
}
