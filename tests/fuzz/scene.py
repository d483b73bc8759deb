"""Requests that are all in order, and the things that they name: what the mutations start from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.test import Client as Browser
from django.utils import timezone

from accounts.models import Membership, User
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.consents import Consent, grant_consent
from oauth_ext.models import AuthorizationCode, Client, PersonalAccessToken, RefreshToken
from oauth_ext.registration import register_client
from tests.conftest import Connected, World
from tests.factories import PASSWORD
from tests.fuzz.messages import Message, Pairs
from tests.oauth_client import (
    CALLBACK,
    RESOURCE,
    VERIFIER,
    OAuthClient,
    build_challenge,
    build_request,
    find_input,
)

SITE = "http://127.0.0.1:8000"
SCOPES = ("read", "draft")


@dataclass(frozen=True, slots=True)
class Scene:
    """``values`` by what they are, ``secrets`` that may never be seen, messages by endpoint."""

    values: Mapping[str, str]
    secrets: frozenset[str]
    cookies: Mapping[str, str]
    messages: Mapping[str, tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What it takes to set a scene: the fixtures of every test."""

    world: World
    client: Client
    connect: Callable[..., Connected]
    mint: Callable[..., str]
    sign_in: Callable[[User], Browser]
    origin: Origin


def set_scene(stage: Stage) -> Scene:
    """People, clients and tokens in every state, and the pages that Alice has open."""
    values = make_credentials(stage) | {"verifier": VERIFIER, "challenge": build_challenge()}
    secrets = frozenset(text for text in values.values() if text.startswith(("mcp_", "eyJ")))
    browser = stage.sign_in(stage.world.alice)
    values |= open_pages(browser, values)
    cookies = {"alice": format_cookies(browser), "ben": "", "": ""}
    cookies["ben"] = format_cookies(stage.sign_in(stage.world.ben))
    stranger = Browser()
    values["csrf_stranger"] = find_input(stranger.get("/accounts/login"), "csrfmiddlewaretoken")
    cookies["stranger"] = format_cookies(stranger)
    messages = {
        "token": build_token_requests(values),
        "revoke": build_revocations(values),
        "register": build_registrations(),
        "authorize": build_authorizations(values),
        "sign in": build_sign_ins(values),
        "settings": build_settings(values),
        "discovery": build_discoveries(),
    }
    return Scene(values, secrets, cookies, messages)


def format_cookies(browser: Browser) -> str:
    """The Cookie header of this browser."""
    return "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())


def make_credentials(stage: Stage) -> dict[str, str]:
    """One of each kind and state."""
    alice, acme = stage.world.alice, stage.world.acme
    metadata = parse_client_metadata({"client_name": "Another", "redirect_uris": [CALLBACK]})
    other = register_client(metadata, origin=stage.origin)
    connected = stage.connect(alice, acme, SCOPES)
    repeated, stolen, ended = (stage.connect(alice, acme, SCOPES) for _ in range(3))
    foreign = stage.connect(alice, acme, client=other)
    program = OAuthClient(client_id=stage.client.client_id)
    for family in (repeated, stolen):
        assert program.refresh(family.refresh_token).status_code == 200
    RefreshToken.objects.filter(family=stolen.family, superseded_at__isnull=False).update(
        superseded_at=timezone.now() - timedelta(hours=1)
    )
    assert program.revoke(ended.refresh_token).status_code == 200
    used = issue_code(stage, stage.client)
    assert program.exchange(used).status_code == 200
    AuthorizationCode.objects.filter(consumed_at__isnull=False).update(
        consumed_at=timezone.now() - timedelta(seconds=30)
    )
    minted = stage.mint(alice, acme)
    return {
        "client_id": stage.client.client_id,
        "other_client_id": other.client_id,
        "code": issue_code(stage, stage.client),
        "used_code": used,
        "foreign_code": issue_code(stage, other),
        "refresh": connected.refresh_token,
        "repeated_refresh": repeated.refresh_token,
        "stolen_refresh": stolen.refresh_token,
        "ended_refresh": ended.refresh_token,
        "foreign_refresh": foreign.refresh_token,
        "access": connected.access_token,
        "personal": minted,
        "email": alice.email,
        "organization": str(acme.id),
        "borealis": str(stage.world.borealis.id),
        "connection": str(connected.connection.id),
        "personal_id": str(PersonalAccessToken.objects.get().id),
        "membership": str(Membership.objects.get(user=alice, organization=acme).id),
        "reference": stage.origin.reference,
        "callback": CALLBACK,
        "resource": RESOURCE,
    }


