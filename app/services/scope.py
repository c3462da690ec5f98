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
    """Who acts, and from where. `user_id` is None for the command line and unauthenticated requests."""

    name: str
    user_id: str | None = None
    organization_id: str | None = None
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    ip: str = ""
    request_id: str = ""
    password_typed_at: datetime | None = None
    """In this session, or for this token; None if unknown."""
    token_id: str | None = None
    """The API token that was sent; None in the portal and on the command line."""

    @property
    def is_superadmin(self) -> bool:
        return self.role is Role.SUPERADMIN

    @property
    def may_read_secrets(self) -> bool:
        return self.is_superadmin and SECRETS in self.scopes


@dataclass(frozen=True)
class Keys:
    """What seals secrets, signs tokens (newest first) and signs session cookies."""

    sealer: Sealer = field(repr=False)
    jwt: Sequence[str] = field(repr=False)
    session: str = field(default="", repr=False)


def _ignore(_organization_id: str) -> None:
    """Default when there is no background checker (CLI, tests)."""


@dataclass
class _Hooks:
    """What an open transaction calls at its end."""

    before_commit: dict[Callable[[Scope, list[Any]], None], list[Any]] = field(default_factory=dict)
    on_commit: dict[tuple[Callable[..., None], tuple[Hashable, ...]], None] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """One actor in one organization. `organization_or_none` is None outside any organization.

    `queue_drift_check` queues a background drift check of the organization with an id, after a commit.
    """

    session: Session
    organization_or_none: Organization | None
    actor: Actor
    keys: Keys
    queue_drift_check: Callable[[str], None] = field(default=_ignore, repr=False)
    hashing: Slots | None = field(default=None, repr=False)
    """Limits concurrent password hashing; None is no limit, for the command line."""

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
        """Whether the column contains the text, ignoring case: see `matching`.

        LIKE is fast and right for ASCII. For other texts it leaves few rows to compare precisely.
        """
        plain = column.collate("C") if self.is_postgresql else column
        test = plain.ilike if self.is_postgresql else plain.like
        found: ColumnElement[bool] = test(matching.like(text), escape=matching.ESCAPE)
        if text.isascii():
            return found
        if self.is_postgresql:
            is_exact = plain.regexp_match(matching.regex(text))
        else:
            is_exact = plain.op("GLOB", is_comparison=True)(matching.glob(text))
        return and_(found, is_exact)

    def get(self, model: type[Row], row_id: Any, *, what: str) -> Row:
        """Returns the organization's row. Raises NotFound, for another organization's row too."""
        query = self.select(model).where(model.id == row_id)  # type: ignore[attr-defined]
        row = self.session.scalar(query)
        if row is None:
            raise NotFound(messages.not_found(what))
        return row

    def end_read(self) -> None:
        """Rolls back the read transaction; call before any provider request."""
        self.session.rollback()

    @contextmanager
    def transaction(self, *, lock: bool = True, waits: bool = True) -> Iterator[None]:
        """Commits everything inside, or nothing. Transactions do not nest.

        Rows loaded before are refreshed, and the organization's row is locked, so that writers to one
        organization take turns. The lock permits foreign keys to the row: a writer of an audit event holds
        the chain, and must not wait. Without `lock`, change nothing of the organization: it is for events
        beside a read. Without `waits`, raises OperationalError if another writer has locked the database.
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
        """Calls `hook` once, last in the transaction, with every item registered for it."""
        self._hooks.before_commit.setdefault(hook, []).append(item)

    def on_commit(self, call: Callable[..., None], *arguments: Hashable) -> None:
        """Makes the call once, after the commit; not at all after a rollback."""
        self._hooks.on_commit[call, arguments] = None

    def require_transaction(self) -> None:
        """Raises RuntimeError outside a transaction. For functions that write part of one."""
        if _IN_TRANSACTION not in self.session.info:
            raise RuntimeError("This has to be called inside a transaction.")

    @property
    def _hooks(self) -> _Hooks:
        self.require_transaction()
        hooks: _Hooks = self.session.info[_IN_TRANSACTION]
        return hooks


def expect_version(row: Any, version: int | etag.Condition) -> None:
    """Raises Stale, with the current row, unless `version` is None, the row's, or a condition that holds."""
    is_current = version(str(row.version)) if callable(version) else version in (None, row.version)
    if not is_current:
        raise Stale(current=row)
