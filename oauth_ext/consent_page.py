"""What the consent page says of a request. The name is a claim; the redirect host is the fact."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.models import Membership, User
from oauth_ext.authorization_request import AuthorizationRequest
from oauth_ext.connections import find_allowed, find_change_for
from oauth_ext.redirect_uris import Kind, find_host, find_kind
from oauth_ext.scopes import ACTIONS, BASELINE, SUPPORTED, TIERS


def describe_request(
    authorization: AuthorizationRequest, user: User, memberships: list[Membership]
) -> dict[str, Any]:
    """Who asks, where the answer goes, who is asked, for which organization and for what."""
    destination = authorization.destination
    allowed = find_allowed(user_id=user.pk, client=destination.client)
    return {
        "client_name": destination.client.name,
        "change": find_change_for(user_id=user.pk, client=destination.client),
        "trust": "unverified",
        "redirect_host": find_host(destination.redirect_uri),
        "redirect_uri": destination.redirect_uri,
        "is_loopback": find_kind(destination.redirect_uri) is Kind.LOOPBACK,
        "private_scheme": find_private_scheme(destination.redirect_uri),
        "user_email": user.email,
        "user_name": user.name,
        "organizations": describe_organizations(memberships, allowed),
        "scopes": describe_scopes(authorization, frozenset().union(*allowed.values())),
        "resource": authorization.resource,
    }


def describe_organizations(
    memberships: list[Membership], allowed: Mapping[UUID, frozenset[str]]
) -> list[dict[str, Any]]:
    """The person's organizations, and what each has allowed this client so far.

    One is chosen already if it is the only one, or the only connected one. Otherwise the person
    chooses; a default would be clicked through.
    """
    only = len(memberships) == 1
    return [
        {
            "id": membership.organization_id,
            "name": membership.organization.name,
            "role": membership.get_role_display(),
            "selected": only or set(allowed) == {membership.organization_id},
            "allowed": [
                TIERS[name].title
                for name in SUPPORTED
                if name in allowed.get(membership.organization_id, ())
            ],
        }
        for membership in memberships
    ]


def describe_scopes(
    authorization: AuthorizationRequest, ticked: frozenset[str]
) -> list[dict[str, Any]]:
    """The tiers that were asked for. Real effects are ticked by the person, or were before."""
    return [
        {
            "name": name,
            "title": TIERS[name].title,
            "description": TIERS[name].description,
            "locked": name in BASELINE,
            "checked": name != ACTIONS or name in ticked,
        }
        for name in authorization.scopes
    ]


def find_private_scheme(redirect_uri: str) -> str:
    """The scheme of a private-use redirect URI, or nothing."""
    is_private = find_kind(redirect_uri) is Kind.PRIVATE_USE
    return redirect_uri.partition(":")[0] if is_private else ""
