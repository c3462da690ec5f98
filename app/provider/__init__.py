"""How to write a provider.

1. Declare it in `app/providers/<key>.py`, or in a folder of that name if it needs several modules, as one
   subclass of `Provider`::

       class Acme(Provider):
           key = "acme"
           label = "Acme"
           hosts = ("api.acme.example",)
           families = (Family.TELEPHONY,)
           summary = "For agent calls."
           webhook_steps = ("In the Acme console, open the number and paste the URL.",)

           tenant = Text("Tenant name", help="On the console's first page.", required=True)
           signing_key = Secret("Signing key", required=True)

   The names in the APIs, the form, the sealing of secrets, the OpenAPI schema and the masking follow from
   the fields. The type of a field says whether it is secret. A family decides where the provider can be
   chosen: VOICE (dialer), TELEPHONY (agent calls), VOICE_AI.

2. Add methods for what it can do. Each is a capability, found by its name, and lights up pages:

   ==============  ===========================  ===================================================
   Capability      Methods                      Pages
   ==============  ===========================  ===================================================
   VERIFY          `verify`                     Test connection, on the provider's page
   NUMBERS         `numbers`                    Numbers of the account, and importing them
   OBSERVE         `observe`                    Webhook checks, an endpoint's page, Trace a number
   POINT           `point`                      Set webhook, of one endpoint or many
   RESTORE         `restore`                    Undo of that, and clearing the webhook of a deleted endpoint
   CALLBACK        `callback`, `set_callback`   Callback of the application, shared by its numbers
   DIALER_TOKEN    `dialer_token`               No page: `POST /api/calls/token`, for a dialer's SDK
   AGENTS          those of `HasAgents`         Voice AI, and AI on a number
   SIP_TRUNK       those of `SipTrunk`          Voice AI, and AI on a number
   CALL_REPORTS    those of `ReportsCalls`      Call webhook of Voice AI, and Calls
   LAST_CALLS      `last_calls`                 Last call, on a number's page, and Trace a number
   ==============  ===========================  ===================================================

   `app/provider/capabilities.py` has their signatures. Each receives an HTTP client and the values by field
   name, some of which may be missing: `verify` returns `missing_credentials` first, other methods begin with
   `require_credentials`. A 200 alone proves nothing, since a proxy's page has it too: read a value from it.
   Raise `Refusal` with `refused(Outcome, sentence)` if the provider refuses; `OutboundError` passes through.
   `json_object`, `json_list`, `unexpected` and `is_unauthorized` read responses. No sentence may repeat a
   secret or the provider's text. `dialer_token` calls nothing: it signs a token with `dialer.mint`.
   `webhook_test` calls nothing either: it returns the request that the provider makes when a number rings.

3. Simulate it in `simulators/<key>.py`, or in a folder, as one subclass of `Simulator`, which declares the
   provider's hosts and sample values. `make demo` starts it, and tests run against it.

4. Test what is special about it in `tests/providers/<key>/`. `tests/providers/test_*.py` test every
   provider's declaration and capabilities as soon as the files exist.

Nothing else must be changed, and nothing lists the providers. `tests/providers/test_new_provider.py` adds
one to a copy of the project and shows that.
"""

from app.provider import facts
from app.provider.answers import MOST_PAGES, incomplete, json_list, json_object, pagination_error, unexpected
from app.provider.base import Provider
from app.provider.capabilities import (
    CallsBack,
    CallsWebhooks,
    Capability,
    HasAgents,
    MakesDialerTokens,
    Numbers,
    Observes,
    Points,
    ReadsCalls,
    ReportsCalls,
    Restores,
    SipTrunk,
    Verifies,
)
from app.provider.fields import (
    LONGEST_NAME,
    Count,
    DeclarationError,
    Family,
    Field,
    Origin,
    PhoneNumber,
    Secret,
    ServiceHost,
    Text,
    WebAddress,
    Where,
)
from app.provider.results import (
    Outcome,
    Refusal,
    Verified,
    foreign_caller,
    limited,
    not_proven,
    proven,
    refused,
    summed,
)

__all__ = [
    "LONGEST_NAME",
    "MOST_PAGES",
    "CallsBack",
    "CallsWebhooks",
    "Capability",
    "Count",
    "DeclarationError",
    "Family",
    "Field",
    "HasAgents",
    "MakesDialerTokens",
    "Numbers",
    "Observes",
    "Origin",
    "Outcome",
    "PhoneNumber",
    "Points",
    "Provider",
    "ReadsCalls",
    "Refusal",
    "ReportsCalls",
    "Restores",
    "Secret",
    "ServiceHost",
    "SipTrunk",
    "Text",
    "Verified",
    "Verifies",
    "WebAddress",
    "Where",
    "facts",
    "foreign_caller",
    "incomplete",
    "json_list",
    "json_object",
    "limited",
    "not_proven",
    "pagination_error",
    "proven",
    "refused",
    "summed",
    "unexpected",
]
