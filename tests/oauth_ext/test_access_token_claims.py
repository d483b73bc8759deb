"""The claims of an access token, one changed at a time under a good signature."""

import json
import time
import uuid
from typing import Any

import pytest

from tests.oauth_client import OAuthClient
from tests.oauth_ext.conftest import refused_at_mcp
from tests.oauth_ext.tokens_by_hand import ABSENT, changed, header, sign, sign_text

pytestmark = pytest.mark.django_db

EXPIRED = "Token is revoked or expired"


@pytest.mark.case(227)
@pytest.mark.parametrize(
    "issuer",
    [
        ABSENT,
        None,
        "",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000/mcp",
        "http://127.0.0.1",
        "http://127.0.0.1:80000",
        "HTTP://127.0.0.1:8000",
        "https://127.0.0.1:8000",
        "x http://127.0.0.1:8000",
        ["http://127.0.0.1:8000"],
        {"http://127.0.0.1:8000": 1},
    ],
)
def test_another_issuer_is_refused(oauth: OAuthClient, claims: dict[str, Any], issuer: Any) -> None:
    reason = refused_at_mcp(oauth, sign(changed(claims, {"iss": issuer})))
    assert reason == ("jwt_claims" if issuer in (ABSENT, None) else "jwt_iss")


@pytest.mark.case(228)
@pytest.mark.parametrize(
    "audience",
    [
        ABSENT,
        None,
        "",
        [],
        7,
        True,
        {},
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000/mcp/",
        "http://127.0.0.1:8000/mcp/x",
        "http://127.0.0.1:8000/MCP",
        "http://127.0.0.1:8000/m",
        "https://127.0.0.1:8000/mcp",
        "https://evil.example/mcp",
        "http://127.0.0.1:8000/mcp https://evil.example/mcp",
        ["http://127.0.0.1:8000/mcp", "https://evil.example/mcp"],
        ["https://evil.example/mcp", "http://127.0.0.1:8000/mcp"],
        [["http://127.0.0.1:8000/mcp"]],
    ],
)
def test_b14_exactly_this_resource_is_the_audience(
    oauth: OAuthClient, claims: dict[str, Any], audience: Any
) -> None:
    reason = refused_at_mcp(oauth, sign(changed(claims, {"aud": audience})))
    assert reason == ("jwt_claims" if audience in (ABSENT, None, "", [], {}) else "jwt_aud")


@pytest.mark.case(224)
@pytest.mark.parametrize(
    "expiry",
    [ABSENT, None, "", "soon", [], {}, True, False, "9999999999", 9999999999.5],
)
def test_exp_is_a_whole_number_of_seconds(
    oauth: OAuthClient, claims: dict[str, Any], expiry: Any
) -> None:
    assert refused_at_mcp(oauth, sign(changed(claims, {"exp": expiry}))) == "jwt_claims"


@pytest.mark.case(224, 375)
@pytest.mark.parametrize("expiry", ["1e400", "-1e400", "NaN", "1e20", "99999999999999999999"])
def test_an_exp_that_no_clock_reaches_is_refused_and_no_fault(
    oauth: OAuthClient, claims: dict[str, Any], expiry: str
) -> None:
    text = json.dumps(changed(claims, {"exp": "EXP"})).replace('"EXP"', expiry)
    refused_at_mcp(oauth, sign_text(json.dumps(header()), text))


@pytest.mark.case(224)
@pytest.mark.parametrize("age", [11, 60, 10**9, 2 * 10**9])
def test_an_expired_token_is_refused(oauth: OAuthClient, claims: dict[str, Any], age: int) -> None:
    token = sign(claims | {"exp": int(time.time()) - age})
    assert refused_at_mcp(oauth, token, EXPIRED) == "jwt_expired"


@pytest.mark.case(225, 226)
@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_a_token_of_the_future_is_refused(
    oauth: OAuthClient, claims: dict[str, Any], claim: str
) -> None:
    for ahead in (61, 3600):
        reason = refused_at_mcp(oauth, sign(claims | {claim: int(time.time()) + ahead}))
        assert reason == "jwt_claims"
    assert oauth.call(sign(claims | {claim: int(time.time()) + 8})).status_code == 200


@pytest.mark.case(225, 226)
@pytest.mark.parametrize("claim", ["iat", "nbf"])
@pytest.mark.parametrize("value", ["soon", [], {}, None])
def test_times_are_numbers(
    oauth: OAuthClient, claims: dict[str, Any], claim: str, value: Any
) -> None:
    if claim == "nbf" and value is None:
        value = {"a": 1}
    refused_at_mcp(oauth, sign(claims | {claim: value}))


@pytest.mark.case(233)
@pytest.mark.parametrize("claim", ["sub", "jti", "client_id", "scope", "cid", "fid", "iat"])
def test_a_claim_that_is_missing_has_no_default(
    oauth: OAuthClient, claims: dict[str, Any], claim: str
) -> None:
    assert refused_at_mcp(oauth, sign(changed(claims, {claim: ABSENT}))) == "jwt_claims"


@pytest.mark.case(233)
@pytest.mark.parametrize("claim", ["sub", "jti", "cid", "fid", "scope"])
@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["read"]])
def test_claims_are_texts(
    oauth: OAuthClient, claims: dict[str, Any], claim: str, value: Any
) -> None:
    assert refused_at_mcp(oauth, sign(claims | {claim: value})) == "jwt_claims"


@pytest.mark.parametrize("claim", ["sub", "cid", "fid", "org_id"])
@pytest.mark.parametrize("value", ["", "x", "' OR 1=1 --", "00000000", "\x00", "alice"])
def test_identifiers_are_uuids(
    oauth: OAuthClient, claims: dict[str, Any], claim: str, value: str
) -> None:
    refused_at_mcp(oauth, sign(claims | {claim: value}))


@pytest.mark.case(237)
@pytest.mark.parametrize("claim", ["sub", "client_id", "org_id"])
def test_a_claim_that_contradicts_the_record_is_refused(
    oauth: OAuthClient, claims: dict[str, Any], claim: str, world: Any, other_client: Any
) -> None:
    other = {
        "sub": str(world.ben.id),
        "org_id": str(world.borealis.id),
        "client_id": other_client.client_id,
    }[claim]
    assert refused_at_mcp(oauth, sign(claims | {claim: other})) == "claims_mismatch"


@pytest.mark.parametrize("claim", ["cid", "fid"])
def test_a_connection_or_family_that_never_was_is_refused(
    oauth: OAuthClient, claims: dict[str, Any], claim: str
) -> None:
    token = sign(claims | {claim: str(uuid.uuid4())})
    assert refused_at_mcp(oauth, token, EXPIRED) == "connection_unknown"


def test_the_family_of_another_connection_does_not_count(
    oauth: OAuthClient, claims: dict[str, Any], connect: Any, world: Any
) -> None:
    other = connect(world.ben, world.acme)
    token = sign(claims | {"fid": str(other.family.id)})
    assert refused_at_mcp(oauth, token, EXPIRED) == "connection_unknown"


@pytest.mark.case(238)
@pytest.mark.parametrize("scope", ["", "draft", "READ", "write admin", "read,draft"])
def test_scopes_that_do_not_suffice_are_a_403_and_no_401(
    oauth: OAuthClient, claims: dict[str, Any], scope: str
) -> None:
    answer = oauth.call(sign(claims | {"scope": scope}))
    assert answer.status_code == 403
    challenge = answer["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge and 'scope="read' in challenge
