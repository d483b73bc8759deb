"""``completion/complete``: values for an argument while somebody types it (MCP 2026-07-28).

It needs what the prompt or the resource itself needs, and shows no more than they do. It is asked
at every key, so only refusals and faults are recorded.
"""

from collections.abc import Mapping
from typing import Any

from django.db import InterfaceError, OperationalError

from activity.events import Event
from mcp_endpoint.completers import build_completion
from mcp_endpoint.errors import InvalidParamsError, ToolError
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.obstacles import build_refusal, find_reading_obstacle
from mcp_endpoint.prompt_methods import NO_SUCH_PROMPT
from mcp_endpoint.prompts import Prompt, prompt_registry
from mcp_endpoint.read_only import run_reading
from mcp_endpoint.readings import build_context, build_failure
from mcp_endpoint.resource_definitions import Resource
from mcp_endpoint.resources import resource_registry
from mcp_endpoint.responses import encode_json

NO_SUCH_TEMPLATE = (
    "There is no template of this URI. Call resources/templates/list to see those that exist."
)
MAX_TYPED = 1024


def complete(exchange: Exchange) -> Mapping[str, Any]:
    """At most a hundred values that begin like what was typed, as the completer judges it."""
    wanted = find_reference(exchange)
    name, typed = read_argument(exchange.message.params.get("argument"))
    if name not in wanted.parameters.names:
        raise InvalidParamsError("It has no such argument.", reason="invalid_arguments")
    completer = wanted.complete.get(name)
    if completer is None:
        return {"completion": build_completion([])}
    try:
        suggested = run_reading(completer, build_context(exchange), typed)
        result = {"completion": build_completion(suggested)}
        encode_json(result)
    except ToolError as error:
        raise InvalidParamsError(error.message, reason=error.reason) from error
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        raise build_failure(error, Event.SERVER_FAULT, {"completion": wanted.name}) from error
    return result


def find_reference(exchange: Exchange) -> Prompt | Resource:
    """The prompt or resource template that ``ref`` names, if nothing is in the way of it."""
    reference = exchange.message.params.get("ref")
    kind = reference.get("type") if isinstance(reference, dict) else None
    if not isinstance(reference, dict) or kind not in ("ref/prompt", "ref/resource"):
        raise InvalidParamsError('"ref" must be of the type ref/prompt or ref/resource.')
    member = "name" if kind == "ref/prompt" else "uri"
    key = reference.get(member)
    if not isinstance(key, str):
        raise InvalidParamsError(f'"ref" needs "{member}", a string.')
    absence = build_absence(kind)
    wanted: Prompt | Resource | None
    if kind == "ref/prompt":
        wanted = prompt_registry.find(key)
    else:
        wanted = resource_registry.find_registered(key)
    if wanted is None:
        raise absence
    obstacle = find_reading_obstacle(exchange.principal, wanted)
    if obstacle is not None:
        raise build_refusal(exchange, obstacle, absence)
    return wanted


def build_absence(kind: str) -> InvalidParamsError:
    """The one refusal for what is not there, or not for this caller."""
    if kind == "ref/prompt":
        return InvalidParamsError(NO_SUCH_PROMPT, reason="unknown_prompt")
    return InvalidParamsError(NO_SUCH_TEMPLATE, reason="unknown_resource")


def read_argument(argument: Any) -> tuple[str, str]:
    """The name of the argument and what was typed so far."""
    name = argument.get("name") if isinstance(argument, dict) else None
    typed = argument.get("value") if isinstance(argument, dict) else None
    if not isinstance(name, str) or not isinstance(typed, str):
        raise InvalidParamsError('"argument" needs "name" and "value", both strings.')
    if len(typed) > MAX_TYPED:
        raise InvalidParamsError(f'"value" may have at most {MAX_TYPED} characters.')
    return name, typed
