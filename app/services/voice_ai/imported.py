"""One phone number at a voice AI provider: read, changed, and restored if a change fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict
from app.provider import Provider
from app.provider.voice_ai import ImportedNumber, new_label
from app.services.connections import gateway
from app.services.voice_ai import messages, selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Account:
    """A voice AI provider with an organization's credentials."""

    provider: Provider
    values: dict[str, Any] = field(repr=False)

    def find(self, http: Outbound, number: str) -> list[ImportedNumber]:
        calls = selection.agents_of(self.provider)
        return gateway.request(self.provider, lambda: calls.imported_numbers(http, self.values, number))

    def add(self, http: Outbound, number: str, domain: str, label: str) -> str:
        calls = selection.agents_of(self.provider)
        sent = (self.values, number, domain, label)
        return gateway.request(self.provider, lambda: calls.import_number(http, *sent))

    def remove(self, http: Outbound, imported_id: str) -> None:
        calls = selection.agents_of(self.provider)
        gateway.request(self.provider, lambda: calls.remove_number(http, self.values, imported_id))

    def assign(self, http: Outbound, imported_id: str, agent_id: str | None) -> None:
        calls = selection.agents_of(self.provider)
        gateway.request(self.provider, lambda: calls.assign_agent(http, self.values, imported_id, agent_id))

    def restore_agent(self, http: Outbound, number: str, target: ImportedNumber) -> None:
        """Assigns the agent of `target`. Whether null removes an agent is not documented: it is read back."""
        self.assign(http, target.id, target.agent_id)
        if target.agent_id is None and any(
            one.id == target.id and one.agent_id for one in self.find(http, number)
        ):
            raise Conflict(messages.agent_not_removed(self.provider.label), code=gateway.REFUSED)


def preferred(found: list[ImportedNumber], known: str | None) -> ImportedNumber | None:
    """The one with the id that is stored, or else one that was imported from Patchbay, or else any."""
    return min(found, key=lambda one: (one.id != known, not one.is_ours, one.id), default=None)


def described(found: list[ImportedNumber]) -> str:
    """What the provider has of a number, for the audit log."""
    return ", ".join(f"{one.id} ({one.agent_id or 'no agent'})" for one in found)


@dataclass
class Change:
    """Another agent for a number of the voice provider `carrier`.

    `before`: what the voice AI provider had; `made`: the id of the new import.
    """

    account: Account
    carrier: str
    number: str
    before: ImportedNumber | None = None
    label: str = ""
    made: str | None = None
    has_begun: bool = False

    def make(self, http: Outbound, trunk: Account, agent_id: str) -> str:
        """Imports the number if necessary, and assigns the agent; returns the provider's id of the number."""
        imported_id = self.before.id if self.before else self._import(http, trunk)
        self.has_begun = True
        self.account.assign(http, imported_id, agent_id)
        return imported_id

    def _import(self, http: Outbound, trunk: Account) -> str:
        sip = selection.trunk_of(trunk.provider)
        domain = gateway.request(trunk.provider, lambda: sip.sip_domain(http, trunk.values))
        self.label = new_label(self.number)
        self.has_begun = True
        self.made = self.account.add(http, self.number, domain, self.label)
        return self.made

    def undo(self, http: Outbound, target: ImportedNumber | None) -> None:
        """Restores `target`. Reads first: a request without a response may have been carried out or not."""
        for one in self.account.find(http, self.number):
            if target and one.id == target.id:
                if one.agent_id != target.agent_id:
                    self.account.restore_agent(http, self.number, target)
            elif one.label == self.label:
                self.account.remove(http, one.id)

    def follow_up(self) -> str:
        """What to do at the provider if the change could not be undone."""
        label = self.account.provider.label
        if self.before is None:
            return messages.may_be_imported(label, self.number, self.made)
        return messages.may_have_agent(label, self.number, self.before.id, self.before.agent_id)
