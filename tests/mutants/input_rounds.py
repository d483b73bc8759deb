"""Guards of calls that ask for input: whose answer it is, to which question, and what it undoes."""

from tests.mutants.mutant import Mutant, mutant

STATE = "mcp_endpoint/request_state.py"
ROUNDS = "mcp_endpoint/input_rounds.py"
PROMPTS = "mcp_endpoint/prompt_methods.py"
TESTS = "mcp_endpoint/test_input_requests.py::"
READING_TESTS = "mcp_endpoint/test_input_for_readings.py::"
OWN_ONLY = TESTS + "test_a_state_is_good_for_its_person_organization_and_connection_only"
OTHER_CALL = TESTS + "test_a_state_of_other_arguments_or_another_tool_runs_nothing"

INPUT_ROUNDS: tuple[Mutant, ...] = (
    mutant(
        (294,),
        ROUNDS,
        "    if kept is None:\n",
        "    kept = kept or KeptState()\n    if kept is None:\n",
        TESTS + "test_an_edited_state_runs_nothing",
    ),
    mutant((294,), STATE, "        str(principal.connection_id),\n", "", OWN_ONLY),
    mutant((294,), STATE, "        name,\n", "", OTHER_CALL),
    mutant((294,), STATE, "        digest_json(arguments),\n", "", OTHER_CALL),
    mutant(
        (294,),
        STATE,
        'document["until"] < time.time()',
        "False",
        TESTS + "test_a_state_is_good_for_ten_minutes",
    ),
    mutant(
        (294,),
        ROUNDS,
        "if asked == digest or (asked is None and accept_unasked):",
        "if asked is not None or accept_unasked:",
        TESTS + "test_an_answer_to_another_question_is_asked_for_again",
    ),
    mutant(
        (294,),
        ROUNDS,
        "if asked == digest or (asked is None and accept_unasked):",
        "if asked == digest or asked is None:",
        TESTS + "test_an_answer_nobody_asked_for_confirms_nothing",
    ),
    mutant(
        (294,),
        ROUNDS,
        "if not self.can_ask(type(request)):",
        "if False:",
        TESTS + "test_only_what_the_client_declared_is_asked",
    ),
    mutant(
        (294,),
        STATE,
        "        exchange.message.method,\n",
        "",
        TESTS + "test_a_state_of_another_method_runs_nothing",
    ),
    mutant(
        (294,),
        PROMPTS,
        "build_context(exchange, prompt.name, arguments)",
        "build_context(exchange, prompt.name, {})",
        READING_TESTS + "test_a_state_is_good_for_the_same_arguments_of_a_prompt_only",
    ),
)
