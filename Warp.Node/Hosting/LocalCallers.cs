using System.Net;
using Microsoft.AspNetCore.Http;

namespace Warp.Node.Hosting;

/// <summary>
/// Who may change something over HTTP: programs on the same machine. The listener may be open to others, for metrics and probes, and knows
/// nobody by name; and a web page that somebody looks at on the machine may not do it, either.
/// </summary>
internal static class LocalCallers
{
    /// <summary>Why a caller may not; null if it may.</summary>
    public static string? WhyNot(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } caller || !IPAddress.IsLoopback(caller))
            return "only for callers on the same machine: run the command there; any node takes commands for all others";
        return context.Request.Headers.Origin.Count > 0 ? "not for web pages" : null;
    }
}
