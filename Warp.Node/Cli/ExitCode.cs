namespace Warp.Node.Cli;

/// <summary>What <c>warp</c> returns to the shell; scripts rely on the numbers.</summary>
public static class ExitCode
{
    public const int Ok = 0;

    /// <summary>Something went wrong while running.</summary>
    public const int Failed = 1;

    /// <summary>Bad usage, a bad configuration or a taken port: the same call cannot succeed before the operator changes something.</summary>
    public const int Unusable = 2;
}
