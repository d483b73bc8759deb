"""``make run`` when it cannot: one sentence, whose advice works."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from docjacket_mcp.embedded_postgres import EmbeddedPostgres
from docjacket_mcp.guardian import Guardian

ROOT = Path(__file__).resolve().parents[2]


def run(folder: Path, port: int, **environment: str) -> str:
    """What a run says that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "docjacket_mcp.quickstart"],
        env={"PATH": os.environ["PATH"], "VAR_DIR": str(folder), "PORT": str(port), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    return done.stdout + done.stderr


def test_a_second_run_beside_the_first_is_not_sent_to_another_port(tmp_path: Path) -> None:
    guardian = Guardian()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert EmbeddedPostgres(tmp_path / "postgres", guardian).claim()
        said = run(tmp_path, port)
        assert said.startswith(f"\nAnother make run already uses {tmp_path}. Stop it first")
        elsewhere = run(tmp_path / "second", port)
        assert elsewhere.startswith(f"\nPort {port} is already in use.")
    guardian.stop_all()


def test_applications_are_loaded_before_the_database_and_complain_once(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms/__init__.py").write_text("")
    (tmp_path / "rooms/mcp_tools.py").write_text("def broken(\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = run(tmp_path / "var", port, HOST_APPS="rooms", PYTHONPATH=str(tmp_path))
    assert said.startswith("\nLoading HOST_APPS failed. It said:\nAn application could not be")
    assert said.count("SyntaxError: '(' was never closed") == 1
