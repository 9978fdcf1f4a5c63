using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>Makes messages to actors, and answers, with random content, whatever their type; and says what is in them.</summary>
internal sealed class RandomActorMessages(Random random)
{
    private readonly NullabilityInfoContext _nullability = new();

    public T Make<T>() => (T)Make(typeof(T));

    public object Make(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return string.Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => "abcdefgh.-ü漢"[random.Next(12)]));
        if (type == typeof(Guid))
            return new Guid(Bytes(16));
        if (type == typeof(ObjectId))
            return ObjectId.Mint(Make<DateTimeOffset>(), random);
        if (type == typeof(bool))
            return random.Next(2) == 0;
        if (type == typeof(int))
            return random.Next(int.MinValue, int.MaxValue) >> random.Next(32);
        if (type == typeof(short))
            return (short)random.Next(short.MinValue, short.MaxValue);
        if (type == typeof(long))
            return random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
        if (type == typeof(double))
            return random.NextDouble();
        if (type == typeof(DateTimeOffset))
            return DateTimeOffset.FromUnixTimeMilliseconds(random.NextInt64(0, 4_000_000_000_000));
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(random.Next(Enum.GetValues(type).Length))!;
        if (type == typeof(TopicImage))
            return MakeTopic();
        if (type == typeof(CompactionJobStatus))
            return MakeJobStatus();
        if (type == typeof(CancellationToken))
            return CancellationToken.None;
        return type.IsGenericType ? MakeGeneric(type) : MakeObject(type);
    }

    /// <summary>All that is in a value, in order where it has one; not how it is stored.</summary>
    public static string Dump(object? value) => value switch
    {
        null => "null",
        string or Guid or bool or int or short or sbyte or long or double or Enum => value.ToString()!,
        ObjectId or NodeIncarnation or TopicPartition => value.ToString()!,
        DateTimeOffset time => time.ToUnixTimeMilliseconds().ToString(),
        Task task => Dump(task.GetType().GetProperty("Result")!.GetValue(task)),
        IDictionary or IReadOnlySet<TopicPartition> or IReadOnlySet<ObjectId> =>
            $"{{{string.Join(", ", ((IEnumerable)value).Cast<object>().Select(Dump).Order(StringComparer.Ordinal))}}}",
        IEnumerable list => $"[{string.Join(", ", list.Cast<object>().Select(Dump))}]",
        _ => $"{value.GetType().Name}({string.Join(", ", Parts(value).Select(static part => $"{part.Name}: {Dump(part.Value)}"))})",
    };

    private static IEnumerable<(string Name, object? Value)> Parts(object value)
    {
        if (value.GetType().FullName!.StartsWith("System.ValueTuple", StringComparison.Ordinal))
            return value.GetType().GetFields().Select(field => (field.Name, field.GetValue(value)));
        return value.GetType().GetProperties()
            .Where(static property => property.GetIndexParameters().Length == 0 && !property.GetMethod!.IsStatic)
            .Where(static property => property.Name is not ("Reply" or "Watcher" or "Done" or "Config"))
            .Select(property => (property.Name, property.GetValue(value)));
    }

    private object MakeGeneric(Type type)
    {
        Type definition = type.GetGenericTypeDefinition();
        Type[] arguments = type.GetGenericArguments();
        if (definition == typeof(Reply<>))
            return Activator.CreateInstance(type)!;
        if (definition == typeof(Task<>))
        {
            return typeof(Task).GetMethod(nameof(Task.FromResult))!.MakeGenericMethod(arguments).Invoke(null, [Make(arguments[0])])!;
        }
        if (definition == typeof(KeyValuePair<,>) || type.FullName!.StartsWith("System.ValueTuple", StringComparison.Ordinal))
        {
            return Activator.CreateInstance(type, [.. arguments.Select(argument =>
                Nullable.GetUnderlyingType(argument) is not null && random.Next(3) == 0 ? null : Make(argument))])!;
        }
        if (definition == typeof(IReadOnlyDictionary<,>))
        {
            var dictionary = (IDictionary)Activator.CreateInstance(typeof(Dictionary<,>).MakeGenericType(arguments))!;
            for (int count = random.Next(4); count > 0; count--)
                dictionary.Add(Make(arguments[0]), Make(arguments[1]));
            return dictionary;
        }
        Type collection = definition == typeof(IReadOnlySet<>) ? typeof(HashSet<>) : typeof(List<>);
        object made = Activator.CreateInstance(collection.MakeGenericType(arguments[0]))!;
        MethodInfo add = made.GetType().GetMethod("Add")!;
        for (int count = random.Next(4); count > 0; count--)
            add.Invoke(made, [Make(arguments[0])]);
        return made;
    }

    private object MakeObject(Type type)
    {
        ConstructorInfo? constructor = type.GetConstructors().MaxBy(static candidate => candidate.GetParameters().Length);
        ParameterInfo[] parameters = constructor?.GetParameters() ?? [];
        object made = constructor is null
            ? Activator.CreateInstance(type)!
            : constructor.Invoke([.. parameters.Select(parameter => MakeOrNull(parameter.ParameterType, _nullability.Create(parameter)))]);
        foreach (PropertyInfo property in type.GetProperties().Where(static property => property.CanWrite))
        {
            if (!parameters.Any(parameter => parameter.Name == property.Name))
                property.SetValue(made, MakeOrNull(property.PropertyType, _nullability.Create(property)));
        }
        return made;
    }

    private object? MakeOrNull(Type type, NullabilityInfo nullability)
    {
        // A batch that is held is another test's matter.
        if (type == typeof(Task<BatchAnswer>))
            return null;
        return nullability.WriteState == NullabilityState.Nullable && random.Next(3) == 0 ? null : Make(type);
    }

    private TopicImage MakeTopic()
    {
        ImmutableSortedDictionary<string, string> overrides = random.Next(3) == 0
            ? ImmutableSortedDictionary<string, string>.Empty
            : ImmutableSortedDictionary<string, string>.Empty.Add("retention.ms", random.Next(100_000).ToString());
        return new TopicImage
        {
            Id = Make<Guid>(),
            Name = Make<string>(),
            PartitionCount = Make<int>(),
            OpenPartitionCount = Make<int>(),
            ReplicationFactor = Make<short>(),
            Overrides = overrides,
            Config = new EffectiveTopicConfig(overrides, BrokerConfigValues.None),
            IsDeleted = Make<bool>(),
            CreatedMs = Make<long>(),
        };
    }

    /// <summary>A job that waits has neither id nor node nor time.</summary>
    private CompactionJobStatus MakeJobStatus() => random.Next(2) == 0
        ? new CompactionJobStatus(null, null, null, Make<int>(), Make<int>(), Make<long>())
        : new CompactionJobStatus(Make<Guid>(), random.Next(), Make<DateTimeOffset>(), Make<int>(), Make<int>(), Make<long>());

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
