"""``resources/list``, ``resources/templates/list`` and ``resources/read``.

MCP 2026-07-28 server/resources. Subscriptions are not served: there is no stream to tell of
changes on, and a list may be kept for a minute only.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import InterfaceError, OperationalError
from pydantic import BaseModel

from activity.events import Event
from mcp_endpoint.content import build_resource_contents
from mcp_endpoint.cursors import PAGE_SIZE, cut_page, read_position, seal_cursor
from mcp_endpoint.errors import (
    InvalidParamsError,
    LegacyResourceAbsentError,
    ResourceAbsentError,
    ResourceNotFoundError,
)
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.obstacles import build_refusal, find_reading_obstacle
from mcp_endpoint.protocol import Era
from mcp_endpoint.read_only import run_reading
from mcp_endpoint.readings import Reading, build_context, build_failure
from mcp_endpoint.resource_definitions import ListedResource, Lister, Resource
from mcp_endpoint.resources import resource_registry
from mcp_endpoint.uris import find_echo

NOT_FOUND = (
    "There is no resource of this URI. Call resources/list and resources/templates/list to see "
    "those that exist."
)


def list_resources(exchange: Exchange) -> Mapping[str, Any]:
    """A page of what the caller may read: single resources, then those that templates list."""
    principal, method = exchange.principal, exchange.message.method
    position = read_position(principal, method, exchange.message.params)
    source, key = position if position is not None else (None, None)
    entries = list(islice(walk_resources(exchange, source, key), PAGE_SIZE + 1))
    page: dict[str, Any] = {"resources": [definition for _, definition in entries[:PAGE_SIZE]]}
    if len(entries) > PAGE_SIZE:
        page["nextCursor"] = seal_cursor(principal, method, entries[PAGE_SIZE - 1][0])
    return page


def walk_resources(
    exchange: Exchange, source: str | None, key: str | None
) -> Iterator[tuple[list[str | None], dict[str, Any]]]:
    """Positions and definitions behind a position, which is a source and a key in it.

    The first source are the single resources, whose key is their URI; each template that lists
    some of its own is another, named by its URI.
    """
    if source is None:
        for entry in resource_registry.list_direct():
            if is_visible(exchange, entry) and (key is None or entry.template.text > key):
                yield [None, entry.template.text], entry.definition
        key = None
    for entry in resource_registry.list_templates():
        if entry.instances is None or not is_visible(exchange, entry):
            continue
        if source is not None and entry.template.text < source:
            continue
        after = key if entry.template.text == source else None
        for instance in list_instances(exchange, entry, entry.instances, after):
            yield [entry.template.text, instance.key], describe_listed(entry, instance)


def list_instances(
    exchange: Exchange, resource: Resource, lister: Lister, after: str | None
) -> Sequence[ListedResource]:
    """What a template lists behind a key.

    Raises:
        ReadingFailedError: its lister failed.
        django.db.OperationalError: the database failed below it.
    """
    try:
        return run_reading(lister, build_context(exchange), after, PAGE_SIZE + 1)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        raise build_failure(error, Event.SERVER_FAULT, {"resource": resource.name}) from error


def describe_listed(resource: Resource, listed: ListedResource) -> dict[str, Any]:
    """One of a template's resources as a list shows it."""
    return {
        "uri": resource.template.expand(listed.variables),
        "name": resource.name,
        "title": listed.title,
        "description": listed.description or resource.description,
        "mimeType": resource.mime_type,
    }


def list_templates(exchange: Exchange) -> Mapping[str, Any]:
    """A page of the templates that the caller may use."""
    principal, method = exchange.principal, exchange.message.method
    visible = [entry for entry in resource_registry.list_templates() if is_visible(exchange, entry)]
    position = read_position(principal, method, exchange.message.params)
    page, following = cut_page(visible, lambda entry: entry.template.text, after=position)
    result: dict[str, Any] = {"resourceTemplates": [entry.definition for entry in page]}
    if following is not None:
        result["nextCursor"] = seal_cursor(principal, method, following)
    return result


def is_visible(exchange: Exchange, resource: Resource) -> bool:
    """Whether reading it would not be refused."""
    return find_reading_obstacle(exchange.principal, resource) is None


def read_resource(exchange: Exchange) -> Mapping[str, Any]:
    """The contents of one resource, recorded.

    What belongs to somebody else is answered as what does not exist.
    """
    uri = exchange.message.params.get("uri")
    if not isinstance(uri, str):
        raise InvalidParamsError('resources/read needs "uri", a string.')
    found = resource_registry.find(uri)
    if found is None:
        raise build_absence(exchange, uri)
    resource, variables = found
    details = resource.describe_in_log(variables)
    absence = build_absence(exchange, uri, details)
    obstacle = find_reading_obstacle(exchange.principal, resource)
    if obstacle is not None:
        raise build_refusal(exchange, obstacle, absence)
    values = resource.parameters.read_exactly(variables)
    if values is None:
        raise absence

    context = build_context(exchange, uri)

    def build() -> Mapping[str, Any]:
        contents = resource.function(context, **values)
        return {"contents": [build_contents(resource, uri, contents)]}

    return Reading(exchange, context, Event.RESOURCE_READ, details, absence).run(build)


def build_contents(resource: Resource, uri: str, contents: Any) -> dict[str, Any]:
    """What the function returned, as the wire has it."""
    if isinstance(contents, BaseModel):
        contents = contents.model_dump_json(by_alias=True)
    if contents is None:
        raise ResourceNotFoundError
    if not isinstance(contents, str | bytes):
        raise TypeError(f"{resource.name} must return str, bytes or a pydantic model")
    return build_resource_contents(uri, contents, resource.mime_type)


def build_absence(
    exchange: Exchange, uri: str, details: Mapping[str, Any] | None = None
) -> ResourceAbsentError:
    """The one refusal for what is not there, somebody else's, or not spelled like a resource.

    Details are kept of resources of ours only: what else a caller sends may be a secret.
    """
    is_legacy = exchange.message.era is Era.LEGACY
    kind = LegacyResourceAbsentError if is_legacy else ResourceAbsentError
    return kind(
        NOT_FOUND,
        data=find_echo(uri),
        event=Event.RESOURCE_READ if details is not None else None,
        details=details,
    )
