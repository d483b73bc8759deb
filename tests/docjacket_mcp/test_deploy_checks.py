"""Every deployment check: silent for a good deployment, provoked by one change, documented."""

import re
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.checks import Tags, registry, run_checks
from django.db import connection

from accounts.models import User
from docjacket_mcp.quickstart_banner import DEMO_PASSWORD
from docjacket_mcp.quickstart_secrets import ensure_signing_key
from oauth_ext.keys import build_private_key
from tests.conftest import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("docjacket_mcp", "rest_api", "mcp_endpoint", "oauth_ext", "accounts", "activity")
OURS = re.compile(rf"(?:{'|'.join(PACKAGES)})\.[EWI]\d{{3}}")
SECRET = "pIhUvG0y7T2sQe9xWb4Kd8Zn1Rj6Lm3CfAaXoYtNwEuHiBgVqSzDkMlPJrFcO5-_"
MANY_HOURS = 25 * 3600


class CheapHasher(Argon2PasswordHasher):
    """One pass less."""

    time_cost = 1
    memory_cost = 19_456


@pytest.fixture
def production(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings of a good deployment."""
    ensure_signing_key(tmp_path)
    monkeypatch.delenv("BIND", raising=False)
    origin = "https://mcp.example.com"
    changes: dict[str, Any] = {
        "QUICK_START": False,
        "DEBUG": False,
        "PUBLIC_URL": origin,
        "ISSUER": origin,
        "MCP_RESOURCE": f"{origin}/mcp",
        "ALLOWED_HOSTS": ["mcp.example.com"],
        "SECRET_KEY": SECRET,
        "TOKEN_PEPPER": SECRET[::-1],
        "SIGNING_KEYS_DIR": tmp_path,
        "SESSION_COOKIE_NAME": "__Host-sessionid",
        "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 63_072_000,
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "TRUSTED_PROXY_HOPS": 1,
    }
    for name, value in changes.items():
        setattr(settings, name, value)
    return settings


def find(databases: list[str] | None = None) -> list[str]:
    """The ids of our own checks that have something to say."""
    tags = [Tags.security, Tags.database, "mcp", "api"]
    messages = run_checks(tags=tags, include_deployment_checks=True, databases=databases)
    return [message.id or "" for message in messages if OURS.fullmatch(message.id or "")]


def change_in(name: str, **changes: Any) -> Callable[[], Any]:
    """A dictionary of the settings with other members."""
    return lambda: {**getattr(django_settings, name), **changes}


def cookies_of(kind: str, **changes: Any) -> list[tuple[str, dict[str, Any]]]:
    """One case for each attribute of a cookie."""
    return [("accounts.E001", {f"{kind}_COOKIE_{name}": value}) for name, value in changes.items()]


CASES: list[tuple[str, dict[str, Any]]] = [
    *cookies_of("SESSION", NAME="sessionid", SECURE=False, HTTPONLY=False, SAMESITE="None"),
    *cookies_of("SESSION", DOMAIN="example.com", PATH="/x"),
    *cookies_of("CSRF", NAME="__Secure-csrftoken", SECURE=False, HTTPONLY=False, DOMAIN=".x.y"),
    ("accounts.E002", {"PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"]}),
    ("accounts.E002", {"PASSWORD_HASHERS": [f"{__name__}.CheapHasher"]}),
    ("accounts.E003", {"AUTH_PASSWORD_VALIDATORS": []}),
    ("accounts.E004", {"ACCOUNT_RATE_LIMITS": {}}),
    ("accounts.W001", {"SESSION_COOKIE_AGE": MANY_HOURS}),
    ("accounts.W002", {"HOSTED_ASSISTANT_NETWORKS": [ip_network("0.0.0.0/0")]}),
    ("accounts.W002", {"HOSTED_ASSISTANT_NETWORKS": [ip_network("2000::/3")]}),
    ("docjacket_mcp.E001", {"ISSUER": "http://mcp.example.com"}),
    ("docjacket_mcp.E001", {"ISSUER": "https://elsewhere.example"}),
    ("docjacket_mcp.E002", {"DEBUG": True}),
    ("docjacket_mcp.E003", {"ALLOWED_HOSTS": ["*"]}),
    ("docjacket_mcp.E003", {"ALLOWED_HOSTS": [".example.com"]}),
    ("docjacket_mcp.E004", {"USE_X_FORWARDED_HOST": True}),
    ("docjacket_mcp.E004", {"USE_X_FORWARDED_PORT": True}),
    (
        "docjacket_mcp.E005",
        {
            "ADMIN_CONTENT_SECURITY_POLICY": change_in(
                "ADMIN_CONTENT_SECURITY_POLICY", **{"script-src": ["'unsafe-inline'"]}
            )
        },
    ),
    (
        "docjacket_mcp.E005",
        {
            "ADMIN_CONTENT_SECURITY_POLICY": change_in(
                "ADMIN_CONTENT_SECURITY_POLICY", **{"frame-ancestors": ["'self'"]}
            )
        },
    ),
    ("docjacket_mcp.E005", {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": {"img-src": ["*"]}}}),
    ("docjacket_mcp.E006", {"MIDDLEWARE": lambda: django_settings.MIDDLEWARE[1:]}),
    ("docjacket_mcp.E007", {"X_FRAME_OPTIONS": "SAMEORIGIN"}),
    ("docjacket_mcp.E007", {"SECURE_CONTENT_TYPE_NOSNIFF": False}),
    ("docjacket_mcp.E008", {"SECURE_REFERRER_POLICY": "unsafe-url"}),
    ("docjacket_mcp.E009", {"SECURE_HSTS_SECONDS": 86_400}),
    ("docjacket_mcp.E010", {"TRUSTED_PROXY_HOPS": -1}),
    ("docjacket_mcp.E011", {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}),
    ("docjacket_mcp.W001", {"TRUSTED_PROXY_HOPS": 0}),
    ("mcp_endpoint.E001", {"MCP_RESOURCE": "https://elsewhere.example/mcp"}),
    ("mcp_endpoint.E002", {"MCP_ALLOWED_ORIGINS": ["https://claude.ai/"]}),
    ("mcp_endpoint.E003", {"MCP_MAX_BODY_BYTES": 10}),
    ("mcp_endpoint.E008", {"MCP_CONNECTION_RATE": 9}),
    ("mcp_endpoint.E008", {"MCP_ORGANIZATION_RATE": -1}),
    (
        "mcp_endpoint.E004",
        {
            "MIDDLEWARE": lambda: [
                name
                for name in django_settings.MIDDLEWARE
                if name != "mcp_endpoint.middleware.McpMiddleware"
            ]
        },
    ),
    ("mcp_endpoint.E005", {"CORS_ALLOW_CREDENTIALS": True}),
    ("mcp_endpoint.E006", {"CORS_URLS_REGEX": "^.*$"}),
    ("mcp_endpoint.E007", {"MCP_ALLOWED_ORIGINS": ["http://claude.ai"]}),
    ("oauth_ext.E001", {"QUICK_START": True}),
    ("oauth_ext.E002", {"SIGNING_KEYS_DIR": Path("/no/such/directory")}),
    ("oauth_ext.E003", {"REFRESH_WINDOW": 601}),
    ("oauth_ext.E004", {"ACCESS_TOKEN_TTL": 86_401}),
    ("oauth_ext.E005", {"REFRESH_TOKEN_TTL": 200 * 86_400}),
    ("oauth_ext.E006", {"AUTHORIZATION_CODE_TTL": 601}),
    ("oauth_ext.E008", {"SECRET_KEY": "changeme" * 8}),
    ("oauth_ext.E008", {"TOKEN_PEPPER": "ab" * 32}),
    ("oauth_ext.E008", {"SECRET_KEY_FALLBACKS": ["short"]}),
    ("oauth_ext.E008", {"TOKEN_PEPPER_FALLBACKS": ["django-insecure-0123456789-abcdefghij"]}),
    ("oauth_ext.E009", {"TOKEN_PEPPER": SECRET}),
    ("oauth_ext.E009", {"SECRET_KEY_FALLBACKS": [SECRET]}),
    ("oauth_ext.E009", {"TOKEN_PEPPER_FALLBACKS": [SECRET]}),
    ("oauth_ext.E010", {"PRIVATE_USE_REDIRECT_URIS": ["javascript:alert(1)"]}),
    ("oauth_ext.E010", {"PRIVATE_USE_REDIRECT_URIS": ["data:text/html,x"]}),
    ("oauth_ext.E010", {"PRIVATE_USE_REDIRECT_URIS": ["https://client.example/callback"]}),
    ("oauth_ext.E010", {"PRIVATE_USE_REDIRECT_URIS": ["cursor://*"]}),
    ("oauth_ext.E011", {"OAUTH2_PROVIDER": change_in("OAUTH2_PROVIDER", DCR_ENABLED=True)}),
    (
        "oauth_ext.E011",
        {
            "OAUTH2_PROVIDER": change_in(
                "OAUTH2_PROVIDER", COMPLIANT_BCP_RFC9700_PASSWORD_GRANT=False
            )
        },
    ),
    ("oauth_ext.E012", {"CIMD_ALLOW_LOOPBACK": True}),
    ("oauth_ext.W001", {"TOKEN_FAMILY_TTL": 367 * 86_400}),
    (
        "rest_api.E001",
        {
            "MIDDLEWARE": lambda: [
                name
                for name in django_settings.MIDDLEWARE
                if name != "rest_api.middleware.ApiMiddleware"
            ]
        },
    ),
]
# Provoked by files, the environment or the database, below; the last by a tool.
ELSEWHERE = {
    "oauth_ext.E007",
    "docjacket_mcp.I001",
    "docjacket_mcp.E012",
    "activity.E001",
    "activity.E002",
    "mcp_endpoint.W001",
    "mcp_endpoint.W002",
}


def test_a_good_deployment_is_silent(production: Any) -> None:
    assert find() == []


@pytest.mark.parametrize(
    ("identifier", "changes"), CASES, ids=[f"{case[0]}-{'-'.join(case[1])}" for case in CASES]
)
def test_one_change_provokes_exactly_its_check(
    production: Any, identifier: str, changes: dict[str, Any]
) -> None:
    for name, value in changes.items():
        setattr(production, name, value() if callable(value) else value)
    assert set(find()) == {identifier}


@pytest.mark.parametrize("name", ["current", "next", "previous"])
def test_a_key_that_everybody_can_read_is_an_error(production: Any, name: str) -> None:
    path = production.SIGNING_KEYS_DIR / f"{name}.pem"
    if name != "current":
        path.write_text(build_private_key("ES256"))
    for mode, expected in ((0o600, []), (0o640, []), (0o644, ["oauth_ext.E007"])):
        path.chmod(mode)
        assert find() == expected


@pytest.mark.parametrize(
    ("bind", "expected"),
    [
        ("127.0.0.1:8000", []),
        ("10.0.0.7:8000", []),
        ("unix:/run/docjacket.sock", []),
        ("0.0.0.0:8000", ["docjacket_mcp.I001"]),
        ("[::]:8000", ["docjacket_mcp.I001"]),
        (":8000", ["docjacket_mcp.I001"]),
    ],
)
def test_a_port_that_is_open_to_all_is_pointed_out(
    production: Any, monkeypatch: pytest.MonkeyPatch, bind: str, expected: list[str]
) -> None:
    monkeypatch.setenv("BIND", bind)
    assert find() == expected


@pytest.mark.django_db
@pytest.mark.case(338)
def test_demo_people_with_the_demo_password_are_an_error_in_the_database_only(
    production: Any,
) -> None:
    give_up_rights()
    assert find(["default"]) == []
    demo = User.objects.create_user("alice@acme.example", DEMO_PASSWORD)
    User.objects.create_user("ben@acme.example", PASSWORD)
    User.objects.create_user("dora@acme.example", DEMO_PASSWORD)
    assert find(["default"]) == ["docjacket_mcp.E012"]
    assert find() == []
    User.objects.filter(id=demo.id).update(is_active=False)
    assert find(["default"]) == []


@pytest.mark.django_db
def test_the_owner_of_the_log_must_not_serve(production: Any) -> None:
    assert find(["default"]) == ["activity.E001"]
    give_up_rights()
    assert find(["default"]) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "GRANT DELETE ON activity_event TO CURRENT_USER",
        "GRANT UPDATE ON activity_event_default TO CURRENT_USER",
        "GRANT TRUNCATE ON activity_event TO CURRENT_USER",
    ],
)
def test_one_right_too_many_on_the_log_is_an_error(production: Any, statement: str) -> None:
    give_up_rights()
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert find(["default"]) == ["activity.E001"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["activity_event_append_only", "activity_event_no_truncate"])
def test_a_trigger_of_the_log_that_is_off_is_an_error(production: Any, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE activity_event DISABLE TRIGGER {name}")
    give_up_rights()
    assert find(["default"]) == ["activity.E002"]


def give_up_rights() -> None:
    """Leave the tests' role what the application's role has, for the rest of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'activity_event'::regclass"
        )
        tables = ["activity_event", *(row[0] for row in cursor.fetchall())]
        rights = "UPDATE, DELETE, TRUNCATE, TRIGGER"
        cursor.execute(f"REVOKE {rights} ON {', '.join(tables)} FROM CURRENT_USER")


def test_every_check_is_provoked_documented_and_nothing_else_is() -> None:
    written = [
        identifier
        for package in PACKAGES
        for identifier in re.findall(
            r'id="([a-z_]+\.[EWI]\d{3})"', (ROOT / package / "checks.py").read_text()
        )
    ]
    table = re.findall(
        r"^\| `([a-z_]+\.[EWI]\d{3})` \|", (ROOT / "docs/operate.md").read_text(), re.M
    )
    # One row, and one thing said, for each: an identifier that is used twice is there twice.
    assert sorted(written) == table
    assert sorted({identifier for identifier, _ in CASES} | ELSEWHERE) == table


def test_what_asks_the_database_runs_only_when_that_is_asked_for() -> None:
    ours = [
        check
        for check in registry.registry.get_checks(include_deployment_checks=True)
        if check.__module__.partition(".")[0] in PACKAGES and Tags.database in check.tags
    ]
    assert {check.__name__ for check in ours} == {"check_log", "check_demo_people"}
