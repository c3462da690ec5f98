"""The tables, without rules."""

from app.models.access import ApiToken, LinkPurpose, PasswordLink, RecoveryCode, Throttle, WebSession
from app.models.audit import AuditChain, AuditEvent, AuditNumbers
from app.models.base import Base
from app.models.check import Check
from app.models.connection import Connection, ProviderSwitch, Secret
from app.models.drift import CheckRun, DriftCheck
from app.models.endpoint import Endpoint
from app.models.endpoint_import import EndpointImport
from app.models.favorite import Favorite
from app.models.health import CheckDay, HealthTransition, Verdict
from app.models.installation import Installation
from app.models.job import Job, JobResult
from app.models.last_call import LastCall
from app.models.notification import (
    Delivery,
    DeliveryAttempt,
    Destination,
    Notification,
    NotificationOutbox,
    NotificationSettings,
    QuietPeriod,
)
from app.models.organization import Organization
from app.models.provider_write import ProviderWrite
from app.models.saved_view import SavedView
from app.models.user import Role, User
from app.models.voice_ai import Call, WebhookReceipt, WebhookSetup
from app.models.voice_phone_number import VoicePhoneNumber
from app.models.webhook_tests import CallbackTest, WebhookTest

__all__ = [
    "ApiToken",
    "AuditChain",
    "AuditEvent",
    "AuditNumbers",
    "Base",
    "Call",
    "CallbackTest",
    "Check",
    "CheckDay",
    "CheckRun",
    "Connection",
    "Delivery",
    "DeliveryAttempt",
    "Destination",
    "DriftCheck",
    "Endpoint",
    "EndpointImport",
    "Favorite",
    "HealthTransition",
    "Installation",
    "Job",
    "JobResult",
    "LastCall",
    "LinkPurpose",
    "Notification",
    "NotificationOutbox",
    "NotificationSettings",
    "Organization",
    "PasswordLink",
    "ProviderSwitch",
    "ProviderWrite",
    "QuietPeriod",
    "RecoveryCode",
    "Role",
    "SavedView",
    "Secret",
    "Throttle",
    "User",
    "Verdict",
    "VoicePhoneNumber",
    "WebSession",
    "WebhookReceipt",
    "WebhookSetup",
    "WebhookTest",
]
