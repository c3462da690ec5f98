"""Access to the running application: settings, keys, sessions and scopes."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import current_app, g, request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app import peers
from app.config import Settings
from app.core.outbound import addresses
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import Organization
from app.services.notifications.delivery import Sender
from app.services.providers.dialer_defaults import Defaults
from app.services.scope import Actor, Keys, Scope

ANONYMOUS = "Unauthenticated"

MADE_OF = "patchbay.made_of"
"""Key of the environment, for the edge: the token and the default that a dialer's response depends on."""

LIMITED_BY = "patchbay.limited_by"
"""Key of the environment, for the edge: the rate limit that refused the request."""


def settings() -> Settings:
    current: Settings = current_app.extensions["patchbay_settings"]
    return current


def keys() -> Keys:
    current: Keys = current_app.extensions["patchbay"]
    return current


def outbound() -> Outbound:
    """Returns the client for providers. Never call it while a transaction is open."""
    client: Outbound = current_app.extensions["patchbay_outbound"]
    return client


def sender() -> Sender:
    """Returns the sender of messages. Never use it while a transaction is open."""
    current: Sender = current_app.extensions["patchbay_sender"]
    return current


def token_used(token_id: str) -> None:
    """Records the token's use, in the background."""
    current_app.extensions["patchbay_token_used"](token_id)


def scope(actor: Actor, organization: Organization | None = None) -> Scope:
    """Returns the scope of an actor, with this application's session, keys and background checks."""
    extensions = current_app.extensions
    queue_drift_check, hashing = extensions["patchbay_check_soon"], extensions["patchbay_hashing"]
    return Scope(session(), organization, actor, keys(), queue_drift_check, hashing)


def session() -> Session:
    """Returns the request's database session."""
    return db.session()


def engine() -> Engine:
    return db.engine


def dialer_defaults() -> Defaults:
    current: Defaults = current_app.extensions["patchbay_dialer_defaults"]
    return current


def client_address() -> str:
    """Returns the client's IP address, as trusted proxies forward it; "" if it is not one."""
    return addresses.client(request.remote_addr)


def own_origin() -> str:
    """Returns the portal's address, or "" if it is not known.

    Without PATCHBAY_PUBLIC_URL it is the scheme and host of the request. Any client can send any Host header:
    it is accepted if trusted proxies set it, or if it names this machine.
    """
    if own := settings().public_url:
        return own
    try:
        name = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""
    is_own = name in ("localhost", request.environ["SERVER_NAME"]) or peers.is_loopback(name)
    return f"{request.scheme}://{request.host}" if is_own or settings().trusted_proxies else ""


def shown_origin() -> str:
    """Returns the portal's address for the request's own user, who can see whether it is right."""
    return settings().public_url or request.host_url.rstrip("/")


def anonymous_scope() -> Scope:
    """Returns the scope of a request that is not signed in."""
    actor = Actor(name=ANONYMOUS, ip=client_address(), request_id=g.request_id)
    return scope(actor)
