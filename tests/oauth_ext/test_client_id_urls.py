"""Client ids that are URLs, on the raw string."""

import pytest

from oauth_ext.client_id_urls import (
    ClientIdUrlError,
    find_host_of_client_id,
    is_own,
    is_url,
    parse_client_id_url,
)

GOOD = "https://app.example/oauth/client.json"


@pytest.mark.parametrize(
    ("client_id", "host", "target"),
    [
        (GOOD, "app.example", "/oauth/client.json"),
        ("https://app.example/", "app.example", "/"),
        ("https://app.example:443/c", "app.example", "/c"),
        ("https://app.example/c?v=1&w=/../x", "app.example", "/c?v=1&w=/../x"),
        ("https://xn--bcher-kva.example/c", "xn--bcher-kva.example", "/c"),
        ("https://a.b.c.d1.app.example/~me/@x/c.json", "a.b.c.d1.app.example", "/~me/@x/c.json"),
        ("https://app.example/a%2eb/...%20/c", "app.example", "/a%2eb/...%20/c"),
        ("https://1.2.3.app/c", "1.2.3.app", "/c"),
        ("https://claude.ai/oauth/metadata", "claude.ai", "/oauth/metadata"),
        ("https://vscode.dev/oauth/client.json", "vscode.dev", "/oauth/client.json"),
        ("https://chatgpt.com/oauth/codex/client.json", "chatgpt.com", "/oauth/codex/client.json"),
    ],
)
def test_a_good_url_is_taken_as_it_stands(client_id: str, host: str, target: str) -> None:
    url = parse_client_id_url(client_id)
    assert (url.url, url.host, url.port, url.target) == (client_id, host, 443, target)
    assert url.authority == find_host_of_client_id(client_id) == host


@pytest.mark.case(43)
@pytest.mark.parametrize(
    "client_id",
    [
        "http://app.example/c",
        "HTTPS://app.example/c",
        "https:app.example/c",
        "https:/app.example/c",
        "https:///c",
        "ftp://app.example/c",
        "https://app.example",
        "https://app.example?c",
        "https://user@app.example/c",
        "https://user:secret@app.example/c",
        "https://@app.example/c",
        "https://:@app.example/c",
        "https://app.example/c#here",
        "https://app.example/c#",
        "https://app.example/c?v#",
        "https://app.example/./c",
        "https://app.example/../c",
        "https://app.example/a/..",
        "https://app.example/.",
        "https://app.example/%2e%2e/c",
        "https://app.example/%2E/c",
        "https://app.example/.%2e/c",
        "https://app.example\\c",
        "https://app.example/a\\..\\c",
        "https://app.example\\@other.example/c",
        " https://app.example/c",
        "https://app.example/c ",
        "https://app.example /c",
        "https://app\t.example/c",
        "https://app.example/c\n",
        "https://app.example/\x00",
        "https://app.example/c\x7f",
        "https://äpp.example/c",
        "https://app.example/ä",
        "https://\uff41pp.example/c",
        "https://app.example/%zz",
        "https://app.example/c|d",
        "https://app.example:80/c",
        "https://app.example:8443/c",
        "https://app.example:0443/c",
        "https://app.example:/c",
        "https://app.example:443:443/c",
        "https://App.example/c",
        "https://app.example./c",
        "https://.app.example/c",
        "https://app..example/c",
        "https://-app.example/c",
        "https://app_1.example/c",
        "https://app%2eexample/c",
        "https://localhost/c",
        "https://intranet/c",
        f"https://{'a' * 64}.example/c",
    ],
)
def test_an_ambiguous_url_is_refused(client_id: str) -> None:
    assert is_url(client_id)
    with pytest.raises(ClientIdUrlError) as refused:
        parse_client_id_url(client_id)
    assert refused.value.reason == "cimd_url"


@pytest.mark.case(44)
def test_the_longest_url_that_can_be_stored_is_the_longest_there_is() -> None:
    base = "https://app.example/"
    longest = base + "a" * (255 - len(base))
    assert parse_client_id_url(longest).url == longest
    with pytest.raises(ClientIdUrlError):
        parse_client_id_url(longest + "a")


@pytest.mark.case(45)
@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "93.184.216.34",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.1",
        "0177.0.0.1",
        "017700000001",
        "1.2.3.4.",
        "app.example.1",
        "app.0x",
        "[::1]",
        "[2606:2800:220:1:248:1893:25c8:1946]",
        "[::ffff:127.0.0.1]",
        "[v1.fe]",
        "[fe80::1%25eth0]",
    ],
)
def test_an_address_is_no_host_in_any_notation(host: str) -> None:
    with pytest.raises(ClientIdUrlError) as refused:
        parse_client_id_url(f"https://{host}/c")
    assert refused.value.reason in ("cimd_ip_literal", "cimd_url")
    if "%" not in host:
        assert refused.value.reason == "cimd_ip_literal"


@pytest.mark.case(68)
@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("mcp.docjacket.example", True),
        ("alias.example", True),
        ("a.internal.example", True),
        ("internal.example", True),
        ("notinternal.example", False),
        ("docjacket.example", False),
        ("app.example", False),
    ],
)
def test_our_own_names_are_ours(host: str, own: bool) -> None:
    names = ["mcp.docjacket.example", "Alias.example", ".internal.example", "*"]
    url = parse_client_id_url(f"https://{host}/c")
    assert is_own(url, own_authority="mcp.docjacket.example", own_hosts=names) is own


@pytest.mark.parametrize(
    ("client_id", "authority", "secure"),
    [
        ("http://localhost:6274/client.json", "localhost:6274", False),
        ("http://127.0.0.1/c", "127.0.0.1", False),
        ("https://[::1]:8443/c", "[::1]:8443", True),
    ],
)
def test_this_machine_is_allowed_only_for_development(
    client_id: str, authority: str, secure: bool
) -> None:
    url = parse_client_id_url(client_id, allow_loopback=True)
    assert (url.authority, url.is_secure, url.is_loopback) == (authority, secure, True)
    assert is_own(url, own_authority=authority, own_hosts=["other.example"])
    assert not is_own(url, own_authority="127.0.0.1:8000", own_hosts=["127.0.0.1", "localhost"])
    with pytest.raises(ClientIdUrlError):
        parse_client_id_url(client_id)


@pytest.mark.parametrize(
    "client_id", ["http://app.example/c", "http://10.0.0.1/c", "http://127.0.0.2/c"]
)
def test_development_allows_no_other_host(client_id: str) -> None:
    with pytest.raises(ClientIdUrlError):
        parse_client_id_url(client_id, allow_loopback=True)


@pytest.mark.parametrize("client_id", ["dyn_0123", "my-client", "http", "", "a:b", "https"])
def test_other_client_ids_are_no_urls(client_id: str) -> None:
    assert not is_url(client_id)
