using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The bytes of one connection, through TLS or not. One task may receive while another sends. <see cref="Dispose"/> ends both at once.
/// </summary>
internal sealed class PeerTransport : IDisposable
{
    /// <summary>The most bytes of one call: small enough that a slow peer is seen to make progress.</summary>
    private const int MaxSendBytes = 1 << 20;

    /// <summary>The most pieces of one call; the kernel takes 1,024.</summary>
    private const int MaxSendPieces = 512;

    /// <summary>Small pieces are joined before they are encrypted: two records of TLS, each of 16 KiB at most.</summary>
    private const int JoinBytes = 32 << 10;

    private readonly Socket _socket;
    private readonly SslStream? _tls;
    private readonly List<ArraySegment<byte>> _pieces = [];
    private int _piecesBytes;

    private PeerTransport(Socket socket, SslStream? tls)
    {
        _socket = socket;
        _tls = tls;
    }

    /// <summary>Begins a connection on a connected socket, which it takes over, also when it fails.</summary>
    /// <param name="socket">Connected.</param>
    /// <param name="tls">Certificates, or null for none.</param>
    /// <param name="isServer">Which side of TLS this is.</param>
    /// <param name="cancellationToken">The deadline of the handshake.</param>
    /// <exception cref="System.Security.Authentication.AuthenticationException">TLS failed.</exception>
    /// <exception cref="IOException">The connection broke meanwhile.</exception>
    public static async Task<PeerTransport> StartAsync(Socket socket, PeerTls? tls, bool isServer, CancellationToken cancellationToken)
    {
        socket.NoDelay = true;
        if (tls is null)
            return new PeerTransport(socket, null);
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            if (isServer)
                await stream.AuthenticateAsServerAsync(tls.ForServer(), cancellationToken);
            else
                await stream.AuthenticateAsClientAsync(tls.ForClient(), cancellationToken);
            return new PeerTransport(socket, stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>Receives some bytes; 0 when the peer has closed.</summary>
    public ValueTask<int> ReceiveAsync(Memory<byte> into, CancellationToken cancellationToken) => _tls is null
        ? _socket.ReceiveAsync(into, SocketFlags.None, cancellationToken)
        : _tls.ReadAsync(into, cancellationToken);

    /// <summary>Adds a piece to what the next <see cref="FlushAsync"/> sends; sends at once when that becomes too much.</summary>
    public async ValueTask AddAsync(ArraySegment<byte> piece)
    {
        while (piece.Count > 0)
        {
            int count = Math.Min(piece.Count, MaxSendBytes - _piecesBytes);
            _pieces.Add(piece[..count]);
            _piecesBytes += count;
            piece = piece[count..];
            if (_piecesBytes == MaxSendBytes || _pieces.Count == MaxSendPieces)
                await FlushAsync();
        }
    }

    /// <summary>Sends what was added, in as few calls as possible.</summary>
    public async ValueTask FlushAsync()
    {
        if (_tls is not null)
        {
            await EncryptAsync(_tls);
            return;
        }
        while (_pieces.Count > 0)
        {
            int sent = _pieces.Count == 1
                ? await _socket.SendAsync(_pieces[0].AsMemory(), SocketFlags.None)
                : await _socket.SendAsync(_pieces, SocketFlags.None);
            DropSent(sent);
        }
    }

    public void Dispose()
    {
        // Without TLS's farewell: to send it might take for ever.
        _socket.Dispose();
        _tls?.Dispose();
    }

    /// <summary>Whether an exception means that the connection broke or was closed, in all the forms that this takes.</summary>
    public static bool IsBroken(Exception error) => error is SocketException or IOException or ObjectDisposedException;

    /// <summary>What a broken connection says, in one sentence.</summary>
    public static string ReasonOf(Exception error) => error.InnerException is SocketException socket ? socket.Message : error.Message;

    private void DropSent(int sent)
    {
        _piecesBytes -= sent;
        int whole = 0;
        while (whole < _pieces.Count && sent >= _pieces[whole].Count)
            sent -= _pieces[whole++].Count;
        _pieces.RemoveRange(0, whole);
        if (sent > 0)
            _pieces[0] = _pieces[0][sent..];
    }

    private async ValueTask EncryptAsync(SslStream tls)
    {
        byte[] joined = ArrayPool<byte>.Shared.Rent(JoinBytes);
        try
        {
            int filled = 0;
            foreach (ArraySegment<byte> piece in _pieces)
            {
                if (filled + piece.Count > JoinBytes)
                {
                    await tls.WriteAsync(joined.AsMemory(0, filled), CancellationToken.None);
                    filled = 0;
                }
                if (piece.Count > JoinBytes)
                {
                    await tls.WriteAsync(piece.AsMemory(), CancellationToken.None);
                    continue;
                }
                piece.CopyTo(joined, filled);
                filled += piece.Count;
            }
            if (filled > 0)
                await tls.WriteAsync(joined.AsMemory(0, filled), CancellationToken.None);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(joined);
            _pieces.Clear();
            _piecesBytes = 0;
        }
    }
}
