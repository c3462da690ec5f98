"""One phone number at a voice AI provider: reading it, changing it, and restoring it if a change fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict
from app.provider import Provider, incomplete
from app.provider.voice_ai import ImportedNumber, new_label
from app.services.connections import gateway
from app.services.connections.gateway import Returned
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.scope import Scope
from app.services.voice_ai import messages, selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Account:
    """A voice AI provider, or a SIP trunk, with an organization's credentials."""

    scope: Scope
    connection: StoredConnection

    @property
    def provider(self) -> Provider:
        return self.connection.provider

    def call(
        self,
        http: Outbound,
        operation: Callable[[Outbound, Mapping[str, Any]], Returned],
        evidence: Evidence = Evidence.AI_NUMBER,
    ) -> Returned:
        """Calls the provider as `gateway.call` does."""
        return gateway.call(self.scope, http, self.connection, operation, evidence=evidence)

    def find(self, http: Outbound, number: str) -> list[ImportedNumber]:
        """Returns the provider's entries of a number.

        Raises ProviderCallFailed also if one may be in a part of the list that could not be read.
        """
        calls = selection.agents_of(self.provider)

        def read(client: Outbound, values: Mapping[str, Any]) -> list[ImportedNumber]:
            imported = calls.imported_numbers(client, values)
            if number not in imported and not imported.is_whole:
                raise incomplete(self.provider.label)
            return list(imported.get(number, ()))

        return self.call(http, read)

    def add(self, http: Outbound, number: str, domain: str, label: str) -> str:
        calls = selection.agents_of(self.provider)
        return self.call(
            http, lambda client, values: calls.import_number(client, values, number, domain, label)
        )

    def remove(self, http: Outbound, imported_id: str) -> None:
        calls = selection.agents_of(self.provider)
        self.call(http, lambda client, values: calls.remove_number(client, values, imported_id))

    def assign(self, http: Outbound, imported_id: str, agent_id: str | None) -> None:
        calls = selection.agents_of(self.provider)
        self.call(http, lambda client, values: calls.assign_agent(client, values, imported_id, agent_id))

    def restore_agent(self, http: Outbound, number: str, target: ImportedNumber) -> None:
        """Assigns the agent of `target`, and reads it back if that is none. Raises Conflict.

        It is not documented whether null removes an agent.
        """
        self.assign(http, target.id, target.agent_id)
        if target.agent_id is None and any(
            one.id == target.id and one.agent_id for one in self.find(http, number)
        ):
            raise Conflict(messages.agent_not_removed(self.provider.label), code=gateway.REFUSED)


def preferred(imported_numbers: list[ImportedNumber], stored_id: str | None) -> ImportedNumber | None:
    """Returns the entry with the stored id, or else one that Patchbay imported, or else any."""
    return min(imported_numbers, key=lambda one: (one.id != stored_id, not one.is_ours, one.id), default=None)


def described(imported_numbers: list[ImportedNumber]) -> str:
    """Returns the provider's entries of a number as text for the audit log."""
    return ", ".join(f"{one.id} ({one.agent_id or 'no agent'})" for one in imported_numbers)


@dataclass
class Change:
    """A change of the agent of a number of the voice provider `carrier`.

    `before`: the number at the voice AI provider before it; `made`: the id of a new import.
    """

    account: Account
    carrier: str
    number: str
    before: ImportedNumber | None = None
    label: str = ""
    import_id: str | None = None
    has_begun: bool = False

    def make(self, http: Outbound, trunk: Account, agent_id: str) -> str:
        """Imports the number if necessary, and assigns the agent.

        Returns the provider's id of the number.
        """
        imported_id = self.before.id if self.before else self._import(http, trunk)
        self.has_begun = True
        self.account.assign(http, imported_id, agent_id)
        return imported_id

    def _import(self, http: Outbound, trunk: Account) -> str:
        sip = selection.trunk_of(trunk.provider)
        domain = trunk.call(http, sip.sip_domain)
        self.label = new_label(self.number)
        self.has_begun = True
        self.import_id = self.account.add(http, self.number, domain, self.label)
        return self.import_id

    def undo(self, http: Outbound, target: ImportedNumber | None) -> None:
        """Restores `target`, and removes an import that this change made.

        Reads first, because a request without a response may have been executed.
        """
        for one in self.account.find(http, self.number):
            if target and one.id == target.id:
                if one.agent_id != target.agent_id:
                    self.account.restore_agent(http, self.number, target)
            elif one.label == self.label:
                self.account.remove(http, one.id)

    def follow_up(self) -> str:
        """Returns what a user has to do at the provider if the change could not be undone."""
        label = self.account.provider.label
        if self.before is None:
            return messages.may_be_imported(label, self.number, self.import_id)
        return messages.may_have_agent(label, self.number, self.before.id, self.before.agent_id)
