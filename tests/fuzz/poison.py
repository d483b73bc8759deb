"""What strangers send: values, bytes and headers that have broken servers before."""

from hypothesis import strategies as st

TEXTS = (
    *("", " ", "\x00", "a\x00b", "\x7f", "\t\r\n", "\ud800", "\udfff x", "\ufffe", "\u202eevil"),
    *("é", "😀", "ﬀ", "\u0130", "a" * 256, "a" * 5000, "a" * 20_000, "é" * 4000, "0", "-1"),
    *("1e400", "NaN", "null", "[]", "{}", "true", "9" * 5000, "9223372036854775808"),
    *("../../etc/passwd", "'; DROP TABLE users; --", "%00", "%", "%zz", "%C0%AF", "%s%n{0}{{7*7}}"),
    *("\r\nSet-Cookie: a=b", "<script>", "http://[", "https://evil.example/cb", "//evil.example"),
    *("javascript:alert(1)", "http://127.0.0.1:99999/cb", "http://localhost:1/\\@evil.example"),
    *("https://[::1", "https://a b/", "HTTPS://CLIENT.EXAMPLE/callback", "plain", "s256", "none"),
    *("read read", "read draft actions", "openid offline_access", "admin", "query fragment"),
    *("mcp_rt_", "mcp_at_0", "mcp_ac_" + "A" * 60, "eyJhbGciOiJub25lIn0.e30.", "Bearer x"),
    *("00000000-0000-0000-0000-000000000000", "deny", "allow", "password", "client_credentials"),
)
BYTES = (
    *(b"\x00", b"%00", b"%", b"%z", b"%ff", b"%C0%80", b"%ED%A0%80", b"\xff\xfe", b"\xc3", b"+"),
    *(
        b"&",
        b"=",
        b";",
        b"&=&=",
        b"&client_id=other",
        b"&code=1&code=2",
        b"[]",
        b"\r\n\r\n",
        b"\xef",
    ),
    *(b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"NaN", b"-Infinity", b"1e400", b"9" * 5000, b'"'),
    *(
        b'"client_name":"a","client_name":"b",',
        b"[" * 7000,
        b'{"a":' * 2500,
        b"{",
        b"}",
        b",",
        b"\\",
    ),
    *(b"a" * 17_000, b"a=1&" * 150, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1"),
)
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "FOO",
    "",
)
# Names the endpoints know or that somebody hopes they do.
NAMES = (
    *("client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "resource"),
    *("code_challenge_method", "code", "code_verifier", "grant_type", "refresh_token", "token"),
    *("request", "request_uri", "prompt", "response_mode", "approval_prompt", "client_secret"),
    *("nonce", "claims", "max_age", "login_hint", "audience", "token_type_hint", "assertion"),
    *("username", "password", "next", "digest", "decision", "organization", "scopes", "label"),
    *("q", "before", "log", "outcome", "csrfmiddlewaretoken", "_method", "__proto__", "exchange"),
)
MEMBERS = (
    *("client_name", "redirect_uris", "grant_types", "response_types", "scope", "client_uri"),
    *("logo_uri", "tos_uri", "policy_uri", "software_id", "application_type", "contacts", "jwks"),
    *(
        "token_endpoint_auth_method",
        "client_id",
        "client_secret",
        "software_statement",
        "__proto__",
    ),
)
HEADERS = {
    "CONTENT_TYPE": (
        *("", "application/json", "text/plain", "multipart/form-data", "application/xml"),
        *("multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=x"),
        *(
            "application/x-www-form-urlencoded-not",
            "application/x-www-form-urlencoded; charset=\xff",
        ),
        *(
            "application/json; charset=rot13",
            "application/json; charset*=utf-8''rot13",
            "application/json; title*=no-such''%41",
            'application/json; a="; charset=rot13',
            "APPLICATION/JSON",
            "application/json;;;",
            ";",
            "\xff",
        ),
    ),
    # Others never get past the server; tests/live/test_server.py sends them to it.
    "CONTENT_LENGTH": ("0", "1", "99999999999"),
    "CONTENT_ENCODING": ("gzip", "identity", "br, gzip", "\xff"),
    "TRANSFER_ENCODING": ("chunked", "gzip, chunked"),
    "HOST": (
        "evil.example",
        "127.0.0.1:8000:80",
        "[::1",
        "\xe9",
        "a" * 5000,
        "127.0.0.1:99999",
        "",
    ),
    "ORIGIN": ("null", "https://evil.example", "http://127.0.0.1:8000", "http://[", "\xff", ""),
    "REFERER": ("https://evil.example/", "http://[", "\xff", "a" * 9000),
    "ACCEPT": ("text/html", "application/json", "*/*;q=x", "\xff", "," * 5000, ""),
    "ACCEPT_LANGUAGE": ("xx" * 500, "\xff", "en;q=", "../../x"),
    "AUTHORIZATION": (
        *("Basic", "Basic ", "Basic !!!!", "Basic YQ==", "Basic Og==", "basic YTpi", "Bearer x"),
        *("Basic gDo=", "Basic ADo=", "Basic JTAwOg==", "Basic JUZGOg==", "Basic " + "QUFB" * 4000),
        *("\xff", "Digest a=b", "Negotiate", "Basic\tYTpi", "Basic YTpi,Basic YTpi"),
    ),
    "COOKIE": (
        *(
            "sessionid=",
            "sessionid=\xff",
            "sessionid=" + "a" * 5000,
            "csrftoken=x",
            "=",
            ";;;",
            "\xff",
        ),
        *("sessionid=a; sessionid=b", "messages=x", "sessionid=" + "a" * 32, 'csrftoken="\\000"'),
    ),
    "USER_AGENT": ("\xff\xfe", "a" * 9000, "mcp_rt_" + "A" * 60, "\x01", ""),
    "X_FORWARDED_FOR": ("evil", "::1%25eth0", "1.2.3.4, \xff", "," * 2000),
    "X_FORWARDED_HOST": ("evil.example",),
    "X_HTTP_METHOD_OVERRIDE": ("DELETE",),
    "X_REQUESTED_WITH": ("XMLHttpRequest",),
    "IF_MODIFIED_SINCE": ("x", "Thu, 99 Foo 99999 99:99:99 GMT"),
    "IF_NONE_MATCH": ("*", '"', "W/\xff"),
    "RANGE": ("bytes=0-", "bytes=9-1", "x=\xff"),
    "EXPECT": ("100-continue", "x"),
    "ACCESS_CONTROL_REQUEST_METHOD": ("POST", "\xff"),
    "OAUTH_EXT.EXCHANGE": ("x",),
}
PATHS = (
    *("/", "//", "/.", "/..", "/%00", "/%ff", "/%C0%AF", "/%ED%A0%80", "/%zz", "/token/", "/TOKEN"),
    *("/oauth/token", "/token%00", "/authorize/", "/authorize/resume", "/register/x", "/revoke/"),
    *("/.well-known/", "/.well-known/openid-configuration", "/.well-known/jwks.json/"),
    *("/.well-known/oauth-authorization-server/mcp", "/.well-known/oauth-protected-resource/%00"),
    *("/.well-known/oauth-protected-resource/mcp/", "/accounts/", "/accounts/signup"),
    *("/accounts/password/reset/key/a-b", "/accounts/password/reset/key/%FF-%00", "/admin/login/"),
    *("/accounts/password/reset/key/zzzzzzzzzzzzzzzzzzzz-set-password", "/accounts/reauthenticate"),
    *("/accounts/password/reset/key/1-%F0%9F%98%80", "/accounts/inactive", "/accounts/logout"),
    *(
        "/settings/ai-access/connections/x/disconnect",
        "/settings/activity/%E2%80%AE",
        "/favicon.ico",
    ),
    *("/settings/ai-access/tokens/00000000-0000-0000-0000-000000000000/revoke", "/static/%00"),
    *(
        "/static/../docjacket_mcp/settings.py",
        "/static/%2e%2e/manage.py",
        "/static/\\..\\x",
        "/livez",
    ),
    *("/" + "a" * 5000, "/" + "a/" * 2000, "/%E2%98%83", "/readyz", "/authorize;x=1", "/mcp/x"),
)

texts = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.text(st.characters(exclude_categories=()), max_size=40),
)
scraps = st.one_of(st.sampled_from(BYTES), st.binary(min_size=1, max_size=8))
# Header values arrive as Latin-1 and without line breaks: gunicorn sees to that.
header_texts = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=60)


def nest(levels: int) -> object:
    """A list in a list in a list."""
    document: object = "x"
    for _ in range(levels):
        document = [document]
    return document


documents = st.one_of(
    st.sampled_from(
        (None, True, False, 0, -1, 1.5, 2**63, 10**30, 1e308, [], {}, nest(20), nest(40), nest(900))
    ),
    texts,
    st.lists(texts, max_size=4),
    st.lists(st.lists(texts, max_size=2), max_size=3),
    st.dictionaries(texts, texts, max_size=3),
    st.just([f"https://client.example/{number}" for number in range(5000)]),
)
