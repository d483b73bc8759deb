"""The samples of docs/rest-api.md, run with curl on the real server, and what HTTP is there."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from accounts.models import Membership
from activity.models import ActivityEvent
from activity.origin import Origin
from activity.references import new_reference
from oauth_ext.models import Client, Connection, PersonalAccessToken
from oauth_ext.personal_tokens import mint_personal_token
from tests.live.conftest import Resident
from tests.live.server import LiveServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rest-api.md"
SAMPLES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.S)
    for line in block.splitlines()
]
CURL = shutil.which("curl")


def mint(resident: Resident) -> str:
    """A personal access token with everything."""
    membership = Membership.objects.get(user=resident.user, organization_id=resident.acme_id)
    return mint_personal_token(
        membership,
        label="Script",
        scopes=("read", "draft", "actions"),
        days=30,
        nonce=new_reference(),
        origin=Origin(reference=new_reference()),
    )


@pytest.fixture
def token(resident: Resident) -> str:
    """The caller's."""
    return mint(resident)


@pytest.fixture
def connection(resident: Resident) -> Connection:
    """An application that the resident has connected."""
    client = Client.objects.create(client_id=f"dyn_{uuid4().hex}", name="Sample", user=None)
    return Connection.objects.create(
        user=resident.user,
        organization_id=resident.acme_id,
        membership=Membership.objects.get(user=resident.user, organization_id=resident.acme_id),
        client=client,
        scope="read",
    )


def run(command: str, **values: str) -> tuple[int, Any]:
    """The status of a sample's answer, and its document."""
    assert command.startswith("curl ")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("curl ", "curl -sS -w '\\n%{http_code}' ", 1)],
        env={"PATH": os.environ["PATH"], **values},
        capture_output=True,
        text=True,
        check=True,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


@pytest.mark.skipif(CURL is None, reason="curl is not installed")
def test_the_samples_of_the_page_work_as_they_stand(
    server: LiveServer, resident: Resident, token: str, connection: Connection
) -> None:
    mint(resident)
    old = PersonalAccessToken.objects.filter(user=resident.user).latest("created_at")
    values = {
        "SERVER": server.url,
        "TOKEN": token,
        "CONNECTION": str(connection.id),
        "OLD": str(old.id),
        "REFERENCE": ActivityEvent.objects.latest("id").reference,
    }
    answers = {sample: run(sample, **values) for sample in SAMPLES}
    assert len(answers) == 11
    for sample, (status, document) in answers.items():
        assert status == (204 if "-X DELETE" in sample else 200), (sample, document)
    states = [document["state"] for sample, (_, document) in answers.items() if "POST" in sample]
    assert states == ["paused", "active"]
    connection.refresh_from_db()
    old.refresh_from_db()
    assert connection.label == "Laptop"
    assert connection.revoked_at and old.revoked_at


def test_the_page_names_every_operation_with_its_permission_and_tool(server: LiveServer) -> None:
    document = httpx.get(f"{server.url}/api/v1/schema").json()
    told = set(re.findall(r"^\| `(\w+) (\S+)` \| (\w+) \| `(\w+)` \|", PAGE.read_text(), re.M))
    assert told == {
        (
            method.upper(),
            path,
            described["security"][0]["oauth2"][0],
            described["description"].rpartition("the tool `")[2].rstrip("`."),
        )
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def test_bodies_in_chunks_and_heads_are_answered_as_http_wants(
    server: LiveServer, token: str, connection: Connection
) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    url = f"{server.url}/api/v1/connections/{connection.id}"
    answer = httpx.patch(url, headers=headers, content=iter([b'{"label":', b' "In parts"}']))
    assert (answer.status_code, answer.json()["label"]) == (200, "In parts")
    chunks = iter([b'{"label": "', b"x" * 1_100_000, b'"}'])
    assert httpx.patch(url, headers=headers, content=chunks).status_code == 413
    with httpx.Client() as client:
        head = client.head(url, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        # The next answer on the same connection is whole.
        again = client.get(url, headers=headers)
        assert again.json()["label"] == "In parts"
        assert int(head.headers["Content-Length"]) == len(again.content)
        assert client.get(f"{server.url}/api/v1/docs").status_code == 200
