"""Discovery: RFC 8414, RFC 9728, the key set, and every place where clients look for them."""

import json

import pytest
from django.test import Client as Browser

from oauth_ext.keys import get_key_ring

pytestmark = pytest.mark.django_db

URL = "http://127.0.0.1:8000"
SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
KEYS = "/.well-known/jwks.json"
METHODS = ["none", "client_secret_basic", "client_secret_post"]
DOCUMENTS = (SERVER, RESOURCE, f"{RESOURCE}/mcp", KEYS)


@pytest.fixture
def http() -> Browser:
    """A program without cookies, that also meets the CSRF check."""
    return Browser(raise_request_exception=False, enforce_csrf_checks=True)


@pytest.mark.case(2, 154)
def test_authorization_server_metadata_states_exactly_what_works(http: Browser) -> None:
    document = http.get(SERVER).json()
    documentation = {
        name: document.pop(name) for name in list(document) if name.startswith(("service_", "op_"))
    }
    assert all(value.startswith("https://") for value in documentation.values())
    assert document.pop("client_id_metadata_document_supported", True) is True
    assert document == {
        "issuer": URL,
        "authorization_endpoint": f"{URL}/authorize",
        "token_endpoint": f"{URL}/token",
        "registration_endpoint": f"{URL}/register",
        "revocation_endpoint": f"{URL}/revoke",
        "jwks_uri": f"{URL}/.well-known/jwks.json",
        "scopes_supported": ["read", "draft", "actions"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint_auth_methods_supported": METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "protected_resources": [f"{URL}/mcp"],
    }


@pytest.mark.case(4)
def test_protected_resource_metadata_is_the_same_at_both_addresses(http: Browser) -> None:
    root, inserted = http.get(RESOURCE), http.get(f"{RESOURCE}/mcp")
    assert root.content == inserted.content
    assert root.json() == {
        "resource": f"{URL}/mcp",
        "authorization_servers": [URL],
        "scopes_supported": ["read", "draft", "actions"],
        "bearer_methods_supported": ["header"],
        "resource_name": "DocJacket MCP",
    }


@pytest.mark.case(3)
def test_issuer_is_the_same_string_everywhere(http: Browser) -> None:
    issuer = http.get(SERVER).json()["issuer"]
    assert http.get(RESOURCE).json()["authorization_servers"] == [issuer]
    assert not issuer.endswith("/")


@pytest.mark.case(5)
@pytest.mark.parametrize("path", [RESOURCE, SERVER])
def test_offline_access_is_never_offered(http: Browser, path: str) -> None:
    assert "offline_access" not in http.get(path).content.decode()
    assert "offline_access" not in http.post("/mcp")["WWW-Authenticate"]


@pytest.mark.case(8)
def test_key_set_has_public_members_only(http: Browser) -> None:
    keys = http.get(KEYS).json()["keys"]
    assert [key["kid"] for key in keys] == list(get_key_ring().by_kid)
    for key in keys:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
        assert (key["alg"], key["use"]) == ("ES256", "sig")


@pytest.mark.case(8)
@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_are_json_cacheable_for_an_hour_and_for_everybody(
    http: Browser, path: str
) -> None:
    for headers in (
        {},
        {"Accept": "application/json", "MCP-Protocol-Version": "2026-07-28"},
        {"Accept": "text/html"},
        {"Accept": "image/png", "MCP-Protocol-Version": "nonsense"},
    ):
        answer = http.get(path, headers=headers)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "application/json"
        assert answer["Cache-Control"] == "public, max-age=3600"
        assert not answer.cookies
        json.loads(answer.content)
    assert http.head(path).status_code == 200


@pytest.mark.case(1)
@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil"])
def test_foreign_host_is_refused_and_enters_no_document(
    http: Browser, path: str, host: str, log
) -> None:
    answer = http.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert log().with_reference(answer["Reference-Id"]).get().reason == "bad_host"
    assert "evil" not in answer.content.decode() + str(answer.headers)


@pytest.mark.case(1)
@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "gopher"},
        {"X-Forwarded-Port": "6666"},
        {"Forwarded": "host=evil.example;proto=gopher"},
        {"X-Original-URL": "/evil.example"},
        {"X-Rewrite-URL": "/evil.example"},
    ],
)
def test_forwarding_headers_change_no_document(
    http: Browser, path: str, header: dict[str, str]
) -> None:
    assert http.get(path, headers=header).content == http.get(path).content


