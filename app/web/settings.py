"""An organization's name, base URL and country."""

from __future__ import annotations

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from app import http
from app.core.errors import Invalid, Stale
from app.services import organizations as service
from app.services.scope import Scope
from app.web import render
from app.web.conflicts import of_organization, settle
from app.web.forms import SettingsForm, text_or_none
from app.web.guard import Pages, Who

settings = Pages("settings", __name__)

FIELDS = ("name", "public_base_url", "country")


@settings.page("/o/<slug>/settings", who=Who.SUPERADMIN)
def show(scope: Scope) -> ResponseReturnValue:
    form = SettingsForm(**_stored(scope), version=scope.organization.version)
    return render.page("settings/show.html", form=form)


@settings.page("/o/<slug>/settings", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope) -> ResponseReturnValue:
    form = SettingsForm()
    sent = {
        "name": form.name.data or "",
        "public_base_url": text_or_none(form.public_base_url),
        "country": text_or_none(form.country),
    }
    try:
        service.update(scope, http.outbound(), sent, version=form.version_sent)
    except Invalid as error:
        form.show(error)
        return render.page("settings/show.html", 422, form=form)
    except Stale:
        fresh = SettingsForm(formdata=None, **_stored(scope), version=scope.organization.version)
        conflicts = settle(scope, form, fresh, of_organization(scope), FIELDS)
        return render.page("settings/show.html", 412, form=form, conflicts=conflicts)
    flash("Settings saved.", "ok")
    return render.see(url_for("settings.show", slug=scope.organization.slug))


def _stored(scope: Scope) -> dict[str, str]:
    return {name: getattr(scope.organization, name) or "" for name in FIELDS}
