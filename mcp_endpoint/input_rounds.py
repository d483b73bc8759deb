"""One round of a request that may ask for input: MCP 2026-07-28 basic/patterns/mrtr.

A tool asks in the middle of its work. The round ends there and is rolled back; the client gathers
the answers and makes the same call again, and the tool runs from its start with the answers at
hand. An answer counts only for the question that was asked, word for word: when the question has
changed meanwhile ("delete 3 files" has become 30), it is asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_endpoint.errors import (
    InvalidParamsError,
    MissingCapabilityError,
    ToolError,
)
from mcp_endpoint.exchange import Exchange
from mcp_endpoint.input_requests import InputRequest, UnusableAnswerError
from mcp_endpoint.protocol import CAPABILITIES_KEY, Era
from mcp_endpoint.request_state import (
    KeptState,
    build_binding,
    digest_json,
    open_state,
    seal_state,
)

CANNOT_ASK = (
    "This needs an answer from the person, and the connected application cannot ask in the middle "
    "of a call. Use one that speaks MCP 2026-07-28 with elicitation."
)


class InputRequiredError(Exception):
    """Ends a round: the client must gather input and make the call again."""

    def __init__(self, requests: Mapping[str, Any], request_state: str) -> None:
        super().__init__("input is required")
        self.requests = requests
        self.request_state = request_state

    @property
    def result(self) -> dict[str, Any]:
        """The result that asks."""
        return {
            "resultType": "input_required",
            "inputRequests": self.requests,
            "requestState": self.request_state,
        }


@dataclass(slots=True)
class InputRound:
    """What the client can be asked in this round, and what it has answered.

    ``capabilities`` None: the client can't be asked at all. ``settled`` and ``decisions`` fill
    while the tool runs.
    """

    tool: str = ""
    capabilities: Mapping[str, Any] | None = None
    binding: bytes = b""
    given: Mapping[str, Any] = field(default_factory=dict)
    kept: KeptState = field(default_factory=KeptState)
    settled: dict[str, tuple[str, Any]] = field(default_factory=dict)
    decisions: dict[str, str] = field(default_factory=dict)

    def can_ask(self, kind: type[InputRequest[Any]]) -> bool:
        """Whether the client declared that it takes such questions."""
        return self.capabilities is not None and kind.is_declared(self.capabilities)

    def require(
        self, requests: Mapping[str, InputRequest[Any]], own: Any, *, accept_unasked: bool
    ) -> dict[str, Any]:
        """The answers to all questions, or the end of this round.

        Raises:
            InputRequiredError: some are not answered yet.
            MissingCapabilityError: the client did not declare that it can be asked this.
            ToolError: a client of the legacy era.
        """
        answers, open_requests = {}, {}
        for key, request in requests.items():
            digest = digest_json(request.build())
            answer = self.find_answer(key, digest, accept_unasked=accept_unasked)
            try:
                if not isinstance(answer, dict):
                    raise UnusableAnswerError
                answers[key] = request.read_answer(answer)
            except UnusableAnswerError:
                open_requests[key] = request
            else:
                self.settled[key] = (digest, answer)
                self.decisions[key] = request.name_decision(answer)
        if open_requests:
            raise self.ask(open_requests, own)
        return answers

    def find_answer(self, key: str, digest: str, *, accept_unasked: bool) -> Any:
        """The answer to this very question, or None."""
        if key in self.kept.answered and self.kept.answered[key][0] == digest:
            return self.kept.answered[key][1]
        asked = self.kept.asked.get(key)
        if asked == digest or (asked is None and accept_unasked):
            return self.given.get(key)
        return None

    def ask(self, requests: Mapping[str, InputRequest[Any]], own: Any) -> InputRequiredError:
        """What ends the round with these questions, once the client can take them."""
        self.check_capabilities(requests)
        built = {key: request.build() for key, request in requests.items()}
        asked = {key: digest_json(question) for key, question in built.items()}
        kept = self.kept.own if own is None else own
        return InputRequiredError(
            built, seal_state(KeptState(asked, self.settled, kept), self.binding)
        )

    def check_capabilities(self, requests: Mapping[str, InputRequest[Any]]) -> None:
        """MCP 2026-07-28 basic/patterns/mrtr: MUST NOT ask what the client did not declare."""
        if self.capabilities is None:
            raise ToolError(CANNOT_ASK, reason="client_cannot_ask")
        missing: dict[str, Any] = {}
        for request in requests.values():
            if not self.can_ask(type(request)):
                missing |= request.required_capabilities
        if missing:
            raise MissingCapabilityError(
                "This needs input that the client did not declare it can give: "
                f"{', '.join(sorted(missing))}.",
                data={"requiredCapabilities": missing},
                tool=self.tool,
            )

    @property
    def named_in_log(self) -> dict[str, Any]:
        """What the row says of the answers: which there were and what was decided, no contents."""
        return {"answers": dict(self.decisions)} if self.decisions else {}


def open_round(exchange: Exchange, name: str, arguments: Mapping[str, Any]) -> InputRound:
    """The round that this request is; what it brings is verified here, before anything runs.

    Raises:
        InvalidParamsError: ``requestState`` is not this call's, or the answers are no object.
    """
    message = exchange.message
    if message.era is Era.LEGACY:
        return InputRound()
    tool = name if message.method == "tools/call" else ""
    given = message.params.get("inputResponses", {})
    if not isinstance(given, dict):
        raise InvalidParamsError('"inputResponses" must be an object.', tool=tool)
    binding = build_binding(exchange, name, arguments)
    kept: KeptState | None = KeptState()
    if "requestState" in message.params:
        kept = open_state(message.params["requestState"], binding)
    if kept is None:
        # One text for all: whose it is and what it was for is nobody else's business.
        raise InvalidParamsError(
            "This requestState is not good for this call, or its time is over. Make the call "
            "again without requestState and inputResponses.",
            reason="state_tampered",
            tool=tool,
        )
    return InputRound(tool, message.params["_meta"][CAPABILITIES_KEY], binding, given, kept)
