"""`/api/organizations/{organization_id}/users`: the users of an organization."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app import context, links
from app.api import examples, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import TEXT, Parameter
from app.core import clock, etag
from app.models import User
from app.services import fields
from app.services.access import password_links
from app.services.access import users as access_users
from app.services.access.password_links import NewLink, PasswordLinkDraft
from app.services.access.users import UserDraft, UserEdit
from app.services.numbers import holders
from app.services.scope import Scope

users = blueprint(
    "users",
    "/api/organizations",
    Tag(
        "Users",
        "Superadmins and members of an organization. What opens an account requires a token from a sign-in "
        "within the last half hour.",
    ),
)

SEARCH = Parameter(
    "q",
    "Text to find in the name or email.",
    TEXT | {"maxLength": fields.NAME_LONGEST},
)


@users.operation(
    "GET",
    "/<organization_id>/users",
    who=Who.SUPERADMIN,
    returns="A page of users.",
    parameters=(SEARCH, *parameters.paging("users", access_users.PAGE, access_users.PAGE_MOST)),
    response=schemas.User,
    is_list=True,
    example=[examples.USER],
    headers=("ETag", "Link"),
)
def list_users(scope: Scope, query: Any) -> ResponseReturnValue:
    """List users

    Returns a page of the organization's users, sorted by name, each with their voice phone numbers. The
    `Link` header has the URL of the next page.
    """
    limit = query.get("limit", access_users.PAGE)
    page = access_users.page(scope, query.get("q", "").strip(), after=query.get("cursor"), limit=limit)
    response = responses.document(holders.documents(scope, page.rows), tagged=True)
    return responses.with_next(response, page.next)


@users.operation(
    "POST",
    "/<organization_id>/users",
    who=Who.SUPERADMIN,
    returns="The new user, and without a password their invitation, which is shown this once.",
    body=UserDraft,
    body_example=examples.NEW_USER,
    response=schemas.CreatedUser,
    example=examples.USER | {"voice_phone_numbers": [], "invitation": examples.INVITATION},
    status=201,
    headers=("ETag", "Location"),
    errors=("EMAIL_IN_USE", "PASSWORD_NEEDED"),
)
def create_user(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create a user

    Without `password` the response has an invitation link for you to send: the user chooses a password with
    it, once, within 7 days. With `password` the user signs in with that, and the portal reminds them to
    choose their own.

    Requires a token from `POST /api/auth/login` that is at most half an hour old, as the portal requires the
    password again.
    """
    invitation = None
    if isinstance(payload, dict) and payload.get("password") is not None:
        user = access_users.create(scope, payload)
    else:
        user, link = access_users.invite(scope, payload)
        invitation = _link(link)
    (body,) = holders.documents(scope, [user])
    url = url_for(".get_user", organization_id=scope.organization.id, user_id=user.id)
    tag = etag.versioned(user.version, body)
    return responses.document(body | {"invitation": invitation}, 201, tag=tag, location=url)


@users.operation(
    "GET",
    "/<organization_id>/users/<user_id>",
    who=Who.SUPERADMIN,
    returns="The user.",
    response=schemas.User,
    example=examples.USER,
    headers=("ETag",),
)
def get_user(scope: Scope, user_id: str) -> ResponseReturnValue:
    """Get a user

    Returns the user with their role, whether they can sign in, and their voice phone numbers.
    """
    return _user(scope, access_users.get(scope, user_id))


@users.operation(
    "PUT",
    "/<organization_id>/users/<user_id>",
    who=Who.SUPERADMIN,
    returns="The user after the change.",
    body=UserEdit,
    body_example=examples.USER_CHANGES,
    response=schemas.User,
    example=examples.USER,
    headers=("ETag",),
    errors=("STALE", "PASSWORD_NEEDED", "FORBIDDEN", "LAST_SUPERADMIN"),
)
def update_user(scope: Scope, user_id: str, payload: Any) -> ResponseReturnValue:
    """Update a user

    Omitted fields keep their values. `is_active: false` disables the user: their sessions end and their
    tokens are revoked. Another role revokes their tokens too.

    Another role, and enabling a user, require a token from `POST /api/auth/login` that is at most half an
    hour old, as the portal requires the password again.
    """
    return _user(scope, holders.update(scope, user_id, payload, version=responses.version_condition()))


@users.operation(
    "POST",
    "/<organization_id>/users/<user_id>/password-link",
    who=Who.SUPERADMIN,
    returns="The link, which is shown this once.",
    body=PasswordLinkDraft,
    body_example={"ends_two_step": False},
    response=schemas.PasswordLink,
    example=examples.INVITATION | {"purpose": "reset", "expires_at": "2026-03-19T10:00:00Z"},
    status=201,
    errors=("PASSWORD_NEEDED", "FORBIDDEN", "USER_DISABLED"),
)
def create_password_link(scope: Scope, user_id: str, payload: Any) -> ResponseReturnValue:
    """Create a password link

    For you to send: the user chooses a new password with it, once. It replaces the user's earlier link. For a
    user who has not accepted their invitation it is another invitation, for 7 days; otherwise a password
    reset, for 24 hours. Using it ends the user's sessions and tokens; creating it changes nothing else.

    Requires a token from `POST /api/auth/login` that is at most half an hour old.
    """
    link = password_links.create_for_api(scope, access_users.get(scope, user_id), payload)
    return responses.document(_link(link), 201)


def _link(link: NewLink) -> dict[str, Any]:
    expires_at = clock.utc(link.expires_at)
    return {
        "purpose": link.purpose.value,
        "url": links.of_password(link.token, context.shown_origin()),
        "expires_at": expires_at,
    }


def _user(scope: Scope, user: User) -> Response:
    (body,) = holders.documents(scope, [user])
    return responses.resource(body)
