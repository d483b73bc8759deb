"""``whoami``: whom the caller's token stands for."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint.connection_answers import CLAIM
from mcp_endpoint.context import CallContext
from mcp_endpoint.registry import tool
from oauth_ext.scopes import READ, SUPPORTED

Credential = Literal["connected application", "personal access token"]


class WhoamiArguments(BaseModel):
    """There are none: the token says it all."""

    model_config = ConfigDict(extra="forbid")


class WhoamiResult(BaseModel):
    """The person, the organization and the credential of this call."""

    name: str
    email: str
    organization: str = Field(description="The only one that this connection can see or change.")
    organization_id: UUID
    role: str = Field(description="owner, admin, member or viewer in the organization")
    credential: Credential
    client: str = Field(description=f"{CLAIM} For a personal access token, its label.")
    client_id: str = Field(description="Empty for a personal access token.")
    connection_id: UUID | None = Field(description="Null for a personal access token.")
    personal_access_id: UUID | None = Field(description="Null for a connected application.")
    scopes: list[str] = Field(
        description="What may be done through it: read; draft, which prepares and contacts "
        "nobody; actions, which take effect at once."
    )
    only_tools: list[str] | None = Field(
        description="The only tools that this personal access token may call; null if all."
    )
    token_expires_at: datetime = Field(description="Connected applications renew it by themselves.")
    reference: str = Field(description="Of this very call, for support.")


@tool(scope=READ, title="Who am I", read_only=True, open_world=False, metered=False)
def whoami(context: CallContext, arguments: WhoamiArguments) -> WhoamiResult:
    """Show who you act for: the person, their organization and role, and what this connection
    may do. Takes no arguments. To see which tools that allows, call list_tools_for_me; to see
    whether anything needs attention, call health_check."""
    principal = context.principal
    is_personal = principal.personal_token_id is not None
    return WhoamiResult(
        name=principal.user_name,
        email=principal.email,
        organization=principal.organization_name,
        organization_id=principal.organization_id,
        role=principal.role,
        credential="personal access token" if is_personal else "connected application",
        client=principal.client_name,
        client_id=principal.client_id,
        connection_id=principal.connection_id,
        personal_access_id=principal.personal_token_id,
        scopes=[scope for scope in SUPPORTED if scope in principal.scopes],
        only_tools=None if principal.allowed_tools is None else sorted(principal.allowed_tools),
        token_expires_at=principal.expires_at.replace(microsecond=0),
        reference=context.reference,
    )
