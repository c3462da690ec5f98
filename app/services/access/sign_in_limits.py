"""Limits on sign-in attempts: they slow down guessing, and anonymous clients cannot lock a user out.

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
"""The id of a browser that has signed in before, by the id of each user who signed in with it."""

OF_ACCOUNT = 50
"""Attempts on one account from all addresses and unknown browsers together."""
ADDRESS = "address"
OF_ADDRESS = 50
"""Attempts from one address on all accounts together."""


def of_password(
    scope: Scope, email: str, user: User | None, known_browsers: KnownBrowsers
) -> tuple[Limit, ...]:
    """Returns the limits of a password attempt. The first is the client's own for the account.

    A browser that has signed in as this user before has only that one.
    """
    if user is not None and user.id in known_browsers:
        return (Limit(rate_limits.key("browser", email, known_browsers[user.id])),)
    network = addresses.network(scope.actor.ip)
    return (
        Limit(rate_limits.key("sign-in", email, network)),
        Limit(rate_limits.key("sign-in", email), OF_ACCOUNT),
        Limit(rate_limits.key(ADDRESS, network), OF_ADDRESS),
    )


def of_code(user: User, known_browsers: KnownBrowsers) -> Limit:
    """Returns the limit of a code attempt.

    All unknown browsers share one: six digits are quickly guessed.
    """
    if user.id in known_browsers:
        return Limit(rate_limits.key("code-browser", user.email, known_browsers[user.id]))
    return Limit(rate_limits.key("code", user.email))


def of_confirmed_code(user: User) -> Limit:
    return Limit(rate_limits.key("confirm-code", user.email))


def of_confirmed_password(user: User) -> Limit:
    return Limit(rate_limits.key("confirm", user.email))


def lift(scope: Scope, user: User) -> None:
    """Clears all attempts that were counted for a user."""
    scope.require_transaction()
    what = ("browser", "sign-in", "code-browser", "code", "confirm-code", "confirm")
    rate_limits.clear_beginning_with(scope, [rate_limits.key(each, user.email) for each in what])


def of_setup_key(scope: Scope) -> Limit:
    """Returns the limit of setup keys. Users rarely mistype them; it is against bulk guessing."""
    return Limit(rate_limits.key("setup", addresses.network(scope.actor.ip)), 50)


def of_password_link(scope: Scope) -> Limit:
    """Returns the limit of password links.

    A link cannot be guessed; the limit is against bulk requests, each of which writes.
    """
    return Limit(rate_limits.key("password-link", addresses.network(scope.actor.ip)), OF_ADDRESS)
