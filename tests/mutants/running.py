"""Guards of calls that run: who may keep what, until when, and for whom."""

from tests.mutants.mutant import Mutant, mutant

CALLS = "mcp_endpoint/calls.py"
GATE = "mcp_endpoint/gate.py"
RUNNING = "mcp_endpoint/running.py"
APART_TESTS = "mcp_endpoint/test_running_apart.py::"
LIMITS = "mcp_endpoint/call_limits.py"
LIMIT_TESTS = "mcp_endpoint/test_call_limits.py::"
GATE_TESTS = "mcp_endpoint/test_gate.py::"
STREAM_TESTS = "live/test_streams.py::"

RUNNING_CALLS: tuple[Mutant, ...] = (
    mutant(
        (293,),
        RUNNING,
        "    thread = ToolThread(call, feed)\n",
        "    thread = run_apart.__dict__.setdefault(call.tool.name, ToolThread(call, feed))\n",
        "races/test_crossed_answers.py::test_two_people_with_the_same_ids_get_their_own_answers",
    ),
    mutant(
        (298,),
        CALLS,
        'f"Something went wrong on our side. {tell_consequence',
        'f"{error} {tell_consequence',
        APART_TESTS + "test_a_failure_in_another_thread_is_told_as_everywhere",
    ),
    mutant(
        (302,),
        "mcp_endpoint/paced_body.py",
        "if time.monotonic() > deadline or not presence.is_writable(PIECE_SECONDS):",
        "if False:",
        STREAM_TESTS + "test_clients_that_do_not_read_hold_no_thread_for_long",
    ),
    mutant(
        (306,),
        "mcp_endpoint/views.py",
        "    if isinstance(error, django.db.Error | UnrecordedError):\n",
        "    if isinstance(error, UnrecordedError):\n",
        APART_TESTS + "test_a_database_that_goes_away_in_the_middle_is_a_fault_of_ours",
    ),
    mutant(
        (262,),
        RUNNING,
        "            if ended := self.caller.find_end():\n",
        "            if ended := None:\n",
        STREAM_TESTS + "test_a_call_ends_soon_after_the_permission_it_came_with",
        STREAM_TESTS + "test_a_stream_ends_when_its_application_is_disconnected",
    ),
    mutant(
        (343,),
        LIMITS,
        "    if cost is Cost.ROW:\n",
        "    if False:\n",
        LIMIT_TESTS + "test_what_is_free_writes_no_more_rows_than_calls_that_are_counted",
    ),
    mutant(
        (295,),
        LIMITS,
        " or find_obstacle(principal, scope=tool.scope, tool=tool.name) is not None:\n",
        ":\n",
        LIMIT_TESTS + "test_a_free_tool_that_is_hidden_costs_what_an_absent_one_costs",
    ),
    mutant(
        (343,),
        "activity/noise.py",
        "    allowance = ROWS_PER_MINUTE if event in LOUD else ROWS_OF_A_PERSON\n",
        "    allowance = 1_000_000\n",
        "mcp_endpoint/test_dead_tokens.py::"
        "test_refusals_of_a_token_that_works_are_sixty_rows_a_minute_and_a_summary",
        LIMIT_TESTS + "test_a_flood_over_the_limit_is_a_bounded_number_of_rows",
    ),
)
