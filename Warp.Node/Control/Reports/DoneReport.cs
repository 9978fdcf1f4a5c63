namespace Warp.Node.Control.Reports;

/// <summary>A command was carried out.</summary>
/// <param name="Message">What was done, as a sentence.</param>
public sealed record DoneReport(string Message);
