"""``list_connected_applications``: what may act in the organization, and for whom."""

from datetime import timedelta
from typing import Literal

from django.db.models import Q, QuerySet
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.connection_answers import (
    ConnectedApplication,
    describe_connection,
    refuse_widening,
)
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.connection_control import select_visible_connections
from oauth_ext.connections import SUMMARIZED, summarize
from oauth_ext.models import Connection
from oauth_ext.scopes import READ

MAX_LIMIT = 100
MAX_IDLE_DAYS = 3650


class ListConnectedApplicationsArguments(BaseModel):
    """Whose connections, and which of them; all filters that are given must match."""

    model_config = ConfigDict(extra="forbid")

    whole_organization: bool = Field(
        default=False,
        description="Everybody's connections, not only your own. For owners and admins.",
    )
    state: Literal["active", "paused"] | None = Field(default=None, description="Only these.")
    unused_for_days: int | None = Field(
        default=None,
        ge=1,
        le=MAX_IDLE_DAYS,
        description="Only those that have not been used for so many days, or never since then.",
    )
    limit: int = Field(default=50, ge=1, le=MAX_LIMIT)
    page: int = Field(default=1, ge=1, le=1000, description="Newest connections are on page 1.")


class ListConnectedApplicationsResult(BaseModel):
    """The connections in one organization, newest first."""

    organization: str
    applications: list[ConnectedApplication]
    total: int = Field(description="How many match, on all pages.")
    next_page: int | None = Field(description="Pass it as page to read on; null at the end.")


@tool(scope=READ, title="List connected applications", read_only=True, open_world=False)
def list_connected_applications(
    context: CallContext, arguments: ListConnectedApplicationsArguments
) -> ListConnectedApplicationsResult:
    """List the applications that may act for you in this organization, with their permissions,
    who vouches for them and when they were last used. Owners and admins can list everybody's
    by setting whole_organization. Pass a connection_id to pause_application (can be undone),
    disconnect_application (cannot), resume_application or rename_application."""
    principal = context.principal
    try:
        rows = select_visible_connections(
            principal, whole_organization=arguments.whole_organization
        )
    except PermissionError as error:
        raise refuse_widening("list everybody's applications") from error
    matching = filter_connections(rows, arguments)
    total = matching.count()
    start = (arguments.page - 1) * arguments.limit
    end = start + arguments.limit
    page = matching.select_related(*SUMMARIZED)[start:end]
    return ListConnectedApplicationsResult(
        organization=principal.organization_name,
        applications=[
            describe_connection(summary, principal.connection_id) for summary in summarize(page)
        ],
        total=total,
        next_page=arguments.page + 1 if end < total else None,
    )


def filter_connections(
    rows: QuerySet[Connection], arguments: ListConnectedApplicationsArguments
) -> QuerySet[Connection]:
    """The connections that match every filter that was given, in a settled order."""
    if arguments.state is not None:
        rows = rows.filter(paused_at__isnull=arguments.state == "active")
    if arguments.unused_for_days is not None:
        since = timezone.now() - timedelta(days=arguments.unused_for_days)
        never = Q(last_used_at__isnull=True, created_at__lt=since)
        rows = rows.filter(Q(last_used_at__lt=since) | never)
    return rows.order_by("-created_at", "id")
