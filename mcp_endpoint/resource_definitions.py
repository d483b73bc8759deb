"""What a resource is, and every check of its definition (MCP 2026-07-28 server/resources).

A mistake stops the process with a sentence that says what to write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from mcp_endpoint.completers import Completer, check_completers
from mcp_endpoint.content import MEDIA_TYPE
from mcp_endpoint.context import CallContext
from mcp_endpoint.definitions import check_name, check_scope, check_title
from mcp_endpoint.docstrings import read_docstring
from mcp_endpoint.errors import ToolDefinitionError
from mcp_endpoint.signatures import name_place
from mcp_endpoint.text_parameters import TextParameters, read_text_parameters
from mcp_endpoint.uris import UriError, UriTemplate, parse_template

Contents = str | bytes | BaseModel
ResourceFunction = Callable[..., Contents]
JSON_TYPE, TEXT_TYPE = "application/json", "text/plain"


@dataclass(frozen=True, slots=True)
class ListedResource:
    """One resource of a template, as ``resources/list`` shows it.

    ``key`` says where it stands in its template's order, so that a page can go on behind it, also
    when it is gone by then.
    """

    key: str
    variables: Mapping[str, str]
    title: str
    description: str = ""


# (context, key of the last one that was shown or None, how many at most) -> the next ones
Lister = Callable[[CallContext, str | None, int], Sequence[ListedResource]]


@dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource, or a template of many; ``definition`` is what a list shows."""

    name: str
    template: UriTemplate
    title: str
    description: str
    scope: str
    tool: str | None
    mime_type: str
    redact: frozenset[str]
    complete: Mapping[str, Completer]
    instances: Lister | None
    parameters: TextParameters
    function: ResourceFunction
    definition: dict[str, Any]

    @property
    def is_template(self) -> bool:
        """Whether it stands for many."""
        return bool(self.template.variables)

    def describe_in_log(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The URI that was read, without the values that must not be kept."""
        kept = {
            name: value if name not in self.redact else "redacted"
            for name, value in variables.items()
        }
        return {"uri": self.template.expand(kept)}


def define_resource(
    function: ResourceFunction,
    *,
    name: str,
    uri: str | None,
    uri_template: str | None,
    scope: str | None,
    title: str | None,
    mime_type: str | None,
    redact: frozenset[str],
    complete: Mapping[str, Completer],
    instances: Lister | None,
    tool: str | None = None,
) -> Resource:
    """Check a definition completely and build the resource."""
    place = name_place(function)
    template = read_uri(place, uri, uri_template)
    check_name(name, place)
    title, scope = check_title(title, place), check_scope(scope, place)
    description, descriptions = read_docstring(function, place)
    parameters = read_text_parameters(function, descriptions, place)
    if set(parameters.names) != set(template.variables):
        raise ToolDefinitionError(
            f"{place}: the URI has {list_names(template.variables)}, the function takes "
            f"{list_names(parameters.names)} besides context. Write the same names in both."
        )
    if unknown := redact - set(template.variables):
        raise ToolDefinitionError(
            f"{place}: redact= names {list_names(sorted(unknown))}, which the URI does not have."
        )
    if instances is not None and not template.variables:
        raise ToolDefinitionError(f"{place}: leave out instances=; there is only one of it.")
    media_type = settle_media_type(place, mime_type, parameters.returns)
    return Resource(
        name=name,
        template=template,
        title=title,
        description=description,
        scope=scope,
        tool=tool,
        mime_type=media_type,
        redact=redact,
        complete=check_completers(place, complete, template.variables),
        instances=instances,
        parameters=parameters,
        function=function,
        definition={
            "uriTemplate" if template.variables else "uri": template.text,
            "name": name,
            "title": title,
            "description": description,
            "mimeType": media_type,
        },
    )


def read_uri(place: str, uri: str | None, uri_template: str | None) -> UriTemplate:
    """The one of both that was given."""
    text = uri if uri is not None else uri_template
    if text is None or (uri is not None and uri_template is not None):
        raise ToolDefinitionError(f"{place}: write uri=… or uri_template=…, one of them.")
    try:
        template = parse_template(text)
    except UriError as error:
        raise ToolDefinitionError(f"{place}: {text!r} is no URI. {error}.") from error
    if bool(template.variables) is not (uri_template is not None):
        raise ToolDefinitionError(
            f"{place}: write uri_template= for a URI with {{variables}}, and uri= for one without."
        )
    return template


def settle_media_type(place: str, mime_type: str | None, returns: Any) -> str:
    """The media type: what was said, else what follows from the type of the contents."""
    is_model = isinstance(returns, type) and issubclass(returns, BaseModel)
    if returns not in (str, bytes) and not is_model:
        raise ToolDefinitionError(f"{place}: write -> str, -> bytes or -> a pydantic model.")
    if mime_type is None and returns is bytes:
        raise ToolDefinitionError(f"{place}: write mime_type=, such as image/png.")
    settled = mime_type or (JSON_TYPE if is_model else TEXT_TYPE)
    if not MEDIA_TYPE.fullmatch(settled):
        raise ToolDefinitionError(f"{place}: {settled!r} is no media type, such as text/plain.")
    return settled


def list_names(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names) or "nothing"
