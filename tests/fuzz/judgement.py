"""What must be true of every answer, whatever was asked.

No fault; a reference that leads to a row for every refusal; JSON for programs; no way out of the
site but to the client's own callback; no change that no row explains; nothing granted to a
request that does not have every part of it right; no secret in the log.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.http import HttpResponse

from activity.events import Event, Outcome
from activity.models import ActivityEvent
from tests.fuzz.messages import Message
from tests.fuzz.scene import SCOPES, SITE, Scene
from tests.oauth_client import CALLBACK, RESOURCE, VERIFIER

PROGRAMS = frozenset({"/token", "/register", "/revoke"})
REFERENCE = re.compile(r"[0-9A-HJKMNP-TV-Z]{13}")
# RFC 6749 §5.2: printable ASCII without quotes and backslashes.
DESCRIPTION = re.compile(r"[ !#-\[\]-~]+")
HARMLESS_URI = re.compile(
    r"https://[!-~]+|http://(127\.0\.0\.1|\[::1\]|localhost)([:/?][!-~]*)?"
    r"|cursor://anysphere\.cursor-mcp/oauth/callback"
)
RESOURCES = frozenset({RESOURCE, f"{RESOURCE}/", SITE, f"{SITE}/"})
CLIENT, CONNECTION = "oauth_ext_client", "oauth_ext_connection"
CODE, FAMILY = "oauth_ext_authorizationcode", "oauth_ext_tokenfamily"
REFRESH, PERSONAL = "oauth_ext_refreshtoken", "oauth_ext_personalaccesstoken"
USER = "accounts_user"
# Which tables a row of the log explains a change of.
EXPLAINED = {
    Event.CLIENT_REGISTERED: {CLIENT},
    Event.CONSENT_GRANTED: {CONNECTION},
    Event.CODE_ISSUED: {CODE},
    Event.TOKEN_ISSUED: {CODE, FAMILY, REFRESH},
    Event.TOKEN_REFRESHED: {FAMILY, REFRESH},
    Event.CODE_REPLAYED: {FAMILY, REFRESH},
    Event.REFRESH_TOKEN_REPLAYED: {FAMILY, REFRESH},
    Event.TOKEN_REVOKED: {FAMILY, REFRESH},
    Event.CONNECTION_REVOKED: {CONNECTION, FAMILY, REFRESH},
    Event.CONNECTION_PAUSED: {CONNECTION},
    Event.CONNECTION_RESUMED: {CONNECTION},
    Event.CONNECTION_RENAMED: {CONNECTION},
    Event.PERSONAL_TOKEN_MINTED: {PERSONAL},
    Event.PERSONAL_TOKEN_REVOKED: {PERSONAL},
    Event.SIGNED_IN: {USER},
    Event.PASSWORD_SET: {USER},
}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One answer with everything it left behind."""

    message: Message
    answer: HttpResponse
    rows: Sequence[ActivityEvent]
    changed: frozenset[str]

    @property
    def location(self) -> str:
        """Where the answer redirects to, if it does."""
        return str(self.answer.get("Location", ""))

    @property
    def returned(self) -> Mapping[str, str]:
        """The parameters that went back to the client by redirect."""
        if not self.location.startswith(f"{CALLBACK}?"):
            return {}
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def is_refused(self) -> bool:
        """An error, in either form; a form that is shown again with its mistakes is none."""
        status = self.answer.status_code
        return (status >= 400 and status != 422) or "error" in self.returned

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.answer.content)


def judge(outcomes: Outcomes, scene: Scene) -> None:
    """Raise AssertionError if the answer breaks any rule."""
    answer = outcomes.answer
    assert answer.status_code < 500, (answer.status_code, answer.content[:500])
    check_location(outcomes)
    if outcomes.is_refused:
        check_reference(outcomes)
    explained = explain(outcomes.rows)
    assert outcomes.changed <= explained, (outcomes.changed - explained, outcomes.rows)
    check_log(outcomes.rows, scene.secrets)
    if answer.status_code in (200, 201, 302):
        check_grant(outcomes, scene)


def check_location(outcomes: Outcomes) -> None:
    """A redirect stays on the site or goes to the callback that the client registered."""
    location = outcomes.location
    assert not re.search(r"[\x00-\x20\x7f-\uffff]", location), location
    if location and not location.startswith(f"{CALLBACK}?"):
        parts = urlsplit(location)
        assert (parts.scheme, parts.netloc) in (("", ""), ("http", "127.0.0.1:8000")), location
        assert not location.startswith(("//", "/\\")), location
    assert not {"code", "error"} <= set(outcomes.returned), location


