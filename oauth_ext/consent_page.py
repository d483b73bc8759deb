"""What the consent page says of a request. The name is a claim; the redirect host is the fact."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from accounts.addresses import fold_email
from accounts.models import Membership, User
from oauth_ext.authorization_request import AuthorizationRequest
from oauth_ext.client_trust import assess_client, find_links
from oauth_ext.connections import find_allowed, find_change_for, find_paused
from oauth_ext.models import Client
from oauth_ext.policies import find_role_scopes, name_narrowing
from oauth_ext.redirect_uris import Kind, find_authority, find_kind
from oauth_ext.scopes import ACTIONS, BASELINE, SUPPORTED, TIERS, format_scope
from oauth_ext.standing import find_member_scopes

MAX_UNKNOWN_SCOPES = 5


def describe_request(
    authorization: AuthorizationRequest,
    user: User,
    memberships: list[Membership],
    ticked: Collection[str] | None = None,
) -> dict[str, Any]:
    """Who asks, where the answer goes, who is asked, for which organization and for what.

    Args:
        ticked: the scopes that the person left ticked on an earlier page.
    """
    destination = authorization.destination
    allowed = find_allowed(user_id=user.pk, client=destination.client)
    change = find_change_for(user_id=user.pk, client=destination.client)
    # What was allowed to the client as it was is no answer for the client as it is.
    before = frozenset() if change else frozenset().union(*allowed.values())
    paused = find_paused(user_id=user.pk, client=destination.client)
    return {
        **describe_client(authorization),
        "change": change,
        "paused_in": [
            each.organization.name for each in memberships if each.organization_id in paused
        ],
        "user_email": user.email,
        "user_name": user.name,
        "is_other_account": is_other_account(authorization, user),
        "asks_for_account": authorization.asks_for_account,
        "organizations": describe_organizations(authorization, memberships, allowed),
        **describe_scopes(authorization, memberships, before, ticked),
        "resource": authorization.resource,
    }


def describe_client(authorization: AuthorizationRequest) -> dict[str, Any]:
    """Who asks and where the answer goes."""
    destination = authorization.destination
    trust = assess_client(destination.client, destination.redirect_uri)
    return {
        "client_name": destination.client.name,
        "trust": trust.tier.value,
        "has_secret": destination.client.client_type == Client.CLIENT_CONFIDENTIAL,
        "client_host": trust.document_host,
        "look_alike": trust.look_alike,
        "links": find_links(destination.client, destination.redirect_uri),
        "redirect_host": find_authority(destination.redirect_uri),
        "redirect_uri": destination.redirect_uri,
        "is_loopback": find_kind(destination.redirect_uri) is Kind.LOOPBACK,
        "private_scheme": find_private_scheme(destination.redirect_uri),
    }


def is_other_account(authorization: AuthorizationRequest, user: User) -> bool:
    """Whether the client asked for somebody else. Whom is not shown: it is a stranger's text."""
    hint = authorization.login_hint
    return bool(hint) and fold_email(hint) != fold_email(user.email)


def describe_organizations(
    authorization: AuthorizationRequest,
    memberships: list[Membership],
    allowed: Mapping[UUID, frozenset[str]],
) -> list[dict[str, Any]]:
    """The person's organizations, and what each has allowed this client so far.

    What was asked for is ``withheld`` there by the person's role, or ``barred`` by the
    organization, which allows it to no application.

    One is chosen already if it is the only one, or the only connected one. Otherwise the person
    chooses; a default would be clicked through.
    """
    only = len(memberships) == 1
    asked = frozenset(authorization.scopes)
    described = []
    for membership in memberships:
        grantable, of_role = find_member_scopes(membership), find_role_scopes(membership.role)
        is_possible = bool(asked & grantable)
        described.append(
            {
                "id": membership.organization_id,
                "name": membership.organization.name,
                "role": membership.get_role_display(),
                "is_possible": is_possible,
                "selected": is_possible and (only or set(allowed) == {membership.organization_id}),
                "allowed": list_titles(allowed.get(membership.organization_id, ())),
                "withheld": list_titles(asked - of_role),
                "barred": list_titles(asked & of_role - grantable),
            }
        )
    return described


def describe_scopes(
    authorization: AuthorizationRequest,
    memberships: list[Membership],
    allowed: frozenset[str],
    ticked: Collection[str] | None,
) -> dict[str, Any]:
    """The tiers that were asked for and can be had in some organization, and the rest by name.

    Real effects are ticked by the person, now or before.
    """
    offered = find_offered_scopes(authorization, memberships)
    return {
        "scopes": [
            {
                "name": name,
                "title": TIERS[name].title,
                "description": TIERS[name].description,
                "locked": name in BASELINE,
                "checked": name != ACTIONS or name in allowed if ticked is None else name in ticked,
            }
            for name in offered
        ],
        "withheld": list_titles(set(authorization.scopes) - set(offered)),
        "unknown_scopes": authorization.unknown_scopes[:MAX_UNKNOWN_SCOPES],
        "more_unknown_scopes": len(authorization.unknown_scopes[MAX_UNKNOWN_SCOPES:]),
    }


def find_offered_scopes(
    authorization: AuthorizationRequest, memberships: Iterable[Membership]
) -> tuple[str, ...]:
    """What was asked for and the person may grant in at least one organization."""
    grantable = frozenset().union(*(find_member_scopes(each) for each in memberships))
    return tuple(name for name in authorization.scopes if name in grantable)


def name_hindrance(authorization: AuthorizationRequest, memberships: Iterable[Membership]) -> str:
    """Why nothing can be offered: an organization that does not allow what a role would."""
    asked = format_scope(authorization.scopes)
    reasons = {name_narrowing(asked, membership.role) for membership in memberships}
    return "organization_policy" if "organization_policy" in reasons else "role_scope"


def list_titles(scopes: Iterable[str]) -> list[str]:
    """Scopes as people read them, in our order."""
    named = set(scopes)
    return [TIERS[name].title for name in SUPPORTED if name in named]


def find_private_scheme(redirect_uri: str) -> str:
    """The scheme of a private-use redirect URI, or nothing."""
    is_private = find_kind(redirect_uri) is Kind.PRIVATE_USE
    return redirect_uri.partition(":")[0] if is_private else ""
