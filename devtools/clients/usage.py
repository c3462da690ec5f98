"""A program that uses the generated client. It is type-checked strictly, and run against a server."""

from __future__ import annotations

import os

from patchbay_client import AuthenticatedClient
from patchbay_client.api.calls import get_calls_providers, get_calls_providers_config
from patchbay_client.api.endpoints import (
    delete_settings_endpoints_endpoint_id,
    get_settings_endpoints,
    post_settings_endpoints,
    put_settings_endpoints_endpoint_id,
)
from patchbay_client.api.provider_accounts import post_settings_providers_provider_verify
from patchbay_client.models import (
    CallsActiveProviderResponse,
    CallsErrorResponse,
    CallsVoiceProviderConfigResponse,
    Endpoint,
    EndpointDraft,
    EndpointDraftProvider,
    EndpointEdit,
    PostSettingsProvidersProviderVerifyProvider,
    Verification,
)
from patchbay_client.types import UNSET

client = AuthenticatedClient(base_url=os.environ["BASE_URL"], token=os.environ["TOKEN"])

draft = EndpointDraft(phone_number="+15551234567", provider=EndpointDraftProvider.TWILIO, is_active=False)
created = post_settings_endpoints.sync(client=client, body=draft)
assert isinstance(created, Endpoint), created

# Changes the label only: fields that are left out stay as they are.
tag = f'"{created.version}"'
changed = put_settings_endpoints_endpoint_id.sync(
    created.id, client=client, body=EndpointEdit(label="Front desk"), if_match=tag
)
assert isinstance(changed, Endpoint), changed
assert (changed.is_active, changed.label) == (False, "Front desk")

stale = put_settings_endpoints_endpoint_id.sync(
    created.id, client=client, body=EndpointEdit(label="Lobby"), if_match=tag
)
assert isinstance(stale, CallsErrorResponse), stale
assert stale.code == "STALE"

listed = get_settings_endpoints.sync(client=client, limit=10, is_active=False)
assert isinstance(listed, list), listed
assert [row.id for row in listed] == [created.id]

active = get_calls_providers.sync(client=client)
assert isinstance(active, CallsActiveProviderResponse), active
assert active.provider is None

config = get_calls_providers_config.sync(client=client)
assert isinstance(config, CallsVoiceProviderConfigResponse), config
assert config.providers[0].twilio_account_sid is UNSET

tested = post_settings_providers_provider_verify.sync(
    PostSettingsProvidersProviderVerifyProvider.TWILIO, client=client
)
assert isinstance(tested, Verification), tested
assert tested.code.value == "not_configured"

gone = delete_settings_endpoints_endpoint_id.sync_detailed(created.id, client=client)
assert gone.status_code == 204
