using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Which rows of the embedded journal hold whose events: the index that the table does not have. Rows lie in the order in which they were
/// appended, in runs of many actors' events; a run is dead when all its events are covered by snapshots. To take single rows out would write
/// the pages of all the others again. A run that is dead but for a few events of actors that are too quiet for a snapshot is emptied by appending
/// these anew, so that the file does not grow with such actors. Used by the database's thread only.
/// </summary>
internal sealed class SqliteEvents
{
    /// <summary>Payload bytes of a run, about those of one large append.</summary>
    private const int RunBytes = 16 * 1024;

    /// <summary>A run of which less than one part in so many is alive is worth being emptied.</summary>
    private const int SparseParts = 8;

    private readonly Dictionary<string, ActorEvents> _actors = [];
    private readonly Queue<Run> _dead = new();

    /// <summary>Runs that were alive when they were full, the one that was looked at longest ago first. Some may have died since.</summary>
    private readonly Queue<Run> _full = new();

    private Run _last = new(firstOrdinal: 1);

    private SqliteEvents()
    {
    }

    /// <summary>The row that the next event gets.</summary>
    public long NextOrdinal { get; private set; } = 1;

    /// <summary>Payload bytes of dead runs that are still in the file.</summary>
    public long DeadBytes { get; private set; }

