"""An answer as a stream of server-sent events: what is told meanwhile, the response, the end.

MCP 2026-07-28 transports §Receiving Messages. Every event belongs to the one request that is being
answered, and nothing follows the response.
"""

from collections.abc import Callable, Iterator

from mcp_endpoint.client_presence import ClientPresence
from mcp_endpoint.envelope import MessageId
from mcp_endpoint.exchange import Result, Steps
from mcp_endpoint.paced_body import send_in_pieces
from mcp_endpoint.progress import Progress, build_progress
from mcp_endpoint.responses import encode_json, wrap_event

KEEP_ALIVE = b": keep-alive\n\n"


def wait_for_news(steps: Steps) -> Result | Steps:
    """The result, if it comes before there is anything to tell: then no stream is needed.

    Raises:
        Exception: what went wrong until then; it can still have an HTTP status.
    """
    try:
        first = next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result
    return resume(first, steps)


def resume(first: Progress | None, steps: Steps) -> Steps:
    """The steps with the first, which was taken already."""
    try:
        yield first
    except GeneratorExit:
        # Here, so that what they raise is heard.
        steps.close()
        raise
    return (yield from steps)


class EventStream:
    """What one answer is made of.

    Args:
        presence: who reads it.
        token: the name under which progress is told; None tells none.
        conclude: the response for a result, as JSON.
        explain: the response for whatever went wrong, as JSON; it is recorded.
    """

    def __init__(
        self,
        presence: ClientPresence,
        token: MessageId | None,
        *,
        conclude: Callable[[Result], bytes],
        explain: Callable[[Exception], bytes],
    ) -> None:
        self._presence = presence
        self._token = token
        self._conclude = conclude
        self._explain = explain

    def send(self, steps: Steps) -> Iterator[bytes]:
        """The pieces, each to be sent at once."""
        try:
            while True:
                step = next(steps)
                # Who does not read misses news; the thread is not kept waiting for them.
                if self._presence.is_writable():
                    yield self._encode(step)
        except GeneratorExit:
            # The server could not write.
            self._presence.note_gone()
            self._wind_up(steps)
            raise
        except StopIteration as end:
            message = self._conclude(end.value)
        except Exception as error:
            # What still runs must have its end before another one is told.
            self._wind_up(steps)
            message = self._explain(error)
        yield from send_in_pieces(self._presence, wrap_event(message))

    def _wind_up(self, steps: Steps) -> None:
        """Bring the steps to their own end."""
        try:
            steps.close()
        except Exception as error:
            self._explain(error)

    def _encode(self, step: Progress | None) -> bytes:
        if step is None or self._token is None:
            return KEEP_ALIVE
        return wrap_event(encode_json(build_progress(self._token, step)))
