using System.Diagnostics;

namespace Warp.Specs.Clients;

/// <summary>Runs the command line client <c>kcat</c>.</summary>
public static class Kcat
{
    /// <summary>Runs it to its end.</summary>
    /// <param name="outputPath">The file that gets its standard output.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <exception cref="InvalidOperationException">It failed; the message has its standard error.</exception>
    public static async Task RunAsync(string outputPath, params string[] arguments)
    {
        var start = new ProcessStartInfo("kcat", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        await using var output = File.Create(outputPath);
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"kcat {string.Join(' ', arguments)} ended with {process.ExitCode}: {await errors}");
    }
}
