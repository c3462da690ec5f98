"""The codes of error responses, with their meaning and remedy.

`ERRORS` is the only list: an operation declares codes, and its statuses in the OpenAPI document follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorCode:
    """An error. `meaning` and `remedy` are whole sentences, for the reference."""

    code: str
    status: int
    meaning: str
    remedy: str


ERRORS = {
    error.code: error
    for error in (
        ErrorCode(
            "MALFORMED_REQUEST",
            400,
            "The request cannot be parsed: the body is not valid JSON, or the URL or If-Match is malformed.",
            "Send UTF-8 JSON without duplicate keys, NaN or NUL characters, and ETags in quotes.",
        ),
        ErrorCode(
            "REPEATED_PARAMETER",
            400,
            "A query parameter was passed more than once.",
            "Pass each parameter once.",
        ),
        ErrorCode(
            "NO_TOKEN",
            401,
            "The request has no token.",
            "Send the header Authorization: Bearer followed by a token.",
        ),
        ErrorCode(
            "INVALID_TOKEN",
            401,
            "The token is malformed, expired or revoked, or its user is disabled.",
            "Create a new token under Account, or with POST /api/auth/login.",
        ),
        ErrorCode(
            "WRONG_CREDENTIALS",
            401,
            "The email or the password is wrong, or the user is disabled.",
            "Check both. Repeated failures are rate limited.",
        ),
        ErrorCode(
            "TOTP_REQUIRED",
            401,
            "The user has two-step sign-in, and the code is missing, wrong or already used.",
            "Send the current code from the authenticator app, or a recovery code, as totp.",
        ),
        ErrorCode(
            "INVALID_SIGNATURE",
            401,
            "The signature of the event is missing, wrong or too old.",
            "Sign the raw body with the webhook's secret, with the current time.",
        ),
        ErrorCode(
            "NOT_SUPERADMIN",
            403,
            "The operation requires a superadmin.",
            "Use the token of a superadmin.",
        ),
        ErrorCode(
            "TWO_STEP_NEEDED",
            403,
            "Superadmins of this installation need two-step sign-in, and this one has not turned it on.",
            "Turn it on in the portal, under Account, and send a code as totp.",
        ),
        ErrorCode(
            "PASSWORD_NEEDED",
            403,
            "This opens an account, so the password must have been entered within the last half hour.",
            "Create a token with POST /api/auth/login, and send the request with that one.",
        ),
        ErrorCode(
            "NOT_YOUR_TOKEN",
            403,
            "Superadmins create their own tokens only.",
            "Let the other superadmin create it.",
        ),
        ErrorCode(
            "PORTAL_ONLY",
            403,
            "Tokens with the secrets scope are created in the portal, which asks for the password.",
            "Create the token in the portal, under Account.",
        ),
        ErrorCode(
            "FORBIDDEN",
            403,
            "You cannot disable your own account, or create a link for it.",
            "Let another superadmin do it, or change your password under Account.",
        ),
        ErrorCode(
            "NOT_FOUND",
            404,
            "The resource does not exist, or belongs to another organization.",
            "Check the id, and organizationId if the resource is in another organization.",
        ),
        ErrorCode(
            "REQUEST_TIMEOUT",
            408,
            "The request body did not arrive in time.",
            "Send the request again over a faster connection.",
        ),
        ErrorCode(
            "NUMBER_IN_USE",
            409,
            "The phone number is already in use, here or in another organization.",
            "Use the endpoint of existing_id, if the response has it; otherwise use another number.",
        ),
        ErrorCode(
            "NUMBER_ALREADY_GIVEN",
            409,
            "The user already has this phone number.",
            "No action needed: existing_id is the assignment.",
        ),
        ErrorCode(
            "EMAIL_IN_USE",
            409,
            "A user has this email already, here or in another organization.",
            "Use the user of existing_id, if the response has it; otherwise use another email.",
        ),
        ErrorCode(
            "TOO_MANY_DESTINATIONS",
            409,
            "There are as many destinations as there can be.",
            "Delete one first.",
        ),
        ErrorCode(
            "NO_SECRET",
            409,
            "This kind of destination has no signing secret.",
            "Only webhooks have one.",
        ),
        ErrorCode(
            "LAST_SUPERADMIN",
            409,
            "The user is the only superadmin.",
            "Make another user a superadmin first.",
        ),
        ErrorCode(
            "USER_DISABLED",
            409,
            "The user is disabled, so no token can be created for them.",
            "Set is_active of the user to true first.",
        ),
        ErrorCode(
            "AI_IS_ON",
            409,
            "AI is on for this phone number, and it has no other user.",
            "Turn AI off first.",
        ),
        ErrorCode(
            "PROVIDER_NOT_CONFIGURED",
            409,
            "Required credentials of the provider are missing; the message names them.",
            "Save the missing fields first.",
        ),
        ErrorCode(
            "PROVIDER_DISABLED",
            409,
            "The provider is disabled in this organization.",
            "Enable it first.",
        ),
        ErrorCode(
            "PROVIDER_ACTIVE",
            409,
            "The change would leave the active provider without required credentials.",
            "Choose another active provider first, or keep these fields.",
        ),
        ErrorCode(
            "PROVIDER_REFUSED",
            409,
            "The provider refused the request, or its response was unusable; the message has the reason.",
            "Check the credentials and permissions at the provider, then try again.",
        ),
        ErrorCode(
            "PROVIDER_UNREACHABLE",
            409,
            "The provider did not respond.",
            "Try again later.",
        ),
        ErrorCode(
            "NO_VOICE_PROVIDER",
            409,
            "The organization has no active voice provider.",
            "Choose one with POST /api/calls/providers/active.",
        ),
        ErrorCode(
            "NO_DIALER_TOKENS",
            409,
            "The active voice provider has no tokens for dialers.",
            "Choose another active voice provider.",
        ),
        ErrorCode(
            "CANNOT_VERIFY",
            409,
            "Credentials of this provider cannot be tested.",
            "Omit the test for this provider.",
        ),
        ErrorCode(
            "CANNOT_LIST_NUMBERS",
            409,
            "The provider's API does not list phone numbers.",
            "Create the endpoints with their phone numbers instead.",
        ),
        ErrorCode(
            "CANNOT_POINT",
            409,
            "The provider's API does not set webhooks.",
            "Set inbound_webhook_url in the provider's dashboard.",
        ),
        ErrorCode(
            "CANNOT_TEST",
            409,
            "The provider's request to a webhook is not known, so it cannot be tested.",
            "Call the phone number instead.",
        ),
        ErrorCode(
            "TEST_RUNNING",
            409,
            "A test of this webhook is running.",
            "Try again when it has ended, within three minutes.",
        ),
        ErrorCode(
            "CANNOT_READ_CALLS",
            409,
            "The provider's API does not list calls.",
            "See the calls in the provider's console.",
        ),
        ErrorCode(
            "ENDPOINT_INACTIVE",
            409,
            "The endpoint is inactive, so it has no webhook to configure.",
            "Set is_active to true first.",
        ),
        ErrorCode(
            "NO_INBOUND_AGENT",
            409,
            "The endpoint has no inbound agent, so it has no webhook to configure.",
            "Set inbound_agent_name first.",
        ),
        ErrorCode(
            "NO_PUBLIC_BASE_URL",
            409,
            "The organization has no public base URL, so there is no webhook to configure.",
            "Set public_base_url with PUT /api/settings/telephony first.",
        ),
        ErrorCode(
            "NUMBER_GONE",
            409,
            "The provider account does not have this phone number.",
            "Check the number, and the account whose credentials are stored.",
        ),
        ErrorCode(
            "CREDENTIALS_REFUSED",
            409,
            "The provider refused the stored credentials.",
            "Test them with POST /api/settings/providers/{provider}/verify, and save new ones.",
        ),
        ErrorCode(
            "NO_CREDIT",
            409,
            "The provider refuses because its account has no credit.",
            "Top the account up at the provider.",
        ),
        ErrorCode(
            "NOT_SHOWN",
            409,
            "The provider's API does not return the webhook of this phone number.",
            "Check it in the provider's dashboard.",
        ),
        ErrorCode(
            "NOT_A_SINCH_NUMBER",
            409,
            "Agents can answer Sinch numbers only.",
            "Use a Sinch number.",
        ),
        ErrorCode(
            "NUMBER_NOT_ON_TRUNK",
            409,
            "The phone number is not on the organization's SIP trunk.",
            "Add the number to the trunk in the Sinch dashboard.",
        ),
        ErrorCode(
            "LEFT_AT_PROVIDER",
            409,
            "The change failed after the number was imported; the message says what is left there.",
            "Repeat the request, or remove the number in the provider's dashboard.",
        ),
        ErrorCode(
            "JOB_RUNNING",
            409,
            "Another job is changing the organization's numbers at their providers, or testing its webhooks; "
            "`existing_id` is its id.",
            "Wait until it ends, or stop it.",
        ),
        ErrorCode(
            "NO_CALLBACK",
            409,
            "No callback URL was set from Patchbay, or the application has no number to test with.",
            "Set the callback URL in the portal, or assign a number to a user.",
        ),
        ErrorCode(
            "CANNOT_UNDO",
            409,
            "The job set no webhooks, or changed none.",
            "There is nothing to do.",
        ),
        ErrorCode(
            "NOT_CLEARED",
            409,
            "The endpoint was deleted, but its webhook was not cleared; the message says why.",
            "Remove the webhook in the provider's console.",
        ),
        ErrorCode(
            "REPLAYED",
            409,
            "The same signed event was received before.",
            "No action needed: the first one was processed.",
        ),
        ErrorCode(
            "STALE",
            412,
            "The resource was changed since the ETag in If-Match.",
            "Read it again, and repeat the change with the new ETag.",
        ),
        ErrorCode(
            "TOO_LARGE",
            413,
            "The request body is too large.",
            "Send less in one request.",
        ),
        ErrorCode(
            "UNSUPPORTED_MEDIA_TYPE",
            415,
            "The body is not application/json, or has a Content-Encoding.",
            "Send plain JSON with the header Content-Type: application/json.",
        ),
        ErrorCode(
            "VALIDATION_FAILED",
            422,
            "One or more fields are wrong.",
            "Correct the fields that error.details names.",
        ),
        ErrorCode(
            "TOO_MANY_REQUESTS",
            429,
            "Too many attempts in a short time.",
            "Wait for the seconds in Retry-After.",
        ),
        ErrorCode(
            "INTERNAL_ERROR",
            500,
            "Unexpected error.",
            "Report the id in the response: the log has the cause under it.",
        ),
        ErrorCode(
            "PROVIDER_BUSY",
            503,
            "The request to the provider or to the agent runtime was not made: too many are in progress.",
            "Wait for the seconds in Retry-After, then try again.",
        ),
        ErrorCode(
            "DATABASE_UNAVAILABLE",
            503,
            "The database is unavailable.",
            "Wait for the seconds in Retry-After, then try again.",
        ),
        ErrorCode(
            "STORAGE_FULL",
            503,
            "The server's disk is full: nothing can be saved, but reading works.",
            "Free disk space on the server.",
        ),
        ErrorCode(
            "BUSY",
            503,
            "The server is at capacity.",
            "Wait for the seconds in Retry-After, then try again.",
        ),
    )
}

ALWAYS = ("MALFORMED_REQUEST", "INTERNAL_ERROR", "DATABASE_UNAVAILABLE", "STORAGE_FULL", "BUSY")
"""Errors of every operation."""
QUERY = ("REPEATED_PARAMETER", "VALIDATION_FAILED")
"""Errors of operations that check the query."""
TOKEN = ("NO_TOKEN", "INVALID_TOKEN", "NOT_SUPERADMIN", "NOT_FOUND")
"""Errors of operations that require a token: `organizationId` may be wrong, or require a superadmin."""
BODY = ("REQUEST_TIMEOUT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_FAILED")
"""Errors of operations with a request body."""
PROVIDER_CALL = (
    *("PROVIDER_NOT_CONFIGURED", "PROVIDER_REFUSED", "PROVIDER_UNREACHABLE", "PROVIDER_BUSY"),
    "TOO_MANY_REQUESTS",
)
"""Errors of operations that call a provider."""
NOT_POINTED = (
    *("CANNOT_POINT", "ENDPOINT_INACTIVE", "NO_INBOUND_AGENT", "NO_PUBLIC_BASE_URL", "NUMBER_GONE"),
    *("CREDENTIALS_REFUSED", "NO_CREDIT", "NOT_SHOWN"),
)
"""Reasons for which the webhook of an endpoint cannot be configured."""
NOT_TESTED = (
    *("CANNOT_TEST", "TEST_RUNNING", "NO_INBOUND_AGENT", "NO_PUBLIC_BASE_URL", "PROVIDER_NOT_CONFIGURED"),
    "PROVIDER_BUSY",
)
"""Reasons for which the webhook of an endpoint is not tested."""
NOT_SWITCHED = ("PROVIDER_DISABLED", "NOT_A_SINCH_NUMBER", "NUMBER_NOT_ON_TRUNK", "LEFT_AT_PROVIDER")
"""Reasons for which AI on a phone number cannot be turned on or off."""
NO_DIALER_TOKEN = (
    *("NO_VOICE_PROVIDER", "NO_DIALER_TOKENS", "PROVIDER_DISABLED", "PROVIDER_NOT_CONFIGURED"),
    "TOO_MANY_REQUESTS",
)
"""Reasons for which the dialer receives no token."""
