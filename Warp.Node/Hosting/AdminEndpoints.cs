using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Warp.Node.Configuration;
using Warp.Node.Control;
using static Microsoft.AspNetCore.Http.StatusCodes;

namespace Warp.Node.Hosting;

/// <summary>
/// What a node answers over HTTP: <c>/metrics</c> (Prometheus' text format), <c>/healthz</c> (200 while the process is of use) and
/// <c>/readyz</c> (200 while the node takes clients); the last two say why not with 503, a line for each reason; and the operator's commands
/// of <see cref="ControlEndpoints"/> and <see cref="CompactionEndpoints"/>. Anything else is a 404.
/// </summary>
public sealed class AdminEndpoints : IAsyncDisposable
{
    /// <summary>What answers that are on their way when the endpoints close may take; they are short.</summary>
    private static readonly TimeSpan s_closing = TimeSpan.FromSeconds(1);

    private readonly WebApplication _application;

    private AdminEndpoints(WebApplication application, HostPort address, CompactionEndpoints compaction, ControlEndpoints control)
    {
        Control = control;
        _application = application;
        Address = address;
        Compaction = compaction;
    }

    /// <summary>The commands of compaction; of no use before the node is ready.</summary>
    public CompactionEndpoints Compaction { get; }

    /// <summary>The other commands; of no use before the node is ready, either.</summary>
    internal ControlEndpoints Control { get; }

    /// <summary>The address that is listened on; its port is the real one where any free one was asked for.</summary>
    public HostPort Address { get; }

    /// <summary>Starts to listen and to answer.</summary>
    /// <exception cref="ConfigurationException">The address is taken, or is none of this machine's.</exception>
    public static async Task<AdminEndpoints> StartAsync(
        HttpOptions options, NodeMetrics metrics, NodeHealth health, CancellationToken cancellationToken)
    {
        WebApplication? application = null;
        try
        {
            IPAddress address = await ResolveAsync(options.Listen.Host, cancellationToken);
            application = Build(new IPEndPoint(address, options.Listen.Port));
            var compaction = new CompactionEndpoints();
            var control = new ControlEndpoints();
            application.Run(context =>
                compaction.TryAnswer(context) ?? control.TryAnswer(context) ?? AnswerAsync(context, metrics, health));
            await application.StartAsync(cancellationToken);
            return new AdminEndpoints(application, options.Listen with { Port = new Uri(application.Urls.Single()).Port }, compaction, control);
        }
        catch (Exception e)
        {
            if (application is not null)
                await application.DisposeAsync();
            if (WhyUnusable(e) is { } reason)
                throw new ConfigurationException($"warp.http.listen: cannot listen on {options.Listen}: {reason}");
            throw;
        }
    }

    /// <summary>Stops listening and ends what is open.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    private static WebApplication Build(IPEndPoint endpoint)
    {
        // Empty: no log on the console, no appsettings.json, no ASPNETCORE_ variables. Warp has a configuration of its own.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Listen(endpoint);
        });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_closing);
        return builder.Build();
    }

    private static Task AnswerAsync(HttpContext context, NodeMetrics metrics, NodeHealth health)
    {
        bool reads = HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);
        return (reads ? context.Request.Path.Value : null) switch
        {
            "/metrics" => WriteAsync(context, Status200OK, PrometheusWriter.Write(metrics.Collect()), PrometheusWriter.ContentType),
            "/healthz" => WriteStateAsync(context, "ok", health.Failure),
            "/readyz" => WriteStateAsync(context, "ready", health.Unreadiness),
            _ => WriteAsync(context, Status404NotFound, "not found; there are /metrics, /healthz, /readyz, /compaction and /admin\n"),
        };
    }

    private static Task WriteStateAsync(HttpContext context, string good, string? problem) => problem is null
        ? WriteAsync(context, Status200OK, good + "\n")
        : WriteAsync(context, Status503ServiceUnavailable, problem + "\n");

    internal static Task WriteAsync(HttpContext context, int status, string text, string contentType = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static async Task<IPAddress> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
            return address;
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(host, cancellationToken);
        return addresses.FirstOrDefault(static candidate => candidate.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
    }

    private static string? WhyUnusable(Exception error) => error switch
    {
        IOException { InnerException: AddressInUseException } => "the port is taken",
        SocketException socket => socket.Message,
        _ => null,
    };

    /// <summary>Leaves signals to the program: the usual lifetime would end the endpoints at SIGTERM, not when the node has drained.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
