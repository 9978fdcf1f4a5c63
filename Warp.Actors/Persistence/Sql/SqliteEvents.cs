using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Which rows of the embedded journal hold whose events: the index that the table does not have. Rows lie in the order in which they were
/// appended, in runs of many actors' events; a run is dead when all its events are covered by snapshots. To take single rows out would write
/// the pages of all the others again. Used by the database's thread only.
/// </summary>
internal sealed class SqliteEvents
{
    /// <summary>Payload bytes of a run, about those of one large append.</summary>
    private const int RunBytes = 16 * 1024;

    private readonly Dictionary<string, ActorEvents> _actors = [];
    private readonly Queue<Run> _dead = new();
    private Run _last = new(firstOrdinal: 1);

    private SqliteEvents()
    {
    }

    /// <summary>The row that the next event gets.</summary>
    public long NextOrdinal { get; private set; } = 1;

    /// <summary>Reads which rows there are. Their payloads are passed over.</summary>
    public static SqliteEvents Load(SqliteConnection connection)
    {
        var events = new SqliteEvents();
        var names = new Dictionary<long, string>();
        using var actors = new SqlStatement(connection,
            "SELECT actor_id, persistence_id, sequence_nr FROM actor LEFT JOIN snapshot USING (persistence_id)", 0);
        using (SqliteDataReader row = actors.Query())
        {
            while (row.Read())
            {
                names.Add(row.GetInt64(0), row.GetString(1));
                events._actors.Add(row.GetString(1), new ActorEvents(row.GetInt64(0), row.IsDBNull(2) ? 0 : row.GetInt64(2)));
            }
        }
        using var journal = new SqlStatement(connection, "SELECT ordinal, actor_id, sequence_nr, length(payload) FROM journal ORDER BY ordinal", 0);
        using (SqliteDataReader row = journal.Query())
        {
            while (row.Read())
            {
                events.NextOrdinal = row.GetInt64(0);
                string persistenceId = names[row.GetInt64(1)];
                if (row.GetInt64(2) > events.LastSequenceNr(persistenceId))
                    events.Add(persistenceId, row.GetInt64(2), row.GetInt32(3));
                else
                    events.Append(row.GetInt32(3));
            }
        }
        return events;
    }

    /// <summary>The actor's number in the rows, or null when it has none yet.</summary>
    public long? ActorIdOf(string persistenceId) => _actors.TryGetValue(persistenceId, out ActorEvents? actor) ? actor.ActorId : null;

    /// <summary>The number of the actor's last event, 0 when it has none.</summary>
    public long LastSequenceNr(string persistenceId) => _actors.TryGetValue(persistenceId, out ActorEvents? actor) ? actor.LastSequenceNr : 0;

    /// <summary>The actor's events, in their order, and where they are.</summary>
    public IEnumerable<LiveEvent> Of(string persistenceId) =>
        _actors.TryGetValue(persistenceId, out ActorEvents? actor) ? actor.Live : Enumerable.Empty<LiveEvent>();

    /// <summary>Notes an actor that has its row now.</summary>
    public void AddActor(string persistenceId, long actorId) => _actors.Add(persistenceId, new ActorEvents(actorId, 0));

    /// <summary>Notes an event in row <see cref="NextOrdinal"/>.</summary>
    public void Add(string persistenceId, long sequenceNr, int payloadBytes)
    {
        ActorEvents actor = _actors[persistenceId];
        long ordinal = NextOrdinal;
        Append(payloadBytes);
        _last.Live++;
        actor.Live.Enqueue(new LiveEvent(sequenceNr, ordinal, _last));
        actor.LastSequenceNr = sequenceNr;
    }

    /// <summary>Forgets events that a snapshot covers.</summary>
    public void Trim(string persistenceId, long upToSequenceNr)
    {
        if (!_actors.TryGetValue(persistenceId, out ActorEvents? actor))
            return;
        while (actor.Live.TryPeek(out LiveEvent first) && first.SequenceNr <= upToSequenceNr)
        {
            actor.Live.Dequeue();
            if (--first.Run.Live == 0 && first.Run != _last)
                _dead.Enqueue(first.Run);
        }
    }

    /// <summary>Takes a dead run, to be deleted, if there are any.</summary>
    public bool TryTakeDead([NotNullWhen(true)] out Run? run) => _dead.TryDequeue(out run);

    private void Append(int payloadBytes)
    {
        if (_last.Bytes >= RunBytes)
        {
            if (_last.Live == 0)
                _dead.Enqueue(_last);
            _last = new Run(NextOrdinal);
        }
        _last.Bytes += payloadBytes;
        _last.LastOrdinal = NextOrdinal++;
    }

    /// <summary>Rows that are deleted together.</summary>
    internal sealed class Run(long firstOrdinal)
    {
        public long FirstOrdinal { get; } = firstOrdinal;

        public long LastOrdinal { get; set; }

        public long Bytes { get; set; }

        /// <summary>How many of its events no snapshot covers.</summary>
        public int Live { get; set; }
    }

    private sealed class ActorEvents(long actorId, long lastSequenceNr)
    {
        public long ActorId { get; } = actorId;

        public long LastSequenceNr { get; set; } = lastSequenceNr;

        public Queue<LiveEvent> Live { get; } = new();
    }
}

/// <summary>An event that no snapshot covers, and its row.</summary>
internal readonly record struct LiveEvent(long SequenceNr, long Ordinal, SqliteEvents.Run Run);
