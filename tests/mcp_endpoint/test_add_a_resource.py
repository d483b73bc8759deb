"""The samples of docs/add-a-resource.md, run as they stand."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from accounts.models import Membership
from mcp_endpoint.prompts import prompt_registry
from mcp_endpoint.resources import resource_registry
from tests.mcp_client import McpClient
from tests.mcp_endpoint.conftest import Join

pytestmark = pytest.mark.django_db
URIS = ("people://everybody", "people://person/{person_id}")


@pytest.fixture
def samples() -> Iterator[None]:
    """Both samples, registered for one test."""
    text = (settings.BASE_DIR / "docs/add-a-resource.md").read_text()
    for number, source in enumerate(re.findall(r"```python\n(.*?)```", text, re.S)):
        exec(compile(source, f"sample {number}", "exec"), {"__name__": f"sample{number}"})  # noqa: S102
    yield
    for uri in URIS:
        resource_registry.remove(uri)
    prompt_registry.remove("welcome")


def test_the_samples_work_as_they_stand(samples: None, world: Any, mcp: McpClient) -> None:
    def read(uri: str) -> str:
        result = mcp.modern("resources/read", {"uri": uri}).json()["result"]
        return str(result["contents"][0]["text"])

    assert read("people://everybody").splitlines() == ["Alice Archer", "Ben Baker"]
    ben = Membership.objects.get(user=world.ben, organization=world.acme)
    assert read(f"people://person/{ben.id}") == '{"name":"Ben Baker","role":"member"}'
    given = mcp.modern("prompts/get", {"name": "welcome", "arguments": {"name": "Cleo"}})
    (message,) = given.json()["result"]["messages"]
    assert message["content"]["text"] == "Welcome Cleo to Acme in 3 sentences."
    listed = mcp.modern("prompts/list").json()["result"]["prompts"]
    assert next(entry for entry in listed if entry["name"] == "welcome")["arguments"] == [
        {"name": "name", "description": "Whom to welcome.", "required": True},
        {
            "name": "sentences",
            "description": "How long it may be; 3 if left out.",
            "required": False,
        },
    ]
    params = {
        "ref": {"type": "ref/resource", "uri": URIS[1]},
        "argument": {"name": "person_id", "value": ""},
    }
    completed = mcp.modern("completion/complete", params).json()["result"]["completion"]
    assert str(ben.id) in completed["values"] and completed["total"] == 2


@pytest.mark.case(312)
def test_the_sample_shows_nobody_of_another_organization(
    samples: None, world: Any, join: Join, mcp: McpClient
) -> None:
    cleo = Membership.objects.get(user=world.cleo, organization=world.borealis)
    uri = f"people://person/{cleo.id}"
    own = McpClient(join(world.cleo, world.borealis).access_token)
    assert "Cleo Carter" in own.modern("resources/read", {"uri": uri}).content.decode()
    answer = mcp.modern("resources/read", {"uri": uri})
    assert answer.json()["error"]["code"] == -32602
    assert b"Cleo" not in answer.content
