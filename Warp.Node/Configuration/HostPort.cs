using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Warp.Node.Configuration;

/// <summary>
/// An address to listen on or to name to clients. <paramref name="Host"/> is an IPv4 address, an IPv6 address without brackets or a
/// host name; <paramref name="Port"/> is 0 to 65535, where 0 stands for any free port.
/// </summary>
public sealed record HostPort(string Host, int Port)
{
    /// <summary>Whether the host stands for every interface of the machine, so that no client can connect to it as it is.</summary>
    public bool IsWildcard => IPAddress.TryParse(Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    /// <summary>The same for sockets.</summary>
    public DnsEndPoint EndPoint => new(Host, Port);

    /// <summary>Reads <c>127.0.0.1:9092</c>, <c>[::1]:9092</c> or <c>broker.example:9092</c>.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out HostPort? result)
    {
        result = null;
        var colon = text.LastIndexOf(':');
        if (colon < 1 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port > 65535)
            return false;
        var host = text[..colon];
        if (host[0] == '[' && host[^1] == ']')
        {
            if (!IPAddress.TryParse(host.AsSpan(1, host.Length - 2), out var address) || address.AddressFamily != AddressFamily.InterNetworkV6)
                return false;
            result = new HostPort(host[1..^1], port);
            return true;
        }
        if (!IsIPv4OrName(host))
            return false;
        result = new HostPort(host, port);
        return true;
    }

    /// <summary>
    /// The address that others are told of a listener at this one: <paramref name="advertised"/>, or else this, with <c>localhost</c> in
    /// the place of a wildcard; port 0 becomes <paramref name="boundPort"/>.
    /// </summary>
    public HostPort AdvertisedAs(HostPort? advertised, int boundPort)
    {
        HostPort address = advertised ?? (IsWildcard ? this with { Host = "localhost" } : this);
        return address.Port == 0 ? address with { Port = boundPort } : address;
    }

    /// <summary>The text that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";

    /// <summary>A host name as in RFC 1123, or four numbers; what consists of numbers and dots must be an address.</summary>
    private static bool IsIPv4OrName(string host)
    {
        var labels = host.Split('.');
        if (labels.All(label => label.All(char.IsAsciiDigit)))
            return labels.Length == 4 && IPAddress.TryParse(host, out _);
        return host.Length <= 253 && labels.All(label =>
            label.Length is > 0 and <= 63 && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && label[0] != '-' && label[^1] != '-');
    }
}
