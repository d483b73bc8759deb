"""From a settled message to its result: the methods of each era, a line each.

Only what is served is here, and only what is here is declared.
"""

from collections.abc import Callable, Mapping

from django.conf import settings

from mcp_endpoint.completion import complete
from mcp_endpoint.errors import MethodNotFoundError
from mcp_endpoint.exchange import Exchange, Handler, Result, Steps
from mcp_endpoint.opening_methods import discover, initialize, ping
from mcp_endpoint.prompt_methods import get_prompt, list_prompts
from mcp_endpoint.protocol import Era
from mcp_endpoint.resource_methods import list_resources, list_templates, read_resource
from mcp_endpoint.results import build_server_info, stamp_result
from mcp_endpoint.tool_methods import call, list_tools


def dispatch(exchange: Exchange) -> Result | Steps:
    """The result of a request, or the steps that lead to it.

    Raises:
        MethodNotFoundError: 404 in the modern era; 200 before, where 404 meant a lost session.
        RefusedError: the parameters or the scopes don't suffice.
    """
    message = exchange.message
    handler = HANDLERS[message.era].get(message.method)
    if handler is None:
        raise MethodNotFoundError(
            "This method does not exist here.", status=404 if message.era is Era.MODERN else 200
        )

    def stamp(result: Result) -> Result:
        return stamp_result(
            result,
            era=message.era,
            server_info=build_server_info(settings.PRODUCT_NAME),
            cacheable=message.method in CACHEABLE,
        )

    outcome = handler(exchange)
    return stamp(outcome) if isinstance(outcome, Mapping) else finish(outcome, stamp)


def finish(steps: Steps, stamp: Callable[[Result], Result]) -> Steps:
    """The same steps to a stamped result."""
    return stamp((yield from steps))


CACHEABLE = frozenset(
    {
        "server/discover",
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
    }
)
# The same in both eras.
SERVED: Mapping[str, Handler] = {
    "tools/list": list_tools,
    "tools/call": call,
    "resources/list": list_resources,
    "resources/templates/list": list_templates,
    "resources/read": read_resource,
    "prompts/list": list_prompts,
    "prompts/get": get_prompt,
    "completion/complete": complete,
}
HANDLERS: Mapping[Era, Mapping[str, Handler]] = {
    Era.LEGACY: {"initialize": initialize, "ping": ping, **SERVED},
    Era.MODERN: {"server/discover": discover, **SERVED},
}
