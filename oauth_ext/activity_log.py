"""The activity log with names: what the page and the tools show of it.

The log keeps identifiers only. Names are looked up here, above the log, and whatever has been
deleted since is simply nameless.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Membership, Organization, User
from activity.models import ActivityEvent
from activity.narrative import build_reason, build_title
from oauth_ext.models import Client

OPERATOR = "an operator"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One row as people read it.

    ``by`` is who did it, where that is not the person whom the row concerns: an address for a
    member of the same organization, "an operator" for anybody else.
    """

    id: int
    at: datetime
    title: str
    event: str
    outcome: str
    reason: str
    reason_text: str
    reference: str
    user_email: str
    organization_name: str
    client_name: str
    tool: str
    latency_ms: float | None
    details_text: str
    by: str = ""


def build_entries(events: Iterable[ActivityEvent]) -> list[LogEntry]:
    """Rows with the names of what they mention; four queries at most."""
    rows = list(events)
    emails = dict(
        User.objects.filter(id__in={row.user_id for row in rows}).values_list("id", "email")
    )
    organizations: dict[UUID, str] = dict(
        Organization.objects.filter(id__in={row.organization_id for row in rows}).values_list(
            "id", "name"
        )
    )
    clients = find_client_names(row.client_id for row in rows)
    actors = name_actors(rows)
    return [
        LogEntry(
            id=row.id,
            at=row.at,
            title=build_title(row),
            event=row.event,
            outcome=row.outcome,
            reason=row.reason,
            reason_text=build_reason(row),
            reference=row.reference,
            user_email=emails.get(row.user_id, "") if row.user_id else "",
            organization_name=(
                organizations.get(row.organization_id, "") if row.organization_id else ""
            ),
            # A personal access token has no client; its label stands where a name would.
            client_name=clients.get(row.client_id, row.client_id) or row.details.get("label", ""),
            tool=row.tool,
            latency_ms=round(row.latency_ms, 1) if row.latency_ms is not None else None,
            details_text=json.dumps(row.details, indent=2) if row.details else "",
            by=actors.get(row.id, ""),
        )
        for row in rows
    ]


def find_client_names(client_ids: Iterable[str]) -> dict[str, str]:
    """What clients call themselves, by their ids; those that are gone are left out."""
    rows = Client.objects.filter(client_id__in=set(client_ids) - {""})
    return dict(rows.values_list("client_id", "name"))


def name_actors(rows: Iterable[ActivityEvent]) -> dict[int, str]:
    """Who did what concerns somebody else, by the numbers of the rows."""
    others = [
        (row, str(row.details["by_user"]))
        for row in rows
        if row.details.get("by_user", str(row.user_id)) != str(row.user_id)
    ]
    if not others:
        return {}
    memberships = Membership.objects.filter(
        user_id__in={actor for _, actor in others},
        organization_id__in={row.organization_id for row, _ in others},
    ).values_list("user_id", "organization_id", "user__email")
    emails: dict[tuple[str, UUID | None], str] = {
        (str(user_id), found): email for user_id, found, email in memberships
    }
    # An operator's own address is for the operators' log.
    return {row.id: emails.get((actor, row.organization_id), OPERATOR) for row, actor in others}
