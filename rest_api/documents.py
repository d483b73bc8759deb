"""What the API answers with. Fields are added to v1, never renamed or removed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from activity.models import ActivityEvent
from mcp_endpoint.connection_answers import describe_connection
from mcp_endpoint.tools.list_personal_access_tokens import describe_token
from mcp_endpoint.tools.search_activity import describe
from oauth_ext.activity_log import build_entries
from oauth_ext.connections import ConnectionSummary
from oauth_ext.personal_tokens import PersonalTokenSummary
from oauth_ext.scopes import SUPPORTED
from oauth_ext.verification import Principal


class Me(BaseModel):
    """The person, the organization and the credential of this request."""

    name: str
    email: str
    role: str = Field(description="owner, admin, member or viewer in the organization")
    organization: str
    organization_id: UUID
    client: str = Field(description="What the application calls itself, or the token's label.")
    client_id: str = Field(description="Empty for a personal access token.")
    connection_id: UUID | None = Field(description="Null for a personal access token.")
    scopes: list[str] = Field(description="What the token may do now: read, draft, actions.")
    token_expires_at: datetime


class Connection(BaseModel):
    """One person's permission for one application. Names and labels are other people's texts."""

    id: UUID
    client: str = Field(description="What the application calls itself; a claim.")
    client_id: str
    label: str = Field(description="The person's own name for it; may be empty.")
    identity: str = Field(
        description="verified: its publisher's own host receives the answers; described: it "
        "published a description elsewhere; registered: an operator added it; unverified: nobody "
        "vouches for the name."
    )
    looks_like: str = Field(
        description="The well-known application that its name imitates; empty normally."
    )
    redirect_hosts: list[str] = Field(
        description="The hosts it may send people back to after they allow it."
    )
    user_email: str = Field(description="Whom it acts for.")
    scopes: list[str]
    state: str = Field(description="active or paused")
    is_switched_off: bool = Field(description="Whether the operator refuses this application.")
    needs_consent_again: bool = Field(
        description="It has changed; it gets no new access until the person allows it again."
    )
    connected_at: datetime
    last_used_at: datetime | None
    is_this_connection: bool = Field(description="Whether this request was made through it.")


class ConnectionPage(BaseModel):
    """Connections in one organization, newest first."""

    organization: str
    connections: list[Connection]
    next_cursor: str | None = Field(description="Pass it as cursor to read on; null at the end.")


class PersonalAccessToken(BaseModel):
    """A personal access token without its secret, which nobody can see again."""

    id: UUID
    label: str = Field(description="What its owner calls it.")
    last_four: str = Field(description="The end of the secret.")
    user_email: str = Field(description="Whom it acts for.")
    scopes: list[str] = Field(description="What its owner's role allows of it now.")
    only_tools: list[str] | None = Field(
        description="Names of the only tools it may use, here and on /mcp; null for all."
    )
    state: str = Field(
        description="active; expired; replaced: works until expires_at beside its successor"
    )
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_network: str = Field(description="Where from, as a network; empty if never used.")
    is_this_token: bool = Field(description="Whether this request was made with it.")


class PersonalAccessTokenPage(BaseModel):
    """Personal access tokens for one organization, newest first."""

    organization: str
    personal_access_tokens: list[PersonalAccessToken]
    next_cursor: str | None = Field(description="Pass it as cursor to read on; null at the end.")


class ActivityEntry(BaseModel):
    """One event. Texts that strangers wrote (user agents, arguments) are left out."""

    id: int
    at: datetime
    event: str
    what: str = Field(description="The event in people's words.")
    outcome: str
    reason: str = Field(description="Why it was refused or failed, as a slug; empty otherwise.")
    why: str = Field(description="The reason in people's words.")
    tool: str
    reference: str
    user_id: UUID | None
    user_email: str
    client_id: str
    client: str = Field(description="What the application calls itself; a claim.")
    connection_id: UUID | None
    protocol_version: str
    http_status: int | None
    latency_ms: float | None


class ActivityPage(BaseModel):
    """A page of events, newest first."""

    organization: str
    entries: list[ActivityEntry]
    next_cursor: str | None = Field(description="Pass it as cursor to read on; null at the end.")


def build_me(principal: Principal) -> Me:
    """Whom a token stands for."""
    return Me(
        name=principal.user_name,
        email=principal.email,
        role=principal.role,
        organization=principal.organization_name,
        organization_id=principal.organization_id,
        client=principal.client_name,
        client_id=principal.client_id,
        connection_id=principal.connection_id,
        scopes=[scope for scope in SUPPORTED if scope in principal.scopes],
        token_expires_at=principal.expires_at.replace(microsecond=0),
    )


def build_connection(summary: ConnectionSummary, principal: Principal) -> Connection:
    """A connection as this caller sees it: what the tool tells, under the names of v1."""
    told = describe_connection(summary, principal.connection_id)
    return Connection(id=summary.id, **told.model_dump())


def build_personal_token(
    summary: PersonalTokenSummary, principal: Principal
) -> PersonalAccessToken:
    """A personal access token as this caller sees it."""
    told = describe_token(summary, principal.personal_token_id)
    return PersonalAccessToken(id=summary.id, **told.model_dump())


def build_activity(rows: Sequence[ActivityEvent]) -> list[ActivityEntry]:
    """Events with the names of what they mention: what the tool tells."""
    told = map(describe, rows, build_entries(rows))
    return [ActivityEntry.model_validate(entry.model_dump()) for entry in told]
