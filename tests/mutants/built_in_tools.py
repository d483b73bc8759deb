"""Guards of the built-in tools, of pausing, and of what the tools read."""

from tests.mutants.mutant import Mutant, mutant

CONTROL = "oauth_ext/connection_control.py"
TOKENS = "oauth_ext/personal_token_control.py"
ACTIVITY = "oauth_ext/visible_activity.py"
STANDING_TESTS = "oauth_ext/test_standing.py::"
CONNECTION_TESTS = "mcp_endpoint/test_connection_tools.py::"
TOKEN_TESTS = "mcp_endpoint/test_personal_access_tools.py::"
EXPLAIN_TESTS = "mcp_endpoint/test_explain_reference.py::"
SUMMARY_TESTS = "mcp_endpoint/test_activity_summary.py::"
PAUSE_TEST = (
    STANDING_TESTS
    + "test_a_paused_connection_is_refused_at_the_next_call_and_goes_on_with_the_same_token"
)

BUILT_IN_TOOLS: tuple[Mutant, ...] = (
    mutant(
        (262,),
        "mcp_endpoint/authentication.py",
        "    if error.reason == CONNECTION_PAUSED:\n",
        "    if False:\n",
        PAUSE_TEST,
    ),
    mutant(
        (262,),
        "oauth_ext/standing.py",
        "    if refusal is not None and refusal.reason != CONNECTION_PAUSED:\n",
        "    if refusal is not None:\n",
        STANDING_TESTS + "test_a_pause_costs_no_client_its_tokens_and_opens_none_of_the_new_ones",
    ),
    mutant(
        (62,),
        "oauth_ext/standing.py",
        '    return Refusal("client_changed", CHANGED) if standing.client_changed else None\n',
        '    changed = Refusal("client_changed", CHANGED) if standing.client_changed else None\n'
        "    return None if refusal else changed\n",
        STANDING_TESTS + "test_a_paused_client_that_changed_is_issued_nothing",
    ),
    mutant(
        (312,),
        CONTROL,
        "select_visible_connections(principal, whole_organization=principal.is_administrator)",
        "find_standing_rows().filter(organization_id=principal.organization_id)",
        CONNECTION_TESTS + "test_what_a_person_may_not_change_answers_as_what_does_not_exist",
    ),
    mutant(
        (315,),
        CONTROL,
        "    if not principal.is_administrator:\n",
        "    if False:\n",
        "mcp_endpoint/test_tools.py::test_only_administrators_list_the_whole_organization",
    ),
    mutant(
        (315,),
        TOKENS,
        "        return tokens.filter(user_id=principal.user_id)\n",
        "        return tokens\n",
        TOKEN_TESTS + "test_a_person_lists_their_own_tokens_of_this_organization_only",
    ),
    mutant(
        (315,),
        TOKENS,
        "    if not principal.is_administrator:\n",
        "    if False:\n",
        TOKEN_TESTS + "test_a_person_lists_their_own_tokens_of_this_organization_only",
    ),
    mutant(
        (312,),
        TOKENS,
        "select_visible_tokens(principal, whole_organization=principal.is_administrator)",
        "select_standing_tokens().filter(organization_id=principal.organization_id)",
        TOKEN_TESTS + "test_a_token_that_is_not_for_the_person_answers_as_one_that_does_not_exist",
    ),
    mutant(
        (312, 315),
        ACTIVITY,
        "select_visible_activity(principal, whole_organization=principal.is_administrator)",
        "ActivityEvent.objects.of_organization(principal.organization_id)",
        EXPLAIN_TESTS + "test_unknown_foreign_and_other_people_s_references_are_answered_alike",
    ),
    mutant(
        (315,),
        ACTIVITY,
        "    if not principal.is_administrator:\n",
        "    if False:\n",
        SUMMARY_TESTS + "test_only_the_own_events_count_unless_an_administrator_asks_for_all",
    ),
    mutant(
        (315,),
        ACTIVITY,
        "    related = visible.of_user(first.user_id) if first.user_id else visible.none()\n",
        "    related = ActivityEvent.objects.of_user(first.user_id)\n",
        EXPLAIN_TESTS + "test_what_came_through_no_connection_is_told_of_its_own_organization_only",
    ),
    mutant(
        (315,),
        ACTIVITY,
        "    same = [row for row in rows if name_credential(row) == name_credential(like)]\n",
        "    same = list(rows)\n",
        EXPLAIN_TESTS + "test_the_story_of_a_personal_token_is_its_own",
    ),
    mutant(
        (295,),
        "mcp_endpoint/tools/list_tools_for_me.py",
        "    return obstacle is None or not obstacle.is_absence\n",
        "    return True\n",
        "mcp_endpoint/test_list_tools_for_me.py::"
        "test_a_narrowed_token_is_not_told_of_what_it_was_not_made_for",
    ),
    mutant(
        (312,),
        "oauth_ext/views/connections.py",
        "def get_own_connection(request: HttpRequest, connection_id: UUID) -> ConnectionSummary:\n"
        '    """The person\'s own connection; anybody else\'s is as good as none."""\n'
        "    for connection in find_connections(user_id=signed_in_user(request).pk):\n",
        "def get_own_connection(request: HttpRequest, connection_id: UUID) -> ConnectionSummary:\n"
        '    rows = __import__("oauth_ext.connections").connections.find_standing_rows()\n'
        "    for connection in __import__(\n"
        '        "oauth_ext.connections"\n'
        "    ).connections.summarize(rows):\n",
        "oauth_ext/test_pages.py::"
        "test_what_is_somebody_elses_is_neither_paused_nor_resumed_nor_labelled",
    ),
)
