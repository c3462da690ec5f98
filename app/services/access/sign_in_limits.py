"""How often sign-ins may be tried, so that guessing is slow and anonymous clients lock out no user.

See docs/decisions/0008-sign-in-limits.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from app.core.outbound import addresses
from app.models import User
from app.services import rate_limits
from app.services.rate_limits import Limit
from app.services.scope import Scope

KnownBrowsers: TypeAlias = Mapping[str, str]
"""By the id of each user who has signed in with a browser before, the browser's id."""

OF_ACCOUNT = 50
"""Tries for one account from all addresses and unknown browsers together."""
ADDRESS = "address"
OF_ADDRESS = 50
"""Tries from one address for all accounts together."""


def of_password(scope: Scope, email: str, user: User | None, known: KnownBrowsers) -> tuple[Limit, ...]:
    """The first limit is the client's own for the account. A known browser has that one only."""
    if user is not None and user.id in known:
        return (Limit(rate_limits.key("browser", email, known[user.id])),)
    network = addresses.network(scope.actor.ip)
    return (
        Limit(rate_limits.key("sign-in", email, network)),
        Limit(rate_limits.key("sign-in", email), OF_ACCOUNT),
        Limit(rate_limits.key(ADDRESS, network), OF_ADDRESS),
    )


def of_code(user: User, known: KnownBrowsers) -> Limit:
    """Six digits are guessed soon: all unknown browsers have one limit."""
    if user.id in known:
        return Limit(rate_limits.key("code-browser", user.email, known[user.id]))
    return Limit(rate_limits.key("code", user.email))


def of_confirmed_code(user: User) -> Limit:
    return Limit(rate_limits.key("confirm-code", user.email))


def of_confirmed_password(user: User) -> Limit:
    return Limit(rate_limits.key("confirm", user.email))


def lift(scope: Scope, user: User) -> None:
    """Clears all that was counted for a user."""
    scope.require_transaction()
    what = ("browser", "sign-in", "code-browser", "code", "confirm-code", "confirm")
    rate_limits.clear_beginning_with(scope, [rate_limits.key(each, user.email) for each in what])


def of_setup_key(scope: Scope) -> Limit:
    """Wrong setup keys are rare; the limit is against bulk guessing."""
    return Limit(rate_limits.key("setup", addresses.network(scope.actor.ip)), 50)


def of_password_link(scope: Scope) -> Limit:
    """A link cannot be guessed; the limit is against bulk requests, each of which writes."""
    return Limit(rate_limits.key("password-link", addresses.network(scope.actor.ip)), OF_ADDRESS)
