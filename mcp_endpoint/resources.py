"""The resources: one decorator, one registry, one order (MCP 2026-07-28 server/resources).

A host application writes ``mcp_resources.py`` beside its ``models.py``; it is found at start. A
resource only reads: what has effects is a tool.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from mcp_endpoint.completers import Completer
from mcp_endpoint.decorators import explained
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.resource_definitions import Lister, Resource, ResourceFunction, define_resource
from mcp_endpoint.signatures import name_line

Function = TypeVar("Function", bound=ResourceFunction)


class ResourceRegistry:
    """All resources; lists them in the order of their URIs, whoever registered first."""

    def __init__(self) -> None:
        self._resources: dict[str, Resource] = {}

    def add(self, resource: Resource) -> None:
        """Register a resource; no URI may lead to two templates, and no name to two resources."""
        place = name_line(resource.function)
        for other in self._resources.values():
            if other.name == resource.name:
                raise ToolDefinitionError(
                    f"Two resources are called {resource.name!r}: {name_line(other.function)} and "
                    f"{place}. Give one of them another name=…."
                )
            # What has a URI of its own comes before the templates that would take it in.
            is_same_kind = other.is_template == resource.is_template
            if is_same_kind and other.template.overlaps(resource.template):
                raise ToolDefinitionError(
                    f"One URI would be both {other.template.text} ({name_line(other.function)}) "
                    f"and {resource.template.text} ({place}). Write another URI for one of them."
                )
        self._resources[resource.template.text] = resource

    def remove(self, uri: str) -> None:
        """Forget a resource by its URI or template; for tests that add their own."""
        del self._resources[uri]

    def find(self, uri: str) -> tuple[Resource, dict[str, str]] | None:
        """The resource with this URI and the values of its variables, or None."""
        for resource in (*self.list_direct(), *self.list_templates()):
            variables = resource.template.match(uri)
            if variables is not None:
                return resource, variables
        return None

    def find_registered(self, uri: str) -> Resource | None:
        """The resource that is registered under exactly this URI or template, or None."""
        return self._resources.get(uri)

    def list_direct(self) -> list[Resource]:
        """Those with a URI of their own."""
        return [entry for entry in self._list() if not entry.is_template]

    def list_templates(self) -> list[Resource]:
        """Those with variables in their URI."""
        return [entry for entry in self._list() if entry.is_template]

    def _list(self) -> list[Resource]:
        return [self._resources[uri] for uri in sorted(self._resources)]


resource_registry = ResourceRegistry()


@explained
def resource(
    *,
    uri: str | None = None,
    uri_template: str | None = None,
    scope: str | None = None,
    title: str | None = None,
    mime_type: str | None = None,
    name: str | None = None,
    redact: Iterable[str] = (),
    complete: Mapping[str, Completer] | None = None,
    instances: Lister | None = None,
    tool: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function as a resource.

    The function takes ``(context: CallContext)`` for one ``uri``, or the variables of a
    ``uri_template`` as typed parameters besides. It returns text, bytes or a pydantic model (JSON)
    and raises ``ResourceNotFoundError`` for what this caller has none of. Its docstring is what
    people and models read. Values of variables named in ``redact`` never reach the log.

    Args:
        complete: who suggests values of a variable, by its name.
        instances: lists those resources of a template that are worth showing in a list.
        tool: the tool that tells the same; an organization that hides it hides this too.

    Raises:
        ToolDefinitionError: something is missing or wrong; the text says what to write.
    """

    def register(function: Function) -> Function:
        resource_registry.add(
            define_resource(
                function,
                name=name or str(getattr(function, "__name__", "")),
                uri=uri,
                uri_template=uri_template,
                scope=scope,
                title=title,
                mime_type=mime_type,
                redact=frozenset([redact] if isinstance(redact, str) else redact),
                complete=complete or {},
                instances=instances,
                tool=tool,
            )
        )
        return function

    return register
