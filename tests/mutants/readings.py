"""Guards of cursors, and of everything that is listed, read or suggested."""

from tests.mutants.mutant import Mutant, mutant

CURSORS = "mcp_endpoint/cursors.py"
URIS = "mcp_endpoint/uris.py"
RESOURCE_METHODS = "mcp_endpoint/resource_methods.py"
PROMPT_METHODS = "mcp_endpoint/prompt_methods.py"
READING_OBSTACLES = "mcp_endpoint/obstacles.py"
EVENT = "mcp_endpoint/builtin_resources/activity_event.py"
CONNECTION = "mcp_endpoint/builtin_resources/connection.py"
CURSOR_TESTS = "mcp_endpoint/test_cursors.py::"
URI_TESTS = "mcp_endpoint/test_uris.py::"
RESOURCE_TESTS = "mcp_endpoint/test_resources.py::"
PROMPT_TESTS = "mcp_endpoint/test_prompts.py::"
READING_TESTS = "mcp_endpoint/test_readings.py::"
HIDDEN_IS_REFUSED = READING_TESTS + "test_hidden_equals_refused_for_everything_that_can_be_read"
SUGGESTED = PROMPT_TESTS + "test_ids_are_suggested_only_of_what_the_caller_may_read"
ABSENT = RESOURCE_TESTS + "test_what_is_somebody_elses_is_answered_as_what_does_not_exist"

CURSOR_GUARDS: tuple[Mutant, ...] = (
    mutant(
        (294,),
        CURSORS,
        "bound = [SALT, *map(str, caller), method, dict(filters or {})]",
        "bound = [SALT, method, dict(filters or {})]",
        CURSOR_TESTS + "test_a_cursor_is_good_for_the_caller_it_was_made_for_and_for_nobody_else",
    ),
    mutant(
        (294,),
        CURSORS,
        "*map(str, caller), method, dict(filters or {})]",
        "*map(str, caller), dict(filters or {})]",
        CURSOR_TESTS + "test_a_cursor_of_another_list_or_with_other_filters_is_refused",
    ),
    mutant(
        (294,),
        CURSORS,
        "method, dict(filters or {})]",
        "method]",
        CURSOR_TESTS + "test_a_cursor_of_another_list_or_with_other_filters_is_refused",
    ),
    mutant(
        (294,),
        CURSORS,
        "max_age=LIFETIME_SECONDS",
        "max_age=None",
        CURSOR_TESTS + "test_a_cursor_ends_after_an_hour",
    ),
)

URI_GUARDS: tuple[Mutant, ...] = (
    mutant(
        (312,),
        URIS,
        'if value in DOTS or not value.isprintable() or "/" in value or "\\\\" in value:',
        "if False:",
        URI_TESTS + "test_a_variable_takes_one_canonical_name_only",
    ),
    mutant(
        (312,),
        URIS,
        'return value if value and quote(value, safe="") == text else None',
        "return value or None",
        URI_TESTS + "test_a_variable_takes_one_canonical_name_only",
    ),
    mutant(
        (312,),
        "mcp_endpoint/text_parameters.py",
        "if text != (str(spelled)",
        "if not text and (str(spelled)",
        URI_TESTS + "test_a_number_has_one_spelling",
        URI_TESTS + "test_a_connection_has_one_spelling",
    ),
)

VISIBILITY: tuple[Mutant, ...] = (
    mutant(
        (295,),
        "mcp_endpoint/obstacles.py",
        "    if wanted.tool in principal.hidden_tools:\n",
        "    if False:\n",
        READING_TESTS + "test_what_tells_the_same_as_a_hidden_tool_is_hidden_with_it",
    ),
    mutant(
        (295, 308),
        RESOURCE_METHODS,
        "    if obstacle is not None:\n        raise build_refusal(exchange, obstacle, absence)\n",
        "",
        HIDDEN_IS_REFUSED,
        RESOURCE_TESTS + "test_a_missing_tier_is_403_and_hides_the_resource",
    ),
    mutant(
        (308,),
        RESOURCE_METHODS,
        "return find_reading_obstacle(exchange.principal, resource) is None",
        "return True",
        HIDDEN_IS_REFUSED,
    ),
    mutant(
        (295, 308),
        PROMPT_METHODS,
        "    if obstacle is not None:\n"
        "        raise build_refusal(exchange, obstacle, build_absence())\n",
        "",
        HIDDEN_IS_REFUSED,
        PROMPT_TESTS + "test_a_missing_tier_is_403_and_hides_the_prompt",
    ),
    mutant(
        (308,),
        PROMPT_METHODS,
        "if find_reading_obstacle(principal, entry) is None",
        "if True",
        HIDDEN_IS_REFUSED,
    ),
    mutant(
        (295,),
        "mcp_endpoint/completion.py",
        "    if obstacle is not None:\n        raise build_refusal(exchange, obstacle, absence)\n",
        "",
        PROMPT_TESTS + "test_nothing_is_suggested_for_what_the_caller_may_not_have",
    ),
    mutant(
        (295,),
        READING_OBSTACLES,
        ', tool=f"resources/{wanted.template.text}"',
        "",
        RESOURCE_TESTS + "test_a_token_for_some_tools_reads_nothing_else",
        READING_TESTS + "test_a_token_narrowed_to_tools_finds_every_list_empty",
    ),
    mutant(
        (295,),
        READING_OBSTACLES,
        ', tool=f"prompts/{wanted.name}"',
        "",
        RESOURCE_TESTS + "test_a_token_for_some_tools_reads_nothing_else",
    ),
)

TENANCY: tuple[Mutant, ...] = (
    mutant(
        (312,),
        EVENT,
        "row = select_visible(context.principal)",
        "row = ActivityEvent.objects",
        ABSENT,
    ),
    mutant(
        (312,),
        EVENT,
        'rows = select_visible(context.principal).order_by("-id")',
        'rows = ActivityEvent.objects.order_by("-id")',
        SUGGESTED,
    ),
    mutant(
        (312,),
        CONNECTION,
        "summary = find_visible_connection(context.principal, connection_id)",
        "rows = Connection.objects.filter(id=connection_id).select_related(*SUMMARIZED)\n"
        "    summary = next(iter(summarize(rows)), None)",
        ABSENT,
    ),
    mutant(
        (312,),
        CONNECTION,
        "rows = select_newest(principal, whole_organization=principal.is_administrator)",
        "rows = Connection.objects.all()",
        SUGGESTED,
    ),
    mutant(
        (312,),
        CONNECTION,
        "rows = select_newest(context.principal, whole_organization=False)",
        "rows = Connection.objects.all()",
        RESOURCE_TESTS + "test_two_organizations_see_no_resource_of_each_other",
    ),
)

READINGS_AND_CURSORS = (*CURSOR_GUARDS, *URI_GUARDS, *VISIBILITY, *TENANCY)
