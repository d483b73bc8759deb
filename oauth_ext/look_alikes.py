"""Names that read like an application everybody knows, at an address that is not its own.

A name is what a client calls itself and proves nothing; a well-known one is the best lure there
is. What is found here is a warning, never a verdict: the name may be an accident.
"""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from oauth_ext.confusables import build_skeletons


@dataclass(frozen=True, slots=True)
class WellKnown:
    """An application that people know by name.

    Args:
        names: how it is called; the first is how we write it.
        hosts: where it is known to take answers. A leading dot includes the hosts below; a
            trailing colon makes it a private-use scheme.
        is_distinctive: whether the name inside a longer word (``MyClaude``) means it as well; an
            everyday word does not.
    """

    names: tuple[str, ...]
    hosts: tuple[str, ...]
    is_distinctive: bool = True


ANTHROPIC = (".claude.ai", ".claude.com", ".anthropic.com", "claude:")
OPENAI = (".chatgpt.com", ".openai.com", "chatgpt:")
# Not the domains below vscode.dev and github.dev: those serve what their users put there.
EDITOR = ("vscode.dev", "insiders.vscode.dev", "code.visualstudio.com", "github.dev")
EDITOR_SCHEMES = ("vscode:", "vscode-insiders:")

WELL_KNOWN = (
    WellKnown(("Claude",), ANTHROPIC),
    WellKnown(("Anthropic",), ANTHROPIC),
    WellKnown(("ChatGPT",), OPENAI),
    WellKnown(("OpenAI",), OPENAI),
    WellKnown(("Codex",), OPENAI, is_distinctive=False),
    WellKnown(
        ("Cursor",), (".cursor.com", ".cursor.sh", ".anysphere.co", "cursor:"), is_distinctive=False
    ),
    WellKnown(("Visual Studio Code", "VS Code"), EDITOR + EDITOR_SCHEMES),
    WellKnown(("GitHub Copilot",), ("github.com", ".githubcopilot.com", *EDITOR, *EDITOR_SCHEMES)),
    WellKnown(("Microsoft Copilot",), ("copilot.microsoft.com",)),
    WellKnown(("Gemini",), ("gemini.google.com", "aistudio.google.com"), is_distinctive=False),
    WellKnown(("Windsurf", "Codeium"), (".windsurf.com", ".codeium.com", "windsurf:")),
    # Runs on the person's own computer only.
    WellKnown(("MCP Inspector",), ()),
    WellKnown(("Perplexity",), (".perplexity.ai",), is_distinctive=False),
    WellKnown(("Mistral", "Le Chat"), (".mistral.ai",), is_distinctive=False),
)


def find_look_alike(name: str, hosts: Collection[str]) -> str:
    """The well-known name that this one reads like although a host is not its own, or nothing.

    Args:
        hosts: every host (or private-use scheme with its colon) that the client answers at.
            None at all proves nothing, so nothing is found.
    """
    if not name or not hosts:
        return ""
    words = build_skeletons(name)
    for known in (*list_own_names(), *WELL_KNOWN):
        if reads_like(words, known) and not all(is_own_host(host, known) for host in hosts):
            return known.names[0]
    return ""


def list_own_names() -> tuple[WellKnown, ...]:
    """Our own product, which is never a client of itself except at its own address."""
    host = urlsplit(settings.PUBLIC_URL).hostname or ""
    return (WellKnown((settings.PRODUCT_NAME,), (host,)),)


def reads_like(words: list[str], known: WellKnown) -> bool:
    """Whether words in a row, run together, are one of the names, or a word contains it."""
    for name in known.names:
        wanted = "".join(build_skeletons(name))
        if not wanted:
            continue
        if known.is_distinctive and any(wanted in word for word in words):
            return True
        if any(starts_with(words[start:], wanted) for start in range(len(words))):
            return True
    return False


def starts_with(words: list[str], wanted: str) -> bool:
    """Whether the first words, run together, are the wanted text: "Open AI", not "Open Air"."""
    joined = ""
    for word in words:
        joined += word
        if joined == wanted:
            return True
    return False


def is_own_host(host: str, known: WellKnown) -> bool:
    """Whether the host is one of the application's own."""
    return any(
        host == own.removeprefix(".") or (own.startswith(".") and host.endswith(own))
        for own in known.hosts
    )
