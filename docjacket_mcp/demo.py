"""The demo world: two organizations, four people, and a little history. Quick start only."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from django.db import transaction

from accounts.models import Membership, Organization, Role, User
from activity.events import Event, Outcome
from activity.origin import Origin
from activity.recorder import record_event
from activity.references import new_reference
from docjacket_mcp.quickstart_banner import DEMO_PASSWORD as PASSWORD
from oauth_ext.authorization_request import AuthorizationRequest, Destination
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.codes import CodeRedemption, redeem_code
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.models import Client
from oauth_ext.personal_tokens import mint_personal_token
from oauth_ext.registration import register_client
from oauth_ext.resources import resolve_resource
from oauth_ext.verification import Principal, record_use, verify_bearer

OPERATOR = "admin@docjacket.example"
VERIFIER = "demo-verifier-that-is-used-once-for-each-code"

CLAUDE = {
    "client_name": "Claude",
    "redirect_uris": [
        "https://claude.ai/api/mcp/auth_callback",
        "https://claude.com/api/mcp/auth_callback",
    ],
}
CURSOR = {
    "client_name": "Cursor",
    "redirect_uris": [
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "http://localhost:8787/callback",
    ],
}


def load_demo_world() -> bool:
    """Make the demo world unless it is there already; whether it was made now."""
    if User.objects.filter(email=OPERATOR).exists():
        return False
    with transaction.atomic():
        User.objects.create_superuser(OPERATOR, PASSWORD, name="Demo operator")
        alice = User.objects.create_user("alice@acme.example", PASSWORD, name="Alice Archer")
        ben = User.objects.create_user("ben@acme.example", PASSWORD, name="Ben Baker")
        cleo = User.objects.create_user("cleo@borealis.example", PASSWORD, name="Cleo Carter")
        acme = Organization.objects.create(name="Acme", slug="acme")
        borealis = Organization.objects.create(name="Borealis", slug="borealis")
        owner = Membership.objects.create(user=alice, organization=acme, role=Role.OWNER)
        Membership.objects.create(user=alice, organization=borealis, role=Role.MEMBER)
        member = Membership.objects.create(user=ben, organization=acme, role=Role.MEMBER)
        Membership.objects.create(user=cleo, organization=borealis, role=Role.OWNER)
        tell_history(owner, member)
    return True


def tell_history(alice: Membership, ben: Membership) -> None:
    """What Alice and Ben have done so far, through the real functions."""
    claude = register(CLAUDE)
    call_tools(connect(alice, claude, ("read", "actions")), "whoami", "search_activity")
    call_tools(connect(ben, register(CURSOR), ("read",)), "whoami", "list_connected_applications")
    mint_personal_token(
        alice,
        label="Nightly report",
        scopes=["read"],
        days=90,
        nonce=new_reference(),
        origin=draw(),
    )


def draw() -> Origin:
    """An origin of its own for each step, from an address reserved for documentation."""
    return Origin(reference=new_reference(), ip="192.0.2.10", user_agent="demo")


def register(document: Mapping[str, object]) -> Client:
    """A client by dynamic registration."""
    return register_client(parse_client_metadata(document), origin=draw())


def connect(membership: Membership, client: Client, scopes: tuple[str, ...]) -> Principal:
    """A connection by consent, code and token."""
    challenge = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    destination = Destination(client, client.redirect_uri_list[0], "")
    request = AuthorizationRequest(destination, scopes, resolve_resource(()), challenge)
    code = grant_consent(Consent(request, membership, scopes, nonce=new_reference()), origin=draw())
    redemption = CodeRedemption(code, client, "", VERIFIER, ())
    return verify_bearer(redeem_code(redemption, origin=draw()).access_token)


def call_tools(principal: Principal, *tools: str) -> None:
    """Calls that went well, and one that asked for too much."""
    for position, tool in enumerate(tools):
        record_event(
            Event.TOOL_CALLED,
            origin=draw(),
            user_id=principal.user_id,
            organization_id=principal.organization_id,
            client_id=principal.client_id,
            connection_id=principal.connection_id,
            tool=tool,
            protocol_version="2025-11-25",
            latency_ms=3.1 + position,
        )
    if "actions" not in principal.scopes:
        record_event(
            Event.SCOPE_REFUSED,
            origin=draw(),
            outcome=Outcome.REFUSED,
            reason="insufficient_scope",
            user_id=principal.user_id,
            organization_id=principal.organization_id,
            client_id=principal.client_id,
            connection_id=principal.connection_id,
            tool="disconnect_application",
            http_status=403,
        )
    record_use(principal, origin=draw())
