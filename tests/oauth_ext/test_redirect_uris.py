"""Redirect URIs: what may be registered (RFC 9700 §2.1, RFC 8252 §7) and what matches it.

Pure tables. Over HTTP the same module answers registration and the authorization endpoint.
"""

import pytest

from oauth_ext.redirect_uris import (
    ForbiddenRedirectUriError,
    Kind,
    find_kind,
    parse_redirect_uri,
)

CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"


def kind_of(uri: str) -> Kind | None:
    """The kind of a URI where Cursor's is the only private-use one that is allowed."""
    return parse_redirect_uri(uri, private_use=frozenset({CURSOR}))


@pytest.mark.case(23)
@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("https://claude.ai/api/mcp/auth_callback", Kind.WEB),
        ("https://chatgpt.com/connector/oauth/abc_DEF-123", Kind.WEB),
        ("https://vscode.dev/redirect", Kind.WEB),
        ("https://client.example:8443/cb?tenant=1&x=%20", Kind.WEB),
        ("https://xn--bcher-kva.example/cb", Kind.WEB),
        ("https://[2001:db8::1]/cb", Kind.WEB),
        ("https://client.example", Kind.WEB),
        ("http://127.0.0.1/callback", Kind.LOOPBACK),
        ("http://127.0.0.1:33418/", Kind.LOOPBACK),
        ("http://127.0.0.1:33418", Kind.LOOPBACK),
        ("http://127.0.0.1:65535/cb", Kind.LOOPBACK),
        ("http://[::1]:8080/cb", Kind.LOOPBACK),
        ("http://localhost:8787/callback", Kind.LOOPBACK),
        ("http://localhost/oauth/callback?a=b", Kind.LOOPBACK),
        (CURSOR, Kind.PRIVATE_USE),
    ],
)
def test_what_real_clients_register_is_accepted(uri: str, kind: Kind) -> None:
    assert kind_of(uri) is kind
    assert find_kind(uri) is kind


@pytest.mark.case(25)
@pytest.mark.parametrize(
    "uri",
    [
        "cursor://anysphere.cursor-mcp/oauth/callback/",
        "cursor://anysphere.cursor-mcp/oauth/Callback",
        "cursor://anysphere.cursor-mcp/oauth/callback?x=1",
        "cursor:/anysphere.cursor-mcp/oauth/callback",
        "cursor:anysphere.cursor-mcp/oauth/callback",
        "cursor:///anysphere.cursor-mcp/oauth/callback",
        "cursor://evil.example/oauth/callback",
        "com.example.app:/callback",
        "vscode://callback",
        "myapp:callback",
        "app:/cb",
        "mcp://callback",
    ],
)
def test_an_unlisted_private_use_uri_is_left_out(uri: str) -> None:
    assert kind_of(uri) is None


@pytest.mark.case(21)
@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "JAVASCRIPT://client.example/%0aalert(1)",
        "data:text/html,x",
        "DATA:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "FiLe:///etc/passwd",
        "filesystem:http://client.example/x",
        "blob:https://client.example/1",
        "about:blank",
        "mailto:a@client.example",
        "ws://client.example/cb",
        "wss://client.example/cb",
        "ftp://client.example/cb",
        "view-source:https://client.example/cb",
        "intent://client.example/cb",
        "chrome-extension://abc/cb",
        "moz-extension://abc/cb",
        "HTTPS://client.example/cb",
        "Http://localhost/cb",
        "://client.example/cb",
        "//client.example/cb",
        "/callback",
        "client.example/cb",
        "urn:ietf:wg:oauth:2.0:oob",
    ],
)
def test_dangerous_and_relative_uris_refuse_the_registration(uri: str) -> None:
    with pytest.raises(ForbiddenRedirectUriError) as refused:
        kind_of(uri)
    assert refused.value.reason == "redirect_scheme"


@pytest.mark.case(22, 23)
@pytest.mark.parametrize(
    "uri",
    [
        "http://client.example/cb",
        "http://localhost.evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://127.1/cb",
        "http://127.0.0.2/cb",
        "http://2130706433/cb",
        "http://0x7f000001/cb",
        "http://0177.0.0.1/cb",
        "http://0.0.0.0/cb",
        "http://[::]/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://[0:0:0:0:0:0:0:1]/cb",
        "http://localhost./cb",
        "http://LOCALHOST/cb",
        "http://Localhost:1/cb",
        "http://user@localhost/cb",
        "http://@localhost/cb",
        "http://localhost@evil.example/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://localhost:/cb",
        "http://localhost:0/cb",
        "http://localhost:080/cb",
        "http://localhost:65536/cb",
        "http://localhost:999999/cb",
        "http://localhost:port/cb",
        "http:/localhost/cb",
        "http:localhost/cb",
        "http:///localhost/cb",
        "http://",
    ],
)
def test_http_is_for_the_three_loopback_names_only(uri: str) -> None:
    with pytest.raises(ForbiddenRedirectUriError):
        kind_of(uri)


@pytest.mark.case(20, 21, 24)
@pytest.mark.parametrize(
    "uri",
    [
        "",
        " https://client.example/cb",
        "https://client.example/cb ",
        "\thttps://client.example/cb",
        "https://client.example/c b",
        "https://client.example/cb https://evil.example/cb",
        "https://client.example/cb\thttps://evil.example/cb",
        "https://client.example/cb\nhttps://evil.example/cb",
        "https://client.example/cb\r\nX: y",
        "https://client.example/\x00",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "https://client.example/cb#",
        "https://client.example/cb#x",
        "https://user@client.example/cb",
        "https://user:password@client.example/cb",
        "https://@client.example/cb",
        "https://client.example\\@evil.example/cb",
        "https://client.example/..\\cb",
        "https:\\\\client.example/cb",
        "https:/client.example/cb",
        "https:client.example/cb",
        "https:///client.example/cb",
        "https://",
        "https:///",
        "https://?x",
        "https://client.example/../cb",
        "https://client.example/a/..",
        "https://client.example/./cb",
        "https://client.example/%2e%2e/cb",
        "https://client.example/%2E./cb",
        "https://client.example/.%2e",
        "https://bücher.example/cb",
        "https://client。example/cb",
        "https://ｃlient.example/cb",  # full-width c
        "https://client.example/bücher",
        "https://*.client.example/cb",
        "https://client.example/*",
        "https://Client.example/cb",
        "https://client.example:/cb",
        "https://client.example:0/cb",
        "https://client.example:080/cb",
        "https://client.example:65536/cb",
        "https://client.example:port/cb",
        "https://[::1/cb",
        "https://[gg::1]/cb",
        "https://.client.example/cb",
        "https://client..example/cb",
        "https://-client.example/cb",
        'https://client.example/"><script>',
        "https://client.example/`{x}|^",
        "https://client.example/" + "a" * 2048,
    ],
)
def test_malformed_uris_refuse_the_registration(uri: str) -> None:
    with pytest.raises(ForbiddenRedirectUriError) as refused:
        kind_of(uri)
    assert refused.value.reason in ("redirect_chars", "redirect_scheme")


def test_the_longest_uri_is_2048_characters() -> None:
    base = "https://client.example/"
    assert kind_of(base + "a" * (2048 - len(base))) is Kind.WEB
    with pytest.raises(ForbiddenRedirectUriError):
        kind_of(base + "a" * (2049 - len(base)))
