"""Scope: the organization, the actor and the keys that every query starts from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core import etag, matching
from app.core.errors import NotFound, Stale
from app.core.sealing import Sealer
from app.core.slots import Slots
from app.models import Base, Organization, Role
from app.services import messages

SECRETS = "secrets"
_IN_TRANSACTION = "in_transaction"

Row = TypeVar("Row", bound=Base)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Actor:
    """The user or program that acts, and its address.

    `user_id` is None for the command line and without sign-in.
    """

    name: str
    user_id: str | None = None
    organization_id: str | None = None
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    ip: str = ""
    request_id: str = ""
    password_typed_at: datetime | None = None
    """When the password was typed in this session, or for this token; None if unknown."""
    token_id: str | None = None
    """The API token of the request; None in the portal and on the command line."""

    @property
    def is_superadmin(self) -> bool:
        return self.role is Role.SUPERADMIN

    @property
    def may_read_secrets(self) -> bool:
        return self.is_superadmin and SECRETS in self.scopes


@dataclass(frozen=True)
class Keys:
    """The keys that encrypt secrets, sign tokens (newest first) and sign session cookies."""

    sealer: Sealer = field(repr=False)
    jwt: Sequence[str] = field(repr=False)
    session: str = field(default="", repr=False)


def _ignore(_organization_id: str) -> None:
    """Queues nothing. The default if there is no background checker (command line, tests)."""


@dataclass
class _Hooks:
    """The functions that an open transaction calls at its end."""

    before_commit: dict[Callable[[Scope, list[Any]], None], list[Any]] = field(default_factory=dict)
    on_commit: dict[tuple[Callable[..., None], tuple[Hashable, ...]], None] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """One actor in one organization. `organization_or_none` is None outside any organization.

    `queue_drift_check` queues a background drift check of the organization with an id; call it after the
    commit.
    """

    session: Session
    organization_or_none: Organization | None
    actor: Actor
    keys: Keys
    queue_drift_check: Callable[[str], None] = field(default=_ignore, repr=False)
    hashing: Slots | None = field(default=None, repr=False)
    """Limits concurrent password hashing; None, on the command line, means no limit."""

    @property
    def organization(self) -> Organization:
        if self.organization_or_none is None:
            raise NotFound(messages.not_found("organization"))
        return self.organization_or_none

    def for_organization(self, organization: Organization) -> Scope:
        """Returns the scope of the same actor in another organization."""
        return replace(self, organization_or_none=organization)

    def select(self, model: type[Row]) -> Select[Row]:
        """Selects the organization's rows of `model`."""
        return select(model).where(model.organization_id == self.organization.id)  # type: ignore[attr-defined]

    @property
    def is_postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    def contains(self, column: Any, text: str) -> ColumnElement[bool]:
        """Returns the condition that the column contains the text, ignoring case: see `matching`.

        LIKE is fast and exact for ASCII. For other texts it selects few rows, which are then compared
        exactly.
        """
        plain = column.collate("C") if self.is_postgresql else column
        test = plain.ilike if self.is_postgresql else plain.like
        contains_ascii: ColumnElement[bool] = test(matching.like(text), escape=matching.ESCAPE)
        if text.isascii():
            return contains_ascii
        if self.is_postgresql:
            is_exact = plain.regexp_match(matching.regex(text))
        else:
            is_exact = plain.op("GLOB", is_comparison=True)(matching.glob(text))
        return and_(contains_ascii, is_exact)

    def get(self, model: type[Row], row_id: Any, *, what: str) -> Row:
        """Returns the organization's row. Raises NotFound, also for a row of another organization."""
        query = self.select(model).where(model.id == row_id)  # type: ignore[attr-defined]
        row = self.session.scalar(query)
        if row is None:
            raise NotFound(messages.not_found(what))
        return row

    def end_read(self) -> None:
        """Rolls back the read transaction. Call it before any provider request."""
        self.session.rollback()

    @contextmanager
    def transaction(self, *, lock: bool = True, waits: bool = True) -> Iterator[None]:
        """Commits everything inside, or nothing. Transactions do not nest.

        Rows loaded before are refreshed, and the organization's row is locked, so that writers to one
        organization take turns. The lock permits foreign keys to the row: a transaction that adds an audit
        event has locked the audit chain and must not wait. With `lock=False`, change nothing of the
        organization: this is for audit events of a read. With `waits=False`, raises OperationalError if
        another writer has locked the database.
        """
        if _IN_TRANSACTION in self.session.info:
            raise RuntimeError("A transaction is open already.")
        self.session.rollback()
        self.session.expire_all()
        hooks = self.session.info[_IN_TRANSACTION] = _Hooks()
        try:
            self.session.connection(execution_options={"writes": True, "waits": waits})
            if self.organization_or_none is not None and lock:
                self.session.refresh(self.organization_or_none, with_for_update={"key_share": True})
            yield
            for hook, items in hooks.before_commit.items():
                hook(self, items)
            self.session.commit()
        except StaleDataError:
            self.session.rollback()
            raise Stale from None
        except BaseException:
            self.session.rollback()
            raise
        finally:
            del self.session.info[_IN_TRANSACTION]
        for call, arguments in hooks.on_commit:
            call(*arguments)

    def before_commit(self, hook: Callable[[Scope, list[Item]], None], item: Item) -> None:
        """Calls `hook` once, as the last step of the transaction, with all items registered for it."""
        self._hooks.before_commit.setdefault(hook, []).append(item)

    def on_commit(self, call: Callable[..., None], *arguments: Hashable) -> None:
        """Calls `call` once after the commit, and not after a rollback."""
        self._hooks.on_commit[call, arguments] = None

    def require_transaction(self) -> None:
        """Raises RuntimeError outside a transaction.

        Functions that write inside the caller's transaction call it.
        """
        if _IN_TRANSACTION not in self.session.info:
            raise RuntimeError("This has to be called inside a transaction.")

    @property
    def _hooks(self) -> _Hooks:
        self.require_transaction()
        hooks: _Hooks = self.session.info[_IN_TRANSACTION]
        return hooks


def expect_version(row: Any, version: int | etag.Condition) -> None:
    """Raises Stale, with the current row, for another version or an unmet condition."""
    is_current = version(str(row.version)) if callable(version) else version in (None, row.version)
    if not is_current:
        raise Stale(current=row)