    /// <summary>Reads which rows there are. Their payloads are passed over.</summary>
    /// <exception cref="JournalException">Rows are missing or stand there twice.</exception>
    public static SqliteEvents Load(SqliteConnection connection)
    {
        var events = new SqliteEvents();
        var byId = new Dictionary<long, (string PersistenceId, ActorEvents Actor, List<LiveEvent> Live)>();
        using var actors = new SqlStatement(connection,
            "SELECT actor_id, persistence_id, sequence_nr FROM actor LEFT JOIN snapshot USING (persistence_id)", 0);
        using (SqliteDataReader row = actors.Query())
        {
            while (row.Read())
            {
                var actor = new ActorEvents(row.GetInt64(0), row.IsDBNull(2) ? 0 : row.GetInt64(2));
                byId.Add(actor.ActorId, (row.GetString(1), actor, []));
                events._actors.Add(row.GetString(1), actor);
            }
        }
        using var journal = new SqlStatement(connection, "SELECT ordinal, actor_id, sequence_nr, length(payload) FROM journal ORDER BY ordinal", 0);
        using (SqliteDataReader row = journal.Query())
        {
            while (row.Read())
            {
                events.NextOrdinal = row.GetInt64(0);
                if (!byId.TryGetValue(row.GetInt64(1), out var of))
                    throw Damaged($"row {row.GetInt64(0)} belongs to nobody");
                var read = new LiveEvent(row.GetInt64(2), row.GetInt32(3));
                if (read.SequenceNr > of.Actor.LastSequenceNr)
                {
                    events.Place(read);
                    of.Live.Add(read);
                }
                else
                {
                    events.Append(read.PayloadBytes);
                }
            }
        }
        // Rows that were appended anew lie behind later ones.
        foreach (var (persistenceId, actor, live) in byId.Values)
        {
            foreach (LiveEvent next in live.OrderBy(static entry => entry.SequenceNr))
            {
                if (next.SequenceNr != actor.LastSequenceNr + 1)
                    throw Damaged($"event {actor.LastSequenceNr + 1} of {persistenceId} is missing, or one is there twice");
                actor.Add(next);
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
        var added = new LiveEvent(sequenceNr, payloadBytes);
        Place(added);
        _actors[persistenceId].Add(added);
    }

    /// <summary>Notes that an event is in row <see cref="NextOrdinal"/> now, and not where it was.</summary>
    public void Move(LiveEvent moved)
    {
        Leave(moved);
        Place(moved);
    }

    /// <summary>Forgets events that a snapshot covers.</summary>
    public void Trim(string persistenceId, long upToSequenceNr)
    {
        if (!_actors.TryGetValue(persistenceId, out ActorEvents? actor))
            return;
        while (actor.Live.TryPeek(out LiveEvent? first) && first.SequenceNr <= upToSequenceNr)
        {
            Run run = first.Run!;
            Leave(actor.Live.Dequeue());
            if (run.Live == 0 && run != _last)
                Bury(run);
        }
    }

    /// <summary>Takes a dead run, to be deleted, if there are any.</summary>
    public bool TryTakeDead([NotNullWhen(true)] out Run? run)
    {
        if (!_dead.TryDequeue(out run))
            return false;
        DeadBytes -= run.Bytes;
        return true;
    }

    /// <summary>
    /// Takes a run of which little is alive, to be deleted once its <see cref="Run.Alive"/> have moved, if the next one that is looked at is such a
    /// one.
    /// </summary>
    public bool TryTakeSparse([NotNullWhen(true)] out Run? run)
    {
        while (_full.TryDequeue(out run))
        {
            if (run.Live == 0)
                continue; // it has died meanwhile
            if (run.LiveBytes * SparseParts < run.Bytes)
                return true;
            _full.Enqueue(run);
            break;
        }
        run = null;
        return false;
    }

    private static JournalException Damaged(string what) => new($"The journal is damaged: {what}. Restore it from a backup.");

    private static void Leave(LiveEvent leaving)
    {
        Run run = leaving.Run!;
        run.Live--;
        run.LiveBytes -= leaving.PayloadBytes;
        leaving.Run = null;
    }

    private void Place(LiveEvent placed)
    {
        placed.Ordinal = NextOrdinal;
        Append(placed.PayloadBytes);
        placed.Run = _last;
        _last.Live++;
        _last.LiveBytes += placed.PayloadBytes;
        _last.Events.Add(placed);
    }

    private void Append(int payloadBytes)
    {
        if (_last.Bytes >= RunBytes)
        {
            if (_last.Live == 0)
                Bury(_last);
            else
                _full.Enqueue(_last);
            _last = new Run(NextOrdinal);
        }
        _last.Bytes += payloadBytes;
        _last.LastOrdinal = NextOrdinal++;
    }

    private void Bury(Run run)
    {
        run.Events.Clear();
        _dead.Enqueue(run);
        DeadBytes += run.Bytes;
    }

    /// <summary>Rows that are deleted together.</summary>
    internal sealed class Run(long firstOrdinal)
    {
        public long FirstOrdinal { get; } = firstOrdinal;

        public long LastOrdinal { get; set; }

        public long Bytes { get; set; }

        /// <summary>How many of its events no snapshot covers.</summary>
        public int Live { get; set; }

        /// <summary>Payload bytes of these.</summary>
        public long LiveBytes { get; set; }

        /// <summary>All events that were placed in it.</summary>
        public List<LiveEvent> Events { get; } = [];

        /// <summary>Those that are still in it, and that no snapshot covers.</summary>
        public LiveEvent[] Alive => [.. Events.Where(entry => entry.Run == this)];
    }

    private sealed class ActorEvents(long actorId, long lastSequenceNr)
    {
        public long ActorId { get; } = actorId;

        public long LastSequenceNr { get; private set; } = lastSequenceNr;

        public Queue<LiveEvent> Live { get; } = new();

        public void Add(LiveEvent next)
        {
            Live.Enqueue(next);
            LastSequenceNr = next.SequenceNr;
        }
    }
}

/// <summary>An event that no snapshot covers.</summary>
internal sealed class LiveEvent(long sequenceNr, int payloadBytes)
{
    public long SequenceNr { get; } = sequenceNr;

    public int PayloadBytes { get; } = payloadBytes;

    /// <summary>Its row.</summary>
    public long Ordinal { get; set; }

    /// <summary>The run that its row is in; null once a snapshot covers it.</summary>
    public SqliteEvents.Run? Run { get; set; }
}
