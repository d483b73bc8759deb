"""``whoami``: whom the caller's token stands for."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.scopes import READ, SUPPORTED


class WhoamiArguments(BaseModel):
    """There are none: the token says it all."""

    model_config = ConfigDict(extra="forbid")


class WhoamiResult(BaseModel):
    """The person, the organization and the credential of this call."""

    name: str
    email: str
    organization: str
    organization_id: UUID
    role: str = Field(description="owner, admin, member or viewer in the organization")
    client: str = Field(description="What the connected application calls itself; a claim.")
    client_id: str = Field(description="Empty for a personal access token.")
    connection_id: UUID | None = Field(description="Null for a personal access token.")
    scopes: list[str] = Field(description="What this application may do: read, draft, actions.")
    token_expires_at: datetime


@tool(scope=READ, title="Who am I", read_only=True, open_world=False)
def whoami(context: CallContext, arguments: WhoamiArguments) -> WhoamiResult:
    """Show who you act for: the person, their organization and role, and what this connection
    may do. Takes no arguments."""
    principal = context.principal
    return WhoamiResult(
        name=principal.user_name,
        email=principal.email,
        organization=principal.organization_name,
        organization_id=principal.organization_id,
        role=principal.role,
        client=principal.client_name,
        client_id=principal.client_id,
        connection_id=principal.connection_id,
        scopes=[scope for scope in SUPPORTED if scope in principal.scopes],
        token_expires_at=principal.expires_at.replace(microsecond=0),
    )
