"""The quick start's secrets: made once, kept under ``var/``, readable by their owner only.

A value in the environment wins and is never written down. Production has no generated secrets;
its settings refuse to start without the environment's.
"""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from oauth_ext.keys import build_private_key


def ensure_secrets(var_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets that settings want, from the environment or from files made on first use."""
    found = {}
    for name in ("SECRET_KEY", "TOKEN_PEPPER"):
        file = var_dir / "secrets" / name.lower()
        found[name] = environment.get(name) or ensure_file(file, secrets.token_urlsafe(48))
    if environment.get("SIGNING_KEYS_DIR"):
        found["SIGNING_KEYS_DIR"] = environment["SIGNING_KEYS_DIR"]
    else:
        keys = var_dir / "signing-keys"
        ensure_signing_key(keys)
        found["SIGNING_KEYS_DIR"] = str(keys)
    return found


def ensure_signing_key(directory: Path) -> None:
    """Put an ES256 key there unless there is one (RFC 7518 §3.4)."""
    if not (directory / "current.pem").exists():
        ensure_file(directory / "current.pem", build_private_key("ES256"))


def ensure_file(path: Path, new_text: str) -> str:
    """The file's text; a missing one appears whole or not at all, with mode 0600."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    if not path.exists():
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(new_text)
        # Unlike a rename, a link never replaces what another process has just made.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
