"""``prompts/list`` and ``prompts/get`` (MCP 2026-07-28 server/prompts)."""

from collections.abc import Mapping
from typing import Any

from activity.events import Event
from activity.redaction import REDACTED
from mcp_endpoint.content import build_content
from mcp_endpoint.cursors import cut_page, read_position, seal_cursor
from mcp_endpoint.errors import InvalidParamsError
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.obstacles import build_refusal, find_reading_obstacle
from mcp_endpoint.prompts import Prompt, list_messages, prompt_registry
from mcp_endpoint.readings import Reading, build_context
from mcp_endpoint.text_parameters import TextArgumentsError

NO_SUCH_PROMPT = "There is no prompt of this name. Call prompts/list to see those that exist."


def list_prompts(exchange: Exchange) -> Mapping[str, Any]:
    """A page of the prompts that the caller may be given."""
    principal, method = exchange.principal, exchange.message.method
    visible = [
        entry
        for entry in prompt_registry.list_prompts()
        if find_reading_obstacle(principal, entry) is None
    ]
    position = read_position(principal, method, exchange.message.params)
    page, following = cut_page(visible, lambda entry: entry.name, after=position)
    result: dict[str, Any] = {"prompts": [entry.definition for entry in page]}
    if following is not None:
        result["nextCursor"] = seal_cursor(principal, method, following)
    return result


def get_prompt(exchange: Exchange) -> Mapping[str, Any]:
    """The messages of one prompt, recorded."""
    prompt, arguments = read_request(exchange)
    details = {"prompt": prompt.name, "arguments": redact_arguments(prompt, arguments)}
    try:
        values = prompt.parameters.read(arguments)
    except TextArgumentsError as error:
        raise InvalidParamsError(
            f"The arguments of {prompt.name} are not valid. {error}.",
            reason="invalid_arguments",
            event=Event.PROMPT_GIVEN,
            details=details,
        ) from error
    context = build_context(exchange, prompt.name, arguments)

    def build() -> Mapping[str, Any]:
        messages = list_messages(prompt.function(context, **values))
        blocks = build_content([content for _, content in messages], context.protocol_version)
        return {
            "description": prompt.description,
            "messages": [
                {"role": role, "content": block}
                for (role, _), block in zip(messages, blocks, strict=True)
            ],
        }

    return Reading(exchange, context, Event.PROMPT_GIVEN, details, build_absence()).run(build)


def read_request(exchange: Exchange) -> tuple[Prompt, Mapping[str, Any]]:
    """The prompt that ``prompts/get`` names, if nothing is in the way, and its raw arguments."""
    params = exchange.message.params
    name, arguments = params.get("name"), params.get("arguments")
    if not isinstance(name, str):
        raise InvalidParamsError('prompts/get needs "name", a string.')
    if arguments is not None and not isinstance(arguments, dict):
        raise InvalidParamsError('"arguments" must be an object of strings.')
    prompt = prompt_registry.find(name)
    if prompt is None:
        raise build_absence()
    obstacle = find_reading_obstacle(exchange.principal, prompt)
    if obstacle is not None:
        raise build_refusal(exchange, obstacle, build_absence())
    return prompt, arguments or {}


def redact_arguments(prompt: Prompt, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with the values that the prompt lets be kept; the recorder bounds them.

    A value under an unknown name may be a misspelt secret, so it is not kept either.
    """
    keep = frozenset(prompt.parameters.names) - prompt.redact
    return {name: value if name in keep else REDACTED for name, value in arguments.items()}


def build_absence() -> InvalidParamsError:
    """The one refusal for a prompt that is not there, or not for this caller."""
    return InvalidParamsError(NO_SUCH_PROMPT, reason="unknown_prompt")
