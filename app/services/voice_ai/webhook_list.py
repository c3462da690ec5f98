"""The webhooks of a workspace at the voice AI provider, among which ours is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.provider import ReportsCalls, incomplete
from app.provider.voice_ai import ListedWebhooks

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound
    from app.services.voice_ai.webhook import Work


def read(http: Outbound, work: Work) -> ListedWebhooks:
    """Returns those of the workspace.

    Raises ProviderCallFailed also if ours may be in a part of the list that could not be read.
    """

    def listed(calls: ReportsCalls, client: Outbound) -> ListedWebhooks:
        found = calls.webhooks(client, work.values)
        if not found.is_whole and not any(map(work.is_usable, found)):
            raise incomplete(work.provider.label, "webhooks")
        return found

    return work.call(http, listed)
