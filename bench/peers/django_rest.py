"""Django REST framework with Django's ORM."""

from __future__ import annotations

import json
import os
from typing import Any

import django
from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from sqlalchemy import make_url

peer = json.loads(os.environ["PEER"])
key = OctKey.import_key(peer["key"])
url = make_url(peer["url"])
engine = "sqlite3" if url.drivername.startswith("sqlite") else "postgresql"
settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={
        "default": {
            "ENGINE": f"django.db.backends.{engine}",
            "NAME": url.database,
            "USER": url.username or "",
            "PASSWORD": url.password or "",
            "HOST": url.query.get("host") or url.host or "",
            "PORT": url.port or "",
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=["rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],  # adds Content-Length
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY=peer["key"],
    USE_TZ=False,
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 (Django needs its settings first)
from django.db import models  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.authentication import BaseAuthentication  # noqa: E402
from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Organization(models.Model):
    id = models.CharField(primary_key=True, max_length=36)
    active_voice = models.CharField(max_length=32, null=True)

    class Meta:
        app_label, db_table, managed = "bench", "organizations", False


class User(models.Model):
    id = models.CharField(primary_key=True, max_length=36)
    organization = models.ForeignKey(Organization, models.CASCADE)
    disabled_at = models.DateTimeField(null=True)

    class Meta:
        app_label, db_table, managed = "bench", "users", False


class ApiToken(models.Model):
    id = models.CharField(primary_key=True, max_length=36)
    user = models.ForeignKey(User, models.CASCADE)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        app_label, db_table, managed = "bench", "api_tokens", False


class VoicePhoneNumber(models.Model):
    id = models.CharField(primary_key=True, max_length=36)
    user = models.ForeignKey(User, models.CASCADE)
    provider = models.CharField(max_length=32)
    phone_number = models.CharField(max_length=16)
    is_default = models.BooleanField()

    class Meta:
        app_label, db_table, managed = "bench", "voice_phone_numbers", False


class Bearer(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, Any]:
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, key, algorithms=["HS256"]).claims
            row = ApiToken.objects.select_related("user__organization").get(id=claims["jti"])
        except (JoseError, ApiToken.DoesNotExist):
            raise AuthenticationFailed from None
        if row.revoked_at or row.user.disabled_at:
            raise AuthenticationFailed
        return row.user, row


class ActiveProvider(APIView):
    authentication_classes = [Bearer]

    def get(self, request: Request) -> Response:
        provider = request.user.organization.active_voice
        number = VoicePhoneNumber.objects.filter(
            user=request.user, provider=provider, is_default=True
        ).first()
        return Response({"provider": provider, "phoneNumber": number.phone_number if number else None})


urlpatterns = [path(peer["path"].lstrip("/"), ActiveProvider.as_view())]
app = get_wsgi_application()
