using Warp.Bench.Cli;

return await BenchCommandLine.RunAsync(args);
