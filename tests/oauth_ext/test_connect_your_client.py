"""docs/connect-your-client.md says what the tests walk and what the pages tell people."""

from pathlib import Path

import pytest

from oauth_ext.install_guides import InstallGuide, build_install_guides
from tests.live.client_habits import CLIENTS, Habits
from tests.live.clients_page import HEAD, render_row
from tests.oauth_client import RESOURCE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "connect-your-client.md"
URL = "https://mcp.example.com/mcp"


@pytest.fixture
def page() -> str:
    """The page."""
    return PAGE.read_text()


@pytest.mark.parametrize("habits", CLIENTS, ids=lambda habits: habits.name)
def test_every_client_has_a_section_and_its_row(page: str, habits: Habits) -> None:
    lines = page.splitlines()
    assert f"### {habits.name}" in lines
    assert render_row(habits) in lines


def test_the_table_has_no_row_that_is_not_walked(page: str) -> None:
    lines = page.splitlines()
    start = lines.index(HEAD[0])
    rows = lines[start + 2 :]
    rows = rows[: rows.index("")]
    assert lines[start : start + 2] == list(HEAD)
    assert rows == [render_row(habits) for habits in CLIENTS]


@pytest.mark.parametrize("guide", build_install_guides(), ids=lambda guide: guide.name)
def test_every_guide_of_the_settings_page_is_told_in_the_same_words(
    page: str, guide: InstallGuide
) -> None:
    assert guide.command.replace(RESOURCE, URL) in page
