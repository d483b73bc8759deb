"""Which requested redirect URI is a registered one (RFC 9700 §2.1, RFC 8252 §7.3): tables."""

import pytest

from oauth_ext.redirect_uris import (
    Kind,
    find_host,
    is_match,
    parse_redirect_uri,
)

CURSOR = "cursor://anysphere.cursor-mcp/oauth/callback"


def kind_of(uri: str) -> Kind | None:
    """The kind of a URI where Cursor's is the only private-use one that is allowed."""
    return parse_redirect_uri(uri, private_use=frozenset({CURSOR}))


REGISTERED = "https://client.example/cb"


@pytest.mark.case(121)
def test_the_identical_string_matches() -> None:
    for uri in (REGISTERED, CURSOR, "https://client.example/cb?a=1&b=2", "http://[::1]/cb"):
        assert is_match(uri, uri)


@pytest.mark.case(122, 123, 124, 125, 126, 127, 128, 130, 131, 138)
@pytest.mark.parametrize(
    "requested",
    [
        "",
        "https://client.example/cb/",
        "https://client.example/CB",
        "https://client.example/Cb",
        "https://client.example/cb?",
        "https://client.example/cb?a=1",
        "https://client.example/cb#",
        "https://client.example/cb#x",
        "https://client.example/cb;p=1",
        "HTTPS://client.example/cb",
        "https://CLIENT.example/cb",
        "https://client.example:443/cb",
        "https://client.example:8443/cb",
        "https://client.example./cb",
        "https://client.example.evil.example/cb",
        "https://evil.example/client.example/cb",
        "https://sub.client.example/cb",
        "https://client.exampl/cb",
        "https://evilclient.example/cb",
        "https://user@client.example/cb",
        "https://@client.example/cb",
        "https://client.example@evil.example/cb",
        "https://client.example\\@evil.example/cb",
        "https://client.example/\\cb",
        "https:/client.example/cb",
        "https:client.example/cb",
        "https:///client.example/cb",
        "https://client.example//cb",
        "https://client.example/x/../cb",
        "https://client.example/%2e%2e/cb",
        "https://client.example/cb/..",
        "https://client.example/cb%2f",
        "https://client.example/cb%2fevil",
        "https://client.example/%63b",
        "https://client.example/cb%252e",
        "https://ｃlient.example/cb",  # full-width c
        "https://client。example/cb",
        "https://client.example/\u212ab",  # Kelvin sign
        "https://c\u017fient.example/cb",  # long s
        "http://client.example/cb",
        "https://client.example/cb\r\nSet-Cookie: a=b",
        "https://client.example/cb\n",
        "https://client.example/cb\t",
        "https://client.example/cb\x00",
        " https://client.example/cb",
        "https://client.example/cb ",
    ],
)
def test_anything_but_the_identical_string_does_not_match(requested: str) -> None:
    assert not is_match(REGISTERED, requested)


@pytest.mark.case(122, 131, 137)
@pytest.mark.parametrize(
    ("registered", "requested"),
    [
        ("https://client.example/cb?a=1&b=2", "https://client.example/cb?b=2&a=1"),
        ("https://client.example/cb?a=1", "https://client.example/cb"),
        ("http://client.example/cb", "https://client.example/cb"),
        (CURSOR, "cursor://anysphere.cursor-mcp/oauth/other"),
        (CURSOR, "CURSOR://anysphere.cursor-mcp/oauth/callback"),
        (CURSOR, "cursor:/anysphere.cursor-mcp/oauth/callback"),
        (CURSOR, "cursor:anysphere.cursor-mcp/oauth/callback"),
        (CURSOR, "cursor:///anysphere.cursor-mcp/oauth/callback"),
        ("com.example.app:/cb", "com.example.app://evil.example/cb"),
    ],
)
def test_neither_query_order_nor_scheme_is_folded(registered: str, requested: str) -> None:
    assert not is_match(registered, requested)
    assert not is_match(requested, registered)


@pytest.mark.case(132, 133)
@pytest.mark.parametrize("origin", ["http://127.0.0.1", "http://[::1]", "http://localhost"])
@pytest.mark.parametrize("registered_port", ["", ":3118", ":65535"])
@pytest.mark.parametrize("requested_port", ["", ":1", ":49152", ":65535"])
@pytest.mark.parametrize("rest", ["", "/", "/callback", "/oauth/callback?a=1"])
def test_only_the_port_of_a_loopback_uri_is_free(
    origin: str, registered_port: str, requested_port: str, rest: str
) -> None:
    assert is_match(f"{origin}{registered_port}{rest}", f"{origin}{requested_port}{rest}")
    assert not is_match(f"{origin}{registered_port}{rest}", f"{origin}{requested_port}{rest}x")


LOOPBACK = "http://127.0.0.1:3118/cb"


@pytest.mark.case(133, 135, 136, 138)
@pytest.mark.parametrize(
    "requested",
    [
        "http://localhost:3118/cb",
        "http://[::1]:3118/cb",
        "http://127.0.0.2:3118/cb",
        "http://0.0.0.0:3118/cb",
        "http://127.1:3118/cb",
        "http://127.0.0.1.evil.example:3118/cb",
        "http://[::ffff:127.0.0.1]:3118/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://user@127.0.0.1:3118/cb",
        "https://127.0.0.1:3118/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:080/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:port/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1:1 /cb",
        "http://127.0.0.1:\u0661/cb",  # an Arabic-Indic digit
        "http://127.0.0.1:1:2/cb",
        "http://127.0.0.1:9/cb/",
        "http://127.0.0.1:9/CB",
        "http://127.0.0.1:9/cb?x=1",
        "http://127.0.0.1:9/cb#x",
        "http://127.0.0.1:9/x/../cb",
        "http://127.0.0.1:9/cb\n",
        "http://127.0.0.1:9\\cb",
        "HTTP://127.0.0.1:9/cb",
    ],
)
def test_a_loopback_uri_matches_itself_and_no_look_alike(requested: str) -> None:
    assert is_match(LOOPBACK, "http://127.0.0.1:49152/cb")
    assert not is_match(LOOPBACK, requested)


@pytest.mark.case(134)
def test_https_on_a_loopback_address_keeps_its_port() -> None:
    assert is_match("https://127.0.0.1:1/cb", "https://127.0.0.1:1/cb")
    assert not is_match("https://127.0.0.1:1/cb", "https://127.0.0.1:2/cb")
    assert not is_match("https://localhost/cb", "https://localhost:2/cb")


@pytest.mark.case(111)
@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("https://client.example:8443/cb", "client.example"),
        ("https://xn--bcher-kva.example/cb", "xn--bcher-kva.example"),
        ("http://127.0.0.1:3118/cb", "127.0.0.1"),
        ("http://[::1]:3118/cb", "::1"),
        (CURSOR, "cursor:"),
    ],
)
def test_the_host_to_look_at_is_the_real_one(uri: str, host: str) -> None:
    assert find_host(uri) == host
