using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>How a request for several groups is taken apart, and its answer put together.</summary>
public sealed record GroupSplit<TRequest, TGroup, TAnswer>
{
    /// <summary>What is asked of each group; nothing in versions that name but one group.</summary>
    public required Func<TRequest, IReadOnlyList<TGroup>> GroupsOf { get; init; }

    public required Func<TGroup, string> IdOf { get; init; }

    /// <summary>A request like another one, for some of its groups.</summary>
    public required Func<TRequest, List<TGroup>, TRequest> Part { get; init; }

    /// <summary>The list of answers in a response, one for each group, in the request's order.</summary>
    public required Func<IResponse, List<TAnswer>> AnswersIn { get; init; }
}

/// <summary>
/// Splits requests for several groups by where these are coordinated (<see cref="PassOnHandler{TRequest}"/>), and answers them in the order in
/// which they were named.
/// </summary>
/// <param name="inner">Handles here.</param>
/// <param name="hidden">Coordinators that requests are passed on to.</param>
/// <param name="split">Knows the messages.</param>
public sealed class SplitHandler<TRequest, TGroup, TAnswer>(
    ApiHandler inner, IHiddenCoordinators hidden, GroupSplit<TRequest, TGroup, TAnswer> split)
    : ApiHandler<TRequest>(inner.Key, inner.MinVersion, inner.MaxVersion)
    where TRequest : class, IRequest
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, TRequest request)
    {
        IReadOnlyList<TGroup> groups = split.GroupsOf(request);
        ILookup<NodeIncarnation?, int> places = Enumerable.Range(0, groups.Count).ToLookup(place => hidden.OwnerOf(split.IdOf(groups[place])));
        if (places.All(static part => part.Key is null))
            return await inner.HandleAsync(context, request);
        IResponse[] responses = await Task.WhenAll(places.Select(
            part => AnswerAsync(part.Key, context, split.Part(request, [.. part.Select(place => groups[place])]))));
        TAnswer[] answers =
        [
            .. from answer in places.Zip(responses).SelectMany(part => part.First.Zip(split.AnswersIn(part.Second)))
               orderby answer.First
               select answer.Second,
        ];
        List<TAnswer> all = split.AnswersIn(responses[0]);
        all.Clear();
        all.AddRange(answers);
        return responses[0];
    }

    private async Task<IResponse> AnswerAsync(NodeIncarnation? owner, RequestContext context, TRequest part) =>
        (owner is { } hiddenOwner ? await hidden.PassOnAsync(hiddenOwner, context, part) : null) ?? (await inner.HandleAsync(context, part))!;
}
