"""What a tool knows about its call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from activity.origin import Origin
from mcp_endpoint.input_requests import InputRequest
from mcp_endpoint.input_rounds import InputRound
from mcp_endpoint.progress import Progress, ProgressReporter, ignore_progress
from oauth_ext.verification import Principal

Answer = TypeVar("Answer")


def never_cancelled() -> None:
    """For calls that nobody can cancel."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who calls, from where and in which revision.

    A tool starts every query from ``principal.organization_id``: nothing in the arguments may
    choose another organization.
    """

    principal: Principal
    origin: Origin
    protocol_version: str
    reporter: ProgressReporter = ignore_progress
    inputs: InputRound = field(default_factory=InputRound)
    checker: Callable[[], None] = never_cancelled

    def report_progress(
        self, progress: float, total: float | None = None, message: str = ""
    ) -> None:
        """Tell the person how far the tool is; nobody hears it if their client did not ask.

        Ends the tool as ``check_cancelled`` does.
        """
        self.checker()
        self.reporter(Progress(progress, total, message))

    def check_cancelled(self) -> None:
        """For long loops: end the tool here if the caller is gone or the time is over.

        Raises:
            StoppedError: leave it to pass; what was done in the database is rolled back.
        """
        self.checker()

    def ask(self, key: str, request: InputRequest[Answer]) -> Answer:
        """The client's answer to one question; ends this round if there is none yet.

        The call then comes again and the tool runs from its start, so ask before acting outside
        the database: what was changed inside it is rolled back.
        """
        answers = self.require_input({key: request})
        answer: Answer = answers[key]
        return answer

    def require_input(
        self,
        requests: Mapping[str, InputRequest[Any]],
        *,
        state: Any = None,
        accept_unasked: bool = False,
    ) -> dict[str, Any]:
        """The client's answers to several questions asked at once, by the keys of the questions.

        Args:
            state: JSON to find again as ``kept_state`` in the next round; only we can read it.
            accept_unasked: take an answer that came without having been asked for. Never where
                the answer confirms something.
        """
        return self.inputs.require(requests, state, accept_unasked=accept_unasked)

    def can_ask(self, kind: type[InputRequest[Any]]) -> bool:
        """Whether the client takes this kind of question."""
        return self.inputs.can_ask(kind)

    @property
    def kept_state(self) -> Any:
        """What the round before kept; None in the first."""
        return self.inputs.kept.own

    @property
    def reference(self) -> str:
        """The request's reference, for texts that a person may send to support."""
        return self.origin.reference
