"""Two people call at the same moment with the same ids: nobody ever sees the other's data.

The suite takes some rounds; ``make races`` takes a thousand.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.figures import report
from tests.live.conftest import Caller, make_caller
from tests.live.server import LiveServer
from tests.live.streams import ERAS, Line, ToolCall
from tests.races.conftest import Scale

LINES_EACH = 2


@pytest.mark.case(293)
def test_two_people_with_the_same_ids_get_their_own_answers(
    tool_server: LiveServer, scale: Scale
) -> None:
    people = [make_caller(), make_caller()]
    barrier = threading.Barrier(len(people) * LINES_EACH)

    def ask(person: Caller) -> int:
        """As many rounds as it takes, each begun together with everybody else."""
        with Line(tool_server) as line:
            for number in range(scale.crossings):
                barrier.wait(30)
                era = ERAS[number % 2]
                assert_own(line, person, number, era)
        return scale.crossings

    with ThreadPoolExecutor(len(people) * LINES_EACH) as pool:
        rounds = sum(pool.map(ask, people * LINES_EACH))
    report(f"{scale.crossings} rounds of two people with the same ids: {2 * rounds} own answers")


def assert_own(line: Line, person: Caller, number: int, era: str) -> None:
    """A call that runs inline and one that is streamed, both with ids that everybody uses."""
    whoami = line.ask(ToolCall(person.token, "whoami", {}, era=era, message_id=number))
    assert whoami["id"] == number
    assert whoami["result"]["structuredContent"]["email"] == person.user.email
    arguments = {"key": person.user.email, "steps": 1}
    reply = line.open(
        ToolCall(person.token, "walk", arguments, era=era, message_id=number, progress_token=number)
    )
    step, response = reply.read_messages()
    assert (step["params"]["progressToken"], response["id"]) == (number, number)
    done = response["result"]["structuredContent"]
    assert (done["key"], done["email"]) == (person.user.email, person.user.email)
