"""`/api/organizations/{organization_id}/users`: the users of an organization."""

from __future__ import annotations

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app.api import examples, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import Parameter
from app.models import User
from app.services import fields
from app.services.access import users as access_users
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
    {"type": "string", "maxLength": fields.NAME_LONGEST},
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
    found = access_users.page(scope, query.get("q", "").strip(), after=query.get("cursor"), limit=limit)
    response = responses.document(holders.documents(scope, found.rows), tagged=True)
    return responses.with_next(response, found.next)


@users.operation(
    "POST",
    "/<organization_id>/users",
    who=Who.SUPERADMIN,
    returns="The new user.",
    body=UserDraft,
    body_example=examples.NEW_USER,
    response=schemas.User,
    example=examples.USER | {"voice_phone_numbers": []},
    status=201,
    headers=("ETag", "Location"),
    errors=("EMAIL_IN_USE", "PASSWORD_NEEDED"),
)
def create_user(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create a user

    The user signs in with the email and this password; the portal reminds them to choose their own.

    Requires a token from `POST /api/auth/login` that is at most half an hour old, as the portal requires the
    password again.
    """
    user = access_users.create(scope, sent)
    return _user(
        scope,
        user,
        201,
        location=url_for(".get_user", organization_id=scope.organization.id, user_id=user.id),
    )


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
def update_user(scope: Scope, user_id: str, sent: Any) -> ResponseReturnValue:
    """Update a user

    Omitted fields keep their values. `is_active: false` disables the user: their sessions end and their
    tokens are revoked. Another role revokes their tokens too.

    Another role, and enabling a user, require a token from `POST /api/auth/login` that is at most half an
    hour old, as the portal requires the password again.
    """
    return _user(scope, holders.update(scope, user_id, sent, version=responses.version_condition()))


def _user(scope: Scope, user: User, status: int = 200, *, location: str | None = None) -> Response:
    (body,) = holders.documents(scope, [user])
    return responses.resource(body, status, location=location)
