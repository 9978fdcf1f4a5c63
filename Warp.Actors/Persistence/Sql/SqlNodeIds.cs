namespace Warp.Actors.Persistence.Sql;

/// <summary>A few node ids in one column: their numbers with commas between them.</summary>
internal static class SqlNodeIds
{
    public static string Join(IReadOnlyCollection<int> ids) => string.Join(',', ids);

    public static int[] Split(string text) => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
