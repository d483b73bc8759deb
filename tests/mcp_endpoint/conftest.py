"""A connected caller for each test, and tools that only tests have."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from pydantic import BaseModel, ConfigDict

from activity.models import ActivityEvent
from activity.origin import Origin
from mcp_endpoint.context import CallContext
from mcp_endpoint.prompts import prompt, prompt_registry
from mcp_endpoint.registry import registry, tool
from mcp_endpoint.resources import resource, resource_registry
from oauth_ext.client_metadata import parse_client_metadata
from oauth_ext.registration import register_client
from tests.mcp_client import McpClient
from tests.oauth_client import CALLBACK

ALL_SCOPES = ("read", "draft", "actions")


Join = Callable[..., Any]


@pytest.fixture
def join(connect: Any, origin: Origin) -> Join:
    """Connect a person through a client of its own, so that nothing is shared with another."""
    numbers = count()

    def join(user: Any, organization: Any, scopes: tuple[str, ...] = ALL_SCOPES) -> Any:
        metadata = parse_client_metadata(
            {"client_name": f"Client {next(numbers)}", "redirect_uris": [CALLBACK]}
        )
        with transaction.atomic():
            client = register_client(metadata, origin=origin)
            return connect(user, organization, scopes, client=client)

    return join


@pytest.fixture
def alice_acme(world: Any, join: Join) -> Any:
    """Alice's connection for Acme with every scope."""
    return join(world.alice, world.acme)


@pytest.fixture
def mcp(alice_acme: Any) -> McpClient:
    """Alice in Acme, with every scope."""
    return McpClient(alice_acme.access_token)


class ProbeArguments(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = ""
    hidden: str = ""
    count: int = 0


class ProbeResult(BaseModel):
    text: str


AddTool = Callable[..., str]


@pytest.fixture
def add_tool() -> Iterator[AddTool]:
    """Register a tool for one test: ``add_tool(function, read_only=…, …) -> name``."""
    added: list[str] = []

    def add(behaviour: Callable[[Any, ProbeArguments], ProbeResult], **options: Any) -> str:
        name = f"probe_{len(added)}"

        def probe(context: CallContext, arguments: ProbeArguments) -> ProbeResult:
            """A tool that only tests have."""
            return behaviour(context, arguments)

        settings = {
            "scope": "read",
            "title": "Probe",
            "read_only": True,
            "destructive": False,
            "idempotent": True,
            "open_world": False,
        }
        tool(name=name, **(settings | options))(probe)
        added.append(name)
        return name

    yield add
    for name in added:
        registry.remove(name)


Register = Callable[..., str]


@pytest.fixture
def register() -> Iterator[Register]:
    """Register a function as it is for one test: ``register(function, read_only=…) -> name``."""
    added: list[str] = []

    def register(function: Callable[..., Any], **options: Any) -> str:
        settings = {"scope": "read", "title": "Probe", "read_only": True, "open_world": False}
        tool(**(settings | options))(function)
        added.append(options.get("name", function.__name__))
        return added[-1]

    yield register
    for name in added:
        registry.remove(name)


def rows_of(reference: str) -> list[ActivityEvent]:
    """The activity rows of one request, oldest first."""
    return list(ActivityEvent.objects.with_reference(reference).order_by("id"))


AddResource = Callable[..., None]


@pytest.fixture
def add_resource() -> Iterator[AddResource]:
    """Register a resource for one test: ``add_resource(function, uri=…, …)``."""
    added: list[str] = []

    def add(function: Callable[..., Any], **options: Any) -> None:
        resource(**({"scope": "read", "title": "Probe"} | options))(function)
        added.append(options.get("uri") or options["uri_template"])

    yield add
    for uri in added:
        resource_registry.remove(uri)


AddPrompt = Callable[..., str]


@pytest.fixture
def add_prompt() -> Iterator[AddPrompt]:
    """Register a prompt for one test: ``add_prompt(function, …) -> name``."""
    added: list[str] = []

    def add(function: Callable[..., Any], **options: Any) -> str:
        prompt(**({"scope": "read", "title": "Probe"} | options))(function)
        added.append(options.get("name") or function.__name__)
        return added[-1]

    yield add
    for name in added:
        prompt_registry.remove(name)
