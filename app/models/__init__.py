"""Tables, nothing else."""

from app.models.access import ApiToken, RecoveryCode, Throttle, WebSession
from app.models.audit import AuditChain, AuditEvent, AuditNumbers
from app.models.base import Base
from app.models.check import Check
from app.models.connection import Connection, ProviderSwitch, Secret
from app.models.drift import CheckRun, DriftCheck
from app.models.endpoint import Endpoint
from app.models.endpoint_import import EndpointImport
from app.models.health import HealthTransition, Verdict
from app.models.installation import Installation
from app.models.job import Job
from app.models.organization import Organization
from app.models.provider_write import ProviderWrite
from app.models.user import Role, User
from app.models.voice_ai import Call, WebhookReceipt, WebhookSetup
from app.models.voice_phone_number import VoicePhoneNumber

__all__ = [
    "ApiToken",
    "AuditChain",
    "AuditEvent",
    "AuditNumbers",
    "Base",
    "Call",
    "Check",
    "CheckRun",
    "Connection",
    "DriftCheck",
    "Endpoint",
    "EndpointImport",
    "HealthTransition",
    "Installation",
    "Job",
    "Organization",
    "ProviderSwitch",
    "ProviderWrite",
    "RecoveryCode",
    "Role",
    "Secret",
    "Throttle",
    "User",
    "Verdict",
    "VoicePhoneNumber",
    "WebSession",
    "WebhookReceipt",
    "WebhookSetup",
]
