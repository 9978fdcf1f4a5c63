using System.Collections;
using System.Reflection;
using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Messages;

/// <summary>Fills messages with random values, whatever their type, and fits them to a version.</summary>
internal sealed class RandomMessages(Random random)
{
    /// <summary>Not thread-safe, so each test has its own.</summary>
    private readonly NullabilityInfoContext _nullability = new();

    /// <summary>The seed of a random test: from WARP_SEED, or a fixed one. It is printed.</summary>
    public static int Seed()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("WARP_SEED"), out int given) ? given : 411;
        TestContext.Current.TestOutputHelper?.WriteLine($"WARP_SEED={seed}");
        return seed;
    }

    /// <summary>The type of the message that an API has as request or response.</summary>
    public static Type TypeOf(ApiSpec spec, bool request)
    {
        Type table = PrivateApis.TryGet(spec.Key, out _) ? typeof(PrivateApis) : typeof(ApiSpec);
        return table.Assembly.GetType($"{table.Namespace}.{spec.Name}{(request ? "Request" : "Response")}", throwOnError: true)!;
    }

    /// <summary>A message and its bytes; it has no value that the version cannot carry.</summary>
    public (IMessage Message, byte[] Bytes) Make(ApiSpec spec, bool request, short version)
    {
        return Make(TypeOf(spec, request), version);
    }

    /// <summary>A message of a type, and its bytes.</summary>
    public (IMessage Message, byte[] Bytes) Make(Type type, short version)
    {
        var message = (IMessage)MakeObject(type);
        while (true)
        {
            try
            {
                return (message, Write(message, version));
            }
            catch (NotSupportedException error)
            {
                Reset(message, error.Message.Split(' ')[0], onlyNulls: false);
            }
            catch (InvalidOperationException error)
            {
                Reset(message, error.Message.Split(' ')[0], onlyNulls: true);
            }
        }
    }

    public static byte[] Write(IMessage message, short version)
    {
        using var writer = new WireWriter();
        message.Write(writer, version);
        return writer.ToArray();
    }

    /// <summary>All properties that travel.</summary>
    public static IEnumerable<PropertyInfo> Fields(Type type) => type.GetProperties().Where(property => property.CanWrite);

    private object MakeObject(Type type)
    {
        var made = Activator.CreateInstance(type)!;
        foreach (var property in Fields(type))
        {
            bool nullable = _nullability.Create(property).WriteState == NullabilityState.Nullable;
            property.SetValue(made, nullable && random.Next(4) == 0 ? null : MakeValue(property.PropertyType));
        }
        return made;
    }

    private object MakeValue(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => "abcdefgh.-ü漢"[random.Next(12)]));
        if (type == typeof(Guid))
            return new Guid(MakeBytes(16));
        if (type == typeof(ReadOnlyMemory<byte>))
            return new ReadOnlyMemory<byte>(MakeBytes(random.Next(9)));
        if (type == typeof(RecordSet))
            return random.Next(5) == 0 ? RecordSet.Null : new RecordSet(MakeBytes(random.Next(9)));
        if (type == typeof(bool))
            return random.Next(2) == 0;
        if (type.IsEnum)
            return Enum.ToObject(type, (short)random.NextInt64());
        if (type.IsPrimitive)
            return MakeNumber(type);
        if (!type.IsGenericType)
            return MakeObject(type);
        var list = (IList)Activator.CreateInstance(type)!;
        for (int count = random.Next(3); count > 0; count--)
            list.Add(MakeValue(type.GetGenericArguments()[0]));
        return list;
    }

    private object MakeNumber(Type type)
    {
        long bits = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
        return Type.GetTypeCode(type) switch
        {
            TypeCode.SByte => (object)(sbyte)bits,
            TypeCode.Int16 => (short)bits,
            TypeCode.UInt16 => (ushort)bits,
            TypeCode.Int32 => (int)bits,
            TypeCode.UInt32 => (uint)bits,
            TypeCode.Int64 => bits,
            TypeCode.Double => random.NextDouble(),
            _ => throw new NotSupportedException(type.Name),
        };
    }

    private byte[] MakeBytes(int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Gives a field, named as in "FetchRequest.FetchTopic.Topic", its default wherever it occurs.</summary>
    private static void Reset(object part, string path, bool onlyNulls)
    {
        var type = part.GetType();
        foreach (var property in Fields(type))
        {
            var value = property.GetValue(part);
            if (path == $"{type.FullName![(type.Namespace!.Length + 1)..].Replace('+', '.')}.{property.Name}")
            {
                if (!onlyNulls || value is null)
                    property.SetValue(part, property.GetValue(Activator.CreateInstance(type)));
            }
            else if (value is IList list)
            {
                foreach (var item in list.Cast<object>().Where(item => item.GetType().IsNested))
                    Reset(item, path, onlyNulls);
            }
            else if (value?.GetType().IsNested == true)
            {
                Reset(value, path, onlyNulls);
            }
        }
    }
}
