"""``health_check``: whether everything works, and what will soon need somebody."""

import time
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import connection as database
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field

from mcp_endpoint import VERSION
from mcp_endpoint.context import CallContext
from mcp_endpoint.protocol import LATEST_LEGACY_VERSION, MODERN_VERSIONS
from mcp_endpoint.registry import tool
from oauth_ext.connection_control import find_visible_connection
from oauth_ext.connections import ConnectionSummary
from oauth_ext.policies import find_role_scopes
from oauth_ext.scopes import READ, SUPPORTED
from oauth_ext.sign_in_end import find_sign_in_end
from oauth_ext.verification import Principal

# As long before the end as people are first mailed about their personal access tokens.
SOON = timedelta(days=14)


class HealthCheckArguments(BaseModel):
    """There are none."""

    model_config = ConfigDict(extra="forbid")


class Notice(BaseModel):
    """Something that will need somebody, or already does."""

    code: str = Field(description="A slug that stays the same.")
    message: str
    what_to_do: str


class HealthCheckResult(BaseModel):
    """The state of this connection and of the server behind it."""

    status: Literal["ok", "attention"] = Field(description="attention if there are notices.")
    summary: str = Field(description="One sentence for the person.")
    organization: str
    role: str
    scopes: list[str]
    token_expires_at: datetime = Field(
        description="Of the token of this call; connected applications renew it by themselves."
    )
    sign_in_ends_at: datetime | None = Field(
        description="When the person must connect again at the latest; null for a personal access "
        "token, which simply ends."
    )
    unused_days_until_sign_in_ends: int | None = Field(
        description="It ends earlier if it lies unused for so long."
    )
    database: Literal["ok"] = Field(description="Without it there is no answer at all, but a 503.")
    database_ms: float = Field(description="How long the database took for the least question.")
    protocol_version: str = Field(description="What the client speaks.")
    newest_protocol_version: str
    server_version: str
    server_time: datetime
    notices: list[Notice]
    reference: str = Field(description="Of this very call, for support.")


@tool(scope=READ, title="Check the connection", read_only=True, open_world=False, metered=False)
def health_check(context: CallContext, arguments: HealthCheckArguments) -> HealthCheckResult:
    """Check that the connection works: token, permissions, organization, database, protocol.
    Lists what needs attention soon, each with what to do: a token or sign-in about to end, an
    application that must be allowed again, permissions that the person's role holds back, an
    old protocol revision. Call it first when something seems wrong; it changes nothing."""
    principal = context.principal
    database_ms = measure_database()
    summary = find_own_connection(principal)
    end = find_sign_in_end(principal.family_id) if principal.family_id else None
    notices = [
        *notice_protocol(context.protocol_version),
        *notice_end(principal, end.ends_at if end else None),
        *notice_connection(summary, principal),
    ]
    return HealthCheckResult(
        status="attention" if notices else "ok",
        summary=build_summary(notices),
        organization=principal.organization_name,
        role=principal.role,
        scopes=[scope for scope in SUPPORTED if scope in principal.scopes],
        token_expires_at=principal.expires_at.replace(microsecond=0),
        sign_in_ends_at=end.ends_at.replace(microsecond=0) if end else None,
        unused_days_until_sign_in_ends=end.max_idle.days if end else None,
        database="ok",
        database_ms=database_ms,
        protocol_version=context.protocol_version,
        newest_protocol_version=MODERN_VERSIONS[-1],
        server_version=VERSION,
        server_time=timezone.now().replace(microsecond=0),
        notices=notices,
        reference=context.reference,
    )


def measure_database() -> float:
    """Milliseconds for the least question.

    Raises:
        django.db.OperationalError: there is no answer; the call is answered 503.
    """
    started = time.perf_counter()
    with database.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return round((time.perf_counter() - started) * 1000, 2)


def find_own_connection(principal: Principal) -> ConnectionSummary | None:
    """The connection that this call came through; None for a personal access token."""
    if principal.connection_id is None:
        return None
    return find_visible_connection(principal, principal.connection_id)


def notice_protocol(version: str) -> list[Notice]:
    """A revision that is served for old clients."""
    if version in (*MODERN_VERSIONS, LATEST_LEGACY_VERSION):
        return []
    return [
        Notice(
            code="old_protocol",
            message=f"The client speaks the revision {version}, which is served for old clients.",
            what_to_do=f"Update the application; the newest revision is {MODERN_VERSIONS[-1]}.",
        )
    ]


def notice_end(principal: Principal, sign_in_ends_at: datetime | None) -> list[Notice]:
    """A personal access token or a sign-in that ends within two weeks."""
    ends_at = sign_in_ends_at or principal.expires_at
    remaining = ends_at - timezone.now()
    if remaining > SOON:
        return []
    day = f"{ends_at:%Y-%m-%d %H:%M} UTC"
    page = f"{settings.PUBLIC_URL}/settings/ai-access"
    if principal.personal_token_id is not None:
        return [
            Notice(
                code="token_ends_soon",
                message=f"This personal access token ends on {day}.",
                what_to_do=f"Replace it at {page}; the old one goes on working for a while.",
            )
        ]
    return [
        Notice(
            code="sign_in_ends_soon",
            message=f"This sign-in ends on {day}, however often the application renews it.",
            what_to_do="Connect the application again before that, or when it asks.",
        )
    ]


def notice_connection(summary: ConnectionSummary | None, principal: Principal) -> list[Notice]:
    """What stands between this connection and what was allowed."""
    if summary is None:
        return []
    notices = []
    if summary.change is not None and not summary.change.is_undone:
        notices.append(
            Notice(
                code="consent_needed_again",
                message="The application changed its name or its addresses since the person "
                "allowed it. It gets no new tokens.",
                what_to_do="Connect it again and look at what changed, or disconnect it.",
            )
        )
    return [*notices, *notice_held_back(summary, principal)]


def notice_held_back(summary: ConnectionSummary, principal: Principal) -> list[Notice]:
    """Permissions that the person gave and that this sign-in does not have at this moment."""
    missing = [
        scope for scope in SUPPORTED if scope in summary.scopes and scope not in principal.scopes
    ]
    if not missing:
        return []
    role, organization = find_role_scopes(principal.role), principal.organization_scopes
    if any(scope not in organization for scope in missing):
        why = f"{principal.organization_name} does not let applications use all of that."
        what_to_do = "Connecting again does not help; the organization would have to allow it."
    elif any(scope not in role for scope in missing):
        why = f"The person is {principal.role} in {principal.organization_name}, which is less."
        what_to_do = "Connecting again does not help; an owner or admin can change the role."
    else:
        why = "They were allowed on another device or at another time."
        what_to_do = "Connect the application again on this device and tick them."
    message = f"The person allowed {', '.join(missing)} too, but this sign-in does not carry it."
    return [Notice(code="permission_held_back", message=f"{message} {why}", what_to_do=what_to_do)]


def build_summary(notices: list[Notice]) -> str:
    """What to tell the person."""
    if not notices:
        return "Everything works, and nothing needs attention."
    count = "one thing needs" if len(notices) == 1 else f"{len(notices)} things need"
    return f"Everything works; {count} attention."
