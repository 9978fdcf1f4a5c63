using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Warp.Bench.Yardsticks;

/// <summary>
/// What the loopback interface carries when nobody does anything with the bytes: one thread sends frames, another receives each whole into
/// the same buffer and answers it, as generator and broker would; so the two share the processors as those do.
/// </summary>
public static class TcpLoopback
{
    /// <summary>Frames without an answer: enough that neither side ever waits for the other's turn.</summary>
    private const int Window = 16;

    /// <summary>Sends frames for some time.</summary>
    /// <param name="frameBytes">Of one frame.</param>
    /// <param name="answerBytes">Of its answer.</param>
    /// <param name="frames">How many different ones are sent in turn.</param>
    /// <param name="duration">How long.</param>
    /// <returns>Of the frames' bytes only.</returns>
    /// <exception cref="SocketException">The interface does not work.</exception>
    public static YardstickResult Measure(int frameBytes, int answerBytes, int frames, TimeSpan duration)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(1);
        using var sender = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        sender.Connect(listener.LocalEndpoint);
        using Socket receiver = listener.AcceptSocket();
        receiver.NoDelay = true;
        using var room = new SemaphoreSlim(Window, Window);
        byte[][] content = [.. Enumerable.Range(0, frames).Select(_ => RandomNumberGenerator.GetBytes(frameBytes))];
        var receiving = new Thread(() => Receive(receiver, frameBytes, answerBytes)) { IsBackground = true };
        var answers = new Thread(() => TakeAnswers(sender, answerBytes, room)) { IsBackground = true };
        receiving.Start();
        answers.Start();

        YardstickResult result = YardstickResult.Of(() => Send(sender, content, room, duration));
        sender.Shutdown(SocketShutdown.Both);
        receiving.Join();
        answers.Join();
        return result;
    }

    private static double Send(Socket socket, byte[][] frames, SemaphoreSlim room, TimeSpan duration)
    {
        long sent = 0;
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < duration)
        {
            room.Wait();
            SendAll(socket, frames[sent % frames.Length]);
            sent++;
        }
        // All of the room again means that everything has arrived.
        for (int i = 0; i < Window; i++)
            room.Wait();
        return sent * (double)frames[0].Length;
    }

    private static void Receive(Socket socket, int frameBytes, int answerBytes)
    {
        var buffer = new byte[frameBytes];
        var answer = new byte[answerBytes];
        while (TryReceiveAll(socket, buffer))
            SendAll(socket, answer);
    }

    private static void TakeAnswers(Socket socket, int answerBytes, SemaphoreSlim room)
    {
        var buffer = new byte[answerBytes];
        while (TryReceiveAll(socket, buffer))
            room.Release();
    }

    private static bool TryReceiveAll(Socket socket, byte[] buffer)
    {
        for (int received = 0; received < buffer.Length;)
        {
            int count = socket.Receive(buffer.AsSpan(received));
            if (count == 0)
                return false;
            received += count;
        }
        return true;
    }

    private static void SendAll(Socket socket, byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += socket.Send(bytes.AsSpan(sent));
    }
}
