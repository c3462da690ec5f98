"""Where every query starts: whose data, on whose behalf, with which keys."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core.errors import NotFound, Stale
from app.core.sealing import Sealer
from app.core.slots import Slots
from app.models import Base, Organization, Role

SECRETS = "secrets"
_IN_TRANSACTION = "in_transaction"

Row = TypeVar("Row", bound=Base)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Actor:
    """Who acts, and from where. `user_id` is None for the command line and for strangers."""

    name: str
    user_id: str | None = None
    organization_id: str | None = None
    role: Role | None = None
    scopes: frozenset[str] = frozenset()
    ip: str = ""
    request_id: str = ""
    password_typed_at: datetime | None = None
    """In the session or for the token that this is about; None if that is not known."""

    @property
    def is_superadmin(self) -> bool:
        return self.role is Role.SUPERADMIN

    @property
    def may_read_secrets(self) -> bool:
        return self.is_superadmin and SECRETS in self.scopes


@dataclass(frozen=True)
class Keys:
    """What seals secrets, what signs tokens (newest first), and what signs session cookies."""

    sealer: Sealer = field(repr=False)
    jwt: Sequence[str] = field(repr=False)
    session: str = field(default="", repr=False)


def _ignore(_organization_id: str) -> None:
    """Where nothing runs in the background: what is due stays due until the next check."""


@dataclass
class _Hooks:
    """What an open transaction does at its end."""

    before_commit: dict[Callable[[Scope, list[Any]], None], list[Any]] = field(default_factory=dict)
    on_commit: dict[tuple[Callable[..., None], tuple[Hashable, ...]], None] = field(default_factory=dict)


@dataclass(frozen=True)
class Scope:
    """One actor in one organization. `organization_or_none` is None where no organization is meant.

    `queue_drift_check` queues a background check of what is due in an organization. It is called after the
    commit, with the organization's id.
    """

    session: Session
    organization_or_none: Organization | None
    actor: Actor
    keys: Keys
    queue_drift_check: Callable[[str], None] = field(default=_ignore, repr=False)
    hashing: Slots | None = field(default=None, repr=False)
    """Bounds how many passwords are hashed at once; None is no bound, for the command line."""

    @property
    def organization(self) -> Organization:
        if self.organization_or_none is None:
            raise NotFound("There is no such organization.")
        return self.organization_or_none

    def for_organization(self, organization: Organization) -> Scope:
        """The same actor in another organization."""
        return replace(self, organization_or_none=organization)

    def select(self, model: type[Row]) -> Select[Row]:
        """Every row of `model` that belongs to the organization."""
        return select(model).where(model.organization_id == self.organization.id)  # type: ignore[attr-defined]

    @property
    def is_postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    def contains(self, column: Any, text: str) -> ColumnElement[bool]:
        """Whether the column has the text in it, in whatever case of A to Z.

        SQLite's LIKE does not tell those apart, and takes half as long as with `lower` before it.
        """
        test = column.icontains if self.is_postgresql else column.contains
        found: ColumnElement[bool] = test(text, autoescape=True)
        return found

    def get(self, model: type[Row], row_id: Any, *, what: str) -> Row:
        """The organization's row, or NotFound: another organization's row is not found either."""
        query = self.select(model).where(model.id == row_id)  # type: ignore[attr-defined]
        row = self.session.scalar(query)
        if row is None:
            raise NotFound(f"There is no such {what}.")
        return row

    def end_read(self) -> None:
        """Ends what reading began, so that no transaction is open while a provider is asked."""
        self.session.rollback()

    @contextmanager
    def transaction(self, *, lock: bool = True, waits: bool = True) -> Iterator[None]:
        """One write, all of it or none of it.

        What was read before is read again inside, and the organization's row is locked, so that
        two writers to one organization take turns. Others may still point to the row, as an audit
        event does: whoever writes one holds the chain, and must not wait. It cannot be opened inside
        another one: the inner would commit half of the outer. Without `lock` nothing of the
        organization may change: it is for what is noted beside a read. Without `waits` it does not wait
        for another writer of the whole database, as SQLite's do: OperationalError.
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
        """Calls `hook` once, last in the transaction, with every item that was registered for it."""
        self._hooks.before_commit.setdefault(hook, []).append(item)

    def on_commit(self, call: Callable[..., None], *arguments: Hashable) -> None:
        """Makes the call after the commit, once, and not at all when nothing is committed."""
        self._hooks.on_commit[call, arguments] = None

    def require_transaction(self) -> None:
        """Raises RuntimeError outside a transaction. For functions that write a part of one."""
        if _IN_TRANSACTION not in self.session.info:
            raise RuntimeError("This has to be called inside a transaction.")

    @property
    def _hooks(self) -> _Hooks:
        self.require_transaction()
        hooks: _Hooks = self.session.info[_IN_TRANSACTION]
        return hooks


def expect_version(row: Any, version: int | None) -> None:
    """Stale, with the row as it is now, unless `version` is None or is the row's."""
    if version is not None and row.version != version:
        raise Stale(current=row)