def check_reference(outcomes: Outcomes) -> None:
    """The reference of a refusal is shown, and leads to rows none of which claims a success."""
    answer = outcomes.answer
    reference = answer["Reference-Id"]
    assert REFERENCE.fullmatch(reference)
    assert reference in {row.reference for row in outcomes.rows}, "the reference leads nowhere"
    assert {row.outcome for row in outcomes.rows} == {Outcome.REFUSED}, outcomes.rows
    if outcomes.returned:
        if outcomes.returned["error"] != "access_denied":
            assert reference in outcomes.returned["error_description"]
        return
    if outcomes.message.method == "HEAD":
        return
    assert reference in answer.content.decode()
    path, reasons = outcomes.message.path, {row.reason for row in outcomes.rows}
    # The net below everything else catches what no check of ours has seen; none may need it.
    if path in PROGRAMS or (path, outcomes.message.method) == ("/authorize", "GET"):
        assert "bad_request" not in reasons, outcomes.answer.content
    if path in PROGRAMS or path.startswith("/.well-known/"):
        assert answer["Content-Type"] == "application/json", answer.content
        assert answer["Cache-Control"] == "no-store"
        document = outcomes.document
        assert {"error", "error_description", "reference"} == set(document)
        assert DESCRIPTION.fullmatch(document["error_description"]), document
        assert DESCRIPTION.fullmatch(document["error"]), document


def explain(rows: Iterable[ActivityEvent]) -> set[str]:
    """The tables whose change these rows account for."""
    tables: set[str] = set()
    for row in rows:
        tables |= EXPLAINED.get(Event(row.event), set())
        # Wrong verifiers are counted on the code itself: five burn it.
        if row.reason == "pkce_mismatch":
            tables.add(CODE)
    return tables


def check_log(rows: Iterable[ActivityEvent], secrets: frozenset[str]) -> None:
    """No secret is in a row, wherever in the request it stood."""
    for row in rows:
        text = json.dumps([row.reason, row.client_id, row.user_agent, row.details])
        assert not [secret for secret in secrets if secret in text], text


def check_grant(outcomes: Outcomes, scene: Scene) -> None:
    """What was granted was asked for rightly."""
    path, status = outcomes.message.path, outcomes.answer.status_code
    if outcomes.message.method == "OPTIONS":  # a preflight that CORS answers
        return
    if path == "/token" and status == 200:
        check_tokens(outcomes, scene)
    elif path == "/register" and status == 201:
        check_registration(outcomes.document)
    elif path == "/authorize" and (
        "code" in outcomes.returned or b'name="digest"' in outcomes.answer.content
    ):
        check_authorization(outcomes, scene)


def read_form(message: Message, errors: str = "strict") -> dict[str, list[str]]:
    """The form of the message, by the standard library's reading."""
    body = message.render_body().decode(errors=errors)
    return parse_qs(body, keep_blank_values=True, errors=errors)


def check_tokens(outcomes: Outcomes, scene: Scene) -> None:
    """Tokens come from the right code or refresh token, with everything that belongs to it."""
    form, values = read_form(outcomes.message), scene.values
    assert all(len(given) == 1 for name, given in form.items() if name != "resource"), form
    single = {name: given[0] for name, given in form.items()}
    assert name_client(outcomes.message, single) == values["client_id"]
    assert set(form.get("resource", [])) - {""} <= RESOURCES, form
    if single["grant_type"] == "authorization_code":
        assert single["code"] == values["code"]
        assert single["code_verifier"] == VERIFIER
        assert single.get("redirect_uri", "") in ("", CALLBACK)
    else:
        assert single["grant_type"] == "refresh_token"
        assert single["refresh_token"] in (values["refresh"], values["repeated_refresh"])
    document = outcomes.document
    claims = json.loads(decode_base64(document["access_token"].split(".")[1]))
    assert set(document["scope"].split()) <= set(SCOPES)
    assert (claims["aud"], claims["org_id"]) == (RESOURCE, values["organization"])
    assert (claims["client_id"], claims["scope"]) == (values["client_id"], document["scope"])


def name_client(message: Message, form: Mapping[str, str]) -> str:
    """Who says it is speaking: the field and the header must not disagree."""
    named = {form["client_id"]} if form.get("client_id") else set()
    header = message.headers.get("AUTHORIZATION", "")
    if header:
        named.add(decode_base64(header.split(" ", 1)[1]).decode().partition(":")[0])
    assert len(named) == 1, named
    return named.pop()


def decode_base64(text: str) -> bytes:
    """Base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_registration(document: Mapping[str, Any]) -> None:
    """A public client with harmless redirect URIs."""
    assert document["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in document
    assert document["redirect_uris"]
    for uri in document["redirect_uris"]:
        assert HARMLESS_URI.fullmatch(uri), uri
    assert str(document.get("client_name", "")).isprintable()


def check_authorization(outcomes: Outcomes, scene: Scene) -> None:
    """A person is asked, and a code is issued, for a request that is right in every part."""
    message, values = outcomes.message, scene.values
    query = parse_qs(message.render_query().decode(), keep_blank_values=True, errors="strict")
    assert all(len(given) == 1 for name, given in query.items() if name != "resource"), query
    single = {name: given[0] for name, given in query.items()}
    assert single["client_id"] in (values["client_id"], values["other_client_id"])
    assert single.get("redirect_uri", "") in ("", CALLBACK)
    assert (single["response_type"], single["code_challenge_method"]) == ("code", "S256")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", single["code_challenge"])
    assert set(query.get("resource", [])) - {""} <= RESOURCES, query
    assert not set(single.get("prompt", "").split()) & {"none"}
    if "code" in outcomes.returned:
        assert outcomes.returned.get("state", "") == single.get("state", "")
        assert (message.method, message.who) == ("POST", "alice")
        # Browsers send what they like beside the fields of a page; Django reads past it.
        assert read_form(message, "replace")["digest"][-1].strip() == values["digest"]