def issue_code(stage: Stage, client: Client) -> str:
    """A fresh code for Alice in Acme."""
    membership = Membership.objects.get(user=stage.world.alice, organization=stage.world.acme)
    request = build_request(client, SCOPES)
    return grant_consent(Consent(request, membership, SCOPES, new_reference()), origin=stage.origin)


def open_pages(browser: Browser, values: Mapping[str, str]) -> dict[str, str]:
    """What the forms on Alice's screen carry."""
    query = OAuthClient(client_id=values["client_id"]).authorization_url(scope="read draft")
    consent = browser.get(query)
    settings = browser.get("/settings/ai-access")
    return {
        "digest": find_input(consent, "digest"),
        "csrf": find_input(consent, "csrfmiddlewaretoken"),
        "nonce": find_input(settings, "nonce"),
    }


def name_fields(**fields: str) -> Pairs:
    """Fields in the order in which they are given."""
    return tuple(fields.items())


def build_token_requests(values: Mapping[str, str]) -> tuple[Message, ...]:
    """Exchanges and refreshes, of what is good and of what has been used."""
    exchange = {
        "grant_type": "authorization_code",
        "code": values["code"],
        "redirect_uri": CALLBACK,
        "client_id": values["client_id"],
        "code_verifier": VERIFIER,
        "resource": RESOURCE,
    }
    renewal = {
        "grant_type": "refresh_token",
        "refresh_token": values["refresh"],
        "client_id": values["client_id"],
        "scope": "read",
        "resource": RESOURCE,
    }
    forms: dict[str, dict[str, str]] = {
        "exchange": exchange,
        "exchange again": exchange | {"code": values["used_code"]},
        "refresh": renewal,
        "refresh again": renewal | {"refresh_token": values["repeated_refresh"]},
        "refresh late": renewal | {"refresh_token": values["stolen_refresh"]},
    }
    return tuple(
        Message(name, "POST", "/token", form=tuple(form.items())) for name, form in forms.items()
    )


def build_revocations(values: Mapping[str, str]) -> tuple[Message, ...]:
    """Of both kinds of token, and of another client's."""
    return tuple(
        Message(
            f"revoke {kind}",
            "POST",
            "/revoke",
            form=name_fields(client_id=values["client_id"], token=values[kind]),
        )
        for kind in ("refresh", "access", "foreign_refresh")
    )


