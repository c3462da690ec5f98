"""The data of one setup or check of a call webhook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from app.core import urls
from app.provider import Provider, ReportsCalls, incomplete
from app.provider.voice_ai import ListedWebhooks, Webhook
from app.services.connections import gateway
from app.services.connections.gateway import Returned
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.scope import Scope
from app.services.voice_ai import selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Work:
    """One setup or check, with the settings at its start.

    `replace`: another webhook that may be replaced.
    """

    scope: Scope = field(repr=False)
    connection: StoredConnection
    url: str
    path: str
    name: str
    values: Mapping[str, Any] = field(repr=False)
    webhook_id: str | None
    has_secret: bool
    has_retries: bool
    replace: str | None

    @property
    def provider(self) -> Provider:
        return self.connection.provider

    def call(self, http: Outbound, operation: Callable[[ReportsCalls, Outbound], Returned]) -> Returned:
        """Returns the result of `operation` for the provider and a client. Raises ProviderCallFailed."""
        calls = selection.reports_of(self.provider)
        return gateway.call(
            self.scope,
            http,
            self.connection,
            lambda client, _values: operation(calls, client),
            evidence=Evidence.CALL_WEBHOOK,
        )

    def is_ours(self, webhook: Webhook) -> bool:
        return webhook.id == self.webhook_id or urls.has_path_end(webhook.url, self.path)

    def is_usable(self, webhook: Webhook) -> bool:
        return self.has_secret and webhook.id == self.webhook_id and urls.is_same(webhook.url, self.url)

    def webhooks(self, http: Outbound) -> ListedWebhooks:
        """Returns the webhooks of the workspace.

        Raises ProviderCallFailed also if ours may be in a part of the list that could not be read.
        """

        def listed(calls: ReportsCalls, client: Outbound) -> ListedWebhooks:
            workspace = calls.webhooks(client, self.values)
            if not workspace.is_whole and not any(map(self.is_usable, workspace)):
                raise incomplete(self.provider.label, "webhooks")
            return workspace

        return self.call(http, listed)
