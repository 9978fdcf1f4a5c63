using Azure;
using Azure.Identity;

namespace Warp.Streams.Objects.AzureBlobs;

/// <summary>Says what to do about an error of Azure Blob Storage or of the way to it.</summary>
internal sealed class AzureBlobErrors(string store, AzureBlobSettings settings)
{
    public ObjectStoreException Explain(string? key, Exception cause) => cause switch
    {
        RequestFailedException { Status: not 0 } e => ExplainAnswer(key, e),
        CredentialUnavailableException e => Make(
            key,
            $"There are no credentials. Set {AzureBlobCredentials.ConnectionStringVariable}, {AzureBlobCredentials.KeyVariable} or "
            + $"{AzureBlobCredentials.SasVariable}, or give this machine a managed identity.",
            false,
            e),
        AuthenticationFailedException e => Make(
            key, "The identity was not accepted. Check the identity of this machine, or the AZURE_* variables.", false, e),
        _ => Make(
            key,
            $"It cannot be reached ({Innermost(cause)}). Check that {settings.Endpoint?.ToString() ?? settings.Account ?? "the account"} is right, "
            + "that it runs, and the network on the way.",
            true,
            cause),
    };

    private ObjectStoreException ExplainAnswer(string? key, RequestFailedException e)
    {
        (string message, bool isTransient) = e.ErrorCode switch
        {
            "ContainerNotFound" => ($"There is no container {settings.Container}. Create it, or correct its name in the URL.", false),
            "ContainerBeingDeleted" => ($"The container {settings.Container} is being deleted. Name another one in the URL.", false),
            "AuthenticationFailed" or "InvalidAuthenticationInfo" =>
                ($"The credentials are wrong ({e.ErrorCode}). Check them, and this machine's clock.", false),
            "AuthorizationFailure" or "AuthorizationPermissionMismatch" or "InsufficientAccountPermissions"
                or "AuthorizationResourceTypeMismatch" or "AuthorizationServiceMismatch" or "AuthorizationProtocolMismatch"
                or "AuthorizationSourceIPMismatch" =>
                ($"Permission is denied ({e.ErrorCode}). Check the credentials; allow to read, write, list and delete blobs of "
                + $"{settings.Container} (the role Storage Blob Data Contributor), also from this machine's address.", false),
            "AccountIsDisabled" => ("The account is disabled. Enable it at Azure.", false),
            _ when e.Status is 408 or 429 or >= 500 and not 501 =>
                ($"It answers {e.Status} {e.ErrorCode}. It may be overloaded; if this goes on, look at the account's metrics.", true),
            _ when e.Status is 401 or 403 => ($"Permission is denied ({e.Status} {e.ErrorCode}). Check the credentials and what they allow.", false),
            _ => ($"It answers {e.Status} {e.ErrorCode}. Check the URL of the store.", false),
        };
        return Make(key, message, isTransient, e);
    }

    private ObjectStoreException Make(string? key, string message, bool isTransient, Exception cause) =>
        new(store, key, message, isTransient, cause);

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
            e = inner;
        return e.Message.Split('\n')[0].TrimEnd('.', ' ', '\r');
    }
}