def build_registrations() -> tuple[Message, ...]:
    """As little as possible, and everything."""
    little: dict[str, Any] = {"redirect_uris": ["http://127.0.0.1/callback"]}
    much = little | {
        "client_name": "Fuzzed",
        "redirect_uris": [CALLBACK, "http://localhost:33418/", "vscode://x.y/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": "read draft",
        "client_uri": "https://client.example/",
        "logo_uri": "https://client.example/logo.png",
        "software_id": "fuzz",
        "contacts": ["ops@client.example"],
    }
    return (
        Message("register little", "POST", "/register", document=little),
        Message("register much", "POST", "/register", document=much),
    )


def build_authorizations(values: Mapping[str, str]) -> tuple[Message, ...]:
    """Asked for, allowed and cancelled."""
    query = name_fields(
        response_type="code",
        client_id=values["client_id"],
        redirect_uri=CALLBACK,
        scope="read draft",
        state="a-state",
        code_challenge=build_challenge(),
        code_challenge_method="S256",
        resource=RESOURCE,
    )
    form = name_fields(
        csrfmiddlewaretoken=values["csrf"],
        digest=values["digest"],
        organization=values["organization"],
        scopes="draft",
        decision="allow",
    )
    allow = Message("allow", "POST", "/authorize", query, form, who="alice")
    return (
        Message("authorize", "GET", "/authorize", query, headers={"ACCEPT": "text/html"}),
        Message("authorize alice", "GET", "/authorize", query, who="alice"),
        allow,
        replace(allow, name="cancel", form=(*form[:4], ("decision", "deny"))),
    )


def build_sign_ins(values: Mapping[str, str]) -> tuple[Message, ...]:
    """The pages of accounts, from before and after the sign-in."""
    token = ("csrfmiddlewaretoken", values["csrf_stranger"])
    login = (token, ("login", values["email"]), ("password", PASSWORD), ("next", "/settings/x"))
    own = ("csrfmiddlewaretoken", values["csrf"])
    new = ("password1", "another long password"), ("password2", "another long password")
    forms: tuple[tuple[str, str, Pairs], ...] = (
        ("login", "login", login),
        ("wrong login", "login", (*login[:2], ("password", "no"))),
        ("reset", "password/reset", (token, ("email", values["email"]))),
        ("change", "password/change", (own, ("oldpassword", PASSWORD), *new)),
        ("reauthenticate", "reauthenticate", (own, ("password", PASSWORD))),
        ("logout", "logout", (own, ("next", "/"))),
    )
    browsers = {token: "stranger", own: "alice"}
    page = Message("login page", "GET", "/accounts/login", (("next", "/x?a=b"),), who="stranger")
    return (
        page,
        replace(page, name="reset key", path="/accounts/password/reset/key/1-a"),
        *(
            Message(name, "POST", f"/accounts/{path}", form=form, who=browsers[form[0]])
            for name, path, form in forms
        ),
    )


def build_settings(values: Mapping[str, str]) -> tuple[Message, ...]:
    """Everything below /settings."""
    token = ("csrfmiddlewaretoken", values["csrf"])
    mint = (
        token,
        ("nonce", values["nonce"]),
        ("label", "Fuzzed"),
        ("organization", values["membership"]),
        ("scopes", "read"),
        ("expires_in_days", "30"),
    )
    filters = name_fields(log="me", outcome="refused", q=values["reference"], before="99999")
    control = f"/settings/ai-access/connections/{values['connection']}/"
    connection = control + "disconnect"
    personal = f"/settings/ai-access/tokens/{values['personal_id']}/revoke"
    return (
        Message("ai access", "GET", "/settings/ai-access", who="alice"),
        Message("mint", "POST", "/settings/ai-access/tokens", form=mint, who="alice"),
        Message("activity", "GET", "/settings/activity", filters, who="alice"),
        Message(
            "organization's activity",
            "GET",
            "/settings/activity",
            (("log", values["organization"]), *filters[1:]),
            who="alice",
        ),
        Message("disconnect page", "GET", connection, who="alice"),
        Message("disconnect", "POST", connection, form=(token,), who="alice"),
        Message("pause", "POST", control + "pause", form=(token,), who="alice"),
        Message("resume", "POST", control + "resume", form=(token,), who="alice"),
        Message("label", "POST", control + "label", form=(token, ("label", "x")), who="alice"),
        Message("revoke personal", "POST", personal, form=(token,), who="alice"),
    )


def build_discoveries() -> tuple[Message, ...]:
    """Everything that takes nothing."""
    known = "/.well-known/"
    return tuple(
        Message(path, "GET", path)
        for path in (
            f"{known}oauth-authorization-server",
            f"{known}oauth-protected-resource",
            f"{known}oauth-protected-resource/mcp",
            f"{known}jwks.json",
            "/",
            "/livez",
            "/readyz",
            "/authorize/resume",
            "/static/docjacket.css",
            "/nothing/here",
        )
    )
