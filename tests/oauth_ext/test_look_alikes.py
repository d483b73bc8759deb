"""Names that read like somebody else's: found however they are spelled, and only abroad."""

from typing import Any

import pytest

from oauth_ext.client_metadata import clean_name
from oauth_ext.look_alikes import find_look_alike
from oauth_ext.models import Client
from tests.oauth_client import OAuthClient
from tests.oauth_ext.real_clients import CLAUDE, CURSOR, CURSOR_WEB, REAL_CLIENTS

FOREIGN = "https://evil.example/callback"


@pytest.mark.case(42, 107)
@pytest.mark.parametrize(
    ("name", "imitated"),
    [
        ("Claude", "Claude"),
        ("claude.ai", "Claude"),
        ("Claude Code", "Claude"),
        ("CIaude", "Claude"),
        ("C1aude", "Claude"),
        ("C|aude", "Claude"),
        ("Claud3", "Claude"),
        ("Claaude", "Claude"),
        ("Cláude", "Claude"),
        ("Ｃｌａｕｄｅ", "Claude"),
        ("𝓒𝓵𝓪𝓾𝓭𝓮", "Claude"),
        ("Сlаudе", "Claude"),
        ("ϹⅬαυԁе", "Claude"),
        ("Cl\U0001f170ude", "Claude"),
        ("\U0001f152laude", "Claude"),
        ("\U0001f1e8\U0001f1f1\U0001f1e6\U0001f1fa\U0001f1e9\U0001f1ea", "Claude"),
        ("ᴄʟᴀᴜᴅᴇ", "Claude"),
        ("Clᴀude", "Claude"),
        ("CⱢaude", "Claude"),
        ("CⱠaude", "Claude"),
        ("Cłaude", "Claude"),
        ("My Cl\U000e0100aude App", "Claude"),
        ("MyCl\u20ddaude", "Claude"),
        ("ChatGᴘT", "ChatGPT"),
        ("C l a u d e", "Claude"),
        ("c-l-a-u-d-e", "Claude"),
        ("MyClaudeApp", "Claude"),
        ("Official Anthropic connector", "Anthropic"),
        ("Chat GPT", "ChatGPT"),
        ("0pen AI", "OpenAI"),
        ("Codex CLI", "Codex"),
        ("Cursor", "Cursor"),
        ("Cursοr", "Cursor"),
        ("VS Code", "Visual Studio Code"),
        ("vscode", "Visual Studio Code"),
        ("Visual Studio Code", "Visual Studio Code"),
        ("GitHub Copilot", "GitHub Copilot"),
        ("Gemini CLI", "Gemini"),
        ("VVindsurf", "Windsurf"),
        ("MCP Inspector", "MCP Inspector"),
        ("DocJacket", "DocJacket"),
        ("D0cJacket Support", "DocJacket"),
    ],
)
def test_a_name_that_reads_like_a_known_one_is_found_at_a_foreign_host(
    name: str, imitated: str
) -> None:
    assert find_look_alike(name, ["evil.example"]) == imitated


@pytest.mark.parametrize(
    "name",
    [
        "",
        "!!!",
        "Report writer",
        "Open Air quality",
        "Precursor",
        "Codecs",
        "Cloud",
        "Test",
        "日本",
    ],
)
def test_other_names_are_nobodys(name: str) -> None:
    assert find_look_alike(name, ["evil.example"]) == ""


@pytest.mark.parametrize(
    ("name", "host", "is_own"),
    [
        ("Claude", "claude.ai", True),
        ("Claude", "api.claude.ai", True),
        ("Claude", "claude.com", True),
        ("Claude", "claude.ai.evil.example", False),
        ("Claude", "notclaude.ai", False),
        ("Claude", "xn--clude-9ta.ai", False),
        ("Claude", "chatgpt.com", False),
        ("Claude", "", False),
        ("ChatGPT", "chatgpt.com", True),
        ("Cursor", "cursor:", True),
        ("Claude", "cursor:", False),
        ("VS Code", "vscode.dev", True),
        # Whoever has a code space has such a host.
        ("VS Code", "mine.github.dev", False),
        ("DocJacket", "127.0.0.1", True),
        ("DocJacket", "docjacket.evil.example", False),
    ],
)
def test_a_known_name_may_be_used_at_its_own_hosts_only(name: str, host: str, is_own: bool) -> None:
    assert (find_look_alike(name, [host]) == "") is is_own
    # One foreign host among its own is enough.
    assert find_look_alike(name, [host, "evil.example"]) != ""


@pytest.mark.case(42)
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Cl\U000e0100aude", "Claude"),
        ("Cl\u2800aude", "Claude"),
        ("Cl\U000e0041aude", "Claude"),
        ("\u2800", ""),
        ("\U000e0100", ""),
        ("\u0301\u0301", ""),
        ("... --- ...", ""),
        ("C3", "C3"),
        ("42", "42"),
        ("☂", "☂"),
        ("日本", "日本"),
        ("e\u0332\u0332\u0332", "e\u0332\u0332\u0332"),
        ("e" + "\u0332" * 90, "e\u0332\u0332\u0332"),
        # Marks of combining class 0: above a Thai letter, and around a Latin one.
        ("ก" + "\u0e47" * 90, "ก\u0e47\u0e47\u0e47"),
        ("a" + "\u20dd" * 90, "a\u20dd\u20dd\u20dd"),
        # A Burmese syllable with three marks.
        ("အ\u102f\u1036\u1037", "အ\u102f\u1036\u1037"),
    ],
)
def test_what_is_kept_of_a_name_can_be_seen(name: str, shown: str) -> None:
    assert clean_name(name) == shown


def test_no_host_proves_nothing() -> None:
    assert find_look_alike("Claude", []) == ""


@pytest.mark.case(42, 107)
@pytest.mark.django_db
def test_a_look_alike_is_registered_and_the_log_says_so(oauth: OAuthClient, log: Any) -> None:
    assert oauth.register(client_name="CIaude", redirect_uris=[FOREIGN]).status_code == 201
    assert log().get().details["name_matches_verified"] == "Claude"
    assert oauth.register(client_name="Report writer", redirect_uris=[FOREIGN]).status_code == 201
    assert "name_matches_verified" not in log().first().details
    # A mixed set answers at a foreign host as well, whatever else is in it.
    mixed = ["http://localhost/callback", CLAUDE, FOREIGN]
    assert oauth.register(client_name="Claude", redirect_uris=mixed).status_code == 201
    assert log().first().details["name_matches_verified"] == "Claude"


@pytest.mark.django_db
@pytest.mark.parametrize("name", REAL_CLIENTS)
def test_no_real_client_is_called_a_look_alike(oauth: OAuthClient, name: str, log: Any) -> None:
    assert oauth.register(**REAL_CLIENTS[name]).status_code == 201
    assert "name_matches_verified" not in log().get().details


@pytest.mark.django_db
@pytest.mark.parametrize("uris", [[CURSOR], [CURSOR_WEB], [CURSOR, CURSOR_WEB]])
def test_a_scheme_is_its_programs_own(oauth: OAuthClient, uris: list[str], log: Any) -> None:
    for name, imitated in (("Cursor", None), ("Claude", "Claude")):
        assert oauth.register(client_name=name, redirect_uris=uris).status_code == 201
        assert log().first().details.get("name_matches_verified") == imitated
    assert Client.objects.count() == 2
