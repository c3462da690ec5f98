"""How to declare a provider: a frozen declaration of its fields, and the few calls it can make.

A provider is a module or a package in `app/providers/` with one subclass of `Provider`. Everything else (JSON
names, HTML form, sealing, OpenAPI schema, masking, tests) is derived from it. Secrecy is carried by the type
of a field, so that no list can disagree with another.

Each capability is a method; a provider that has it lights up these pages:

==============  ===========================  ==================================================
capability      methods                      pages
==============  ===========================  ==================================================
VERIFY          `verify`                     Test connection
NUMBERS         `numbers`                    Numbers, and importing them
OBSERVE         `observe`                    Drift, a number at its provider, Who answers?
POINT           `point`                      Setting a number's webhook
CALLBACK        `callback`, `set_callback`   Setting the callback of an application
==============  ===========================  ==================================================
"""

from app.provider.answers import MOST_PAGES, json_list, json_object, pagination_error, unexpected
from app.provider.base import Provider
from app.provider.capabilities import CallsBack, Capability, Numbers, Observes, Points, Verifies
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
)
from app.provider.results import Outcome, Refusal, Verified, not_proven, proven, refused

__all__ = [
    "LONGEST_NAME",
    "MOST_PAGES",
    "CallsBack",
    "Capability",
    "Count",
    "DeclarationError",
    "Family",
    "Field",
    "Numbers",
    "Observes",
    "Origin",
    "Outcome",
    "PhoneNumber",
    "Points",
    "Provider",
    "Refusal",
    "Secret",
    "ServiceHost",
    "Text",
    "Verified",
    "Verifies",
    "json_list",
    "json_object",
    "not_proven",
    "pagination_error",
    "proven",
    "refused",
    "unexpected",
]