@pytest.mark.case(3, 4)
@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html"])
@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/mcp",
        "/mcp/.well-known/oauth-authorization-server",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/other",
        "/.well-known/oauth-protected-resource/mcp/",
        "/.well-known/oauth-protected-resource/mcp/mcp",
        "/.well-known/oauth-authorization-server/",
        "/.well-known/OAuth-Authorization-Server",
        "/.WELL-KNOWN/oauth-authorization-server",
        "/.well-known/oauth-authorization-server;x=1",
        "/.well-known/webfinger",
        "/.well-known/",
    ],
)
def test_other_probed_paths_are_a_clean_json_404(http: Browser, path: str, accept: str) -> None:
    answer = http.get(path, headers={"Accept": accept} if accept else {})
    assert answer.status_code == 404
    if path.startswith(("/.well-known", "/mcp")):
        assert answer["Content-Type"] == "application/json"
        body = answer.json()
        assert body["error"] == "not_found"
        assert body["reference"] == answer["Reference-Id"]
        assert "resource" not in body and "issuer" not in body
    assert not answer.cookies


@pytest.mark.case(10)
@pytest.mark.parametrize(
    "path",
    [
        "//.well-known/oauth-authorization-server",
        "/.well-known//oauth-authorization-server",
        "/./.well-known/oauth-authorization-server",
        "/x/../.well-known/oauth-authorization-server",
        "/.well-known%2Foauth-authorization-server",
    ],
)
def test_a_path_spelled_another_way_is_not_the_document(http: Browser, path: str) -> None:
    assert http.get("/", PATH_INFO=path).status_code == 404


@pytest.mark.case(6)
@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_documents_can_only_be_read(http: Browser, path: str, method: str, log) -> None:
    answer = http.generic(method, path)
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["reference"] == answer["Reference-Id"]
    assert log().get().reason == "method_not_allowed"


@pytest.mark.case(174, 261)
@pytest.mark.parametrize("path", ["/register", "/token", "/revoke"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_machine_endpoints_take_post_only(http: Browser, path: str, method: str, log) -> None:
    answer = http.generic(method, path)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "no-store" in answer["Cache-Control"]
    assert log().get().reason == "method_not_allowed"


@pytest.mark.case(7, 36, 185)
@pytest.mark.parametrize("path", [*DOCUMENTS, "/register", "/token", "/revoke"])
def test_any_origin_may_read_the_machine_endpoints_without_credentials(
    http: Browser, path: str
) -> None:
    origin = {"Origin": "https://web-client.example"}
    answer = (
        http.get(path, headers=origin) if path in DOCUMENTS else http.post(path, headers=origin)
    )
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    exposed = answer["Access-Control-Expose-Headers"].lower()
    assert all(name in exposed for name in ("www-authenticate", "retry-after", "reference-id"))
    preflight = http.options(
        path,
        headers=origin
        | {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version",
        },
    )
    assert preflight.status_code in (200, 204)
    assert preflight["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in preflight
    allowed = preflight["Access-Control-Allow-Headers"].lower()
    assert all(
        name in allowed for name in ("authorization", "content-type", "mcp-protocol-version")
    )
    assert "POST" in preflight["Access-Control-Allow-Methods"]


@pytest.mark.case(36)
@pytest.mark.parametrize(
    "path",
    ["/authorize", "/accounts/login", "/settings/ai-access", "/settings/activity", "/admin/"],
)
def test_no_origin_may_read_a_page(http: Browser, path: str) -> None:
    origin = {"Origin": "https://web-client.example", "Access-Control-Request-Method": "GET"}
    assert "Access-Control-Allow-Origin" not in http.get(path, headers=origin)
    assert "Access-Control-Allow-Origin" not in http.options(path, headers=origin)
