using System.Runtime.InteropServices;
using Warp.Node.Cli;

// The first signal asks the command to end; after a second one the system's default ends the process at once.
using var stopping = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
CommandSurroundings surroundings = CommandSurroundings.OfThisProcess();
return await CommandLine.RunAsync(args, new NodeCommands(surroundings), surroundings, stopping.Token);

void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stopping.IsCancellationRequested;
    stopping.Cancel();
}
