"""Guards of the REST API that are not those of ``/mcp``."""

from tests.mutants.mutant import Mutant, mutant

ENDPOINT = "rest_api/views/endpoint.py"
ADMISSION = "rest_api/admission.py"
CONNECTIONS = "rest_api/views/connections.py"
REFUSALS = "rest_api/test_refusals.py::"
TRANSPORT = "rest_api/test_transport.py::"
OPERATIONS = "rest_api/test_operations.py::"

REST: tuple[Mutant, ...] = (
    mutant(
        (305, 307),
        ENDPOINT,
        "        principal = self.progress.principal = authenticate(self.http)\n",
        "        try:\n"
        "            principal = authenticate(self.http)\n"
        "        except RefusedError:\n"
        "            from oauth_ext.verification import verify_bearer\n"
        '            named = self.http.GET.get("access_token")\n'
        "            if not named:\n"
        "                raise\n"
        "            principal = verify_bearer(named)\n"
        "        self.progress.principal = principal\n",
        REFUSALS + "test_without_a_living_token_in_the_header_there_is_a_challenge",
    ),
    mutant(
        (307,),
        "rest_api/middleware.py",
        "        if request.path_info.startswith(PREFIX):\n            return serve_api(request)\n",
        "",
        TRANSPORT + "test_a_path_that_is_not_there_is_a_problem_whatever_is_accepted",
    ),
    mutant(
        (302,),
        "rest_api/middleware.py",
        "    if reader.is_known and len(response.content) > PIECE_BYTES:\n",
        "    if False:\n",
        TRANSPORT + "test_a_large_answer_goes_out_only_while_it_is_read",
    ),
    mutant(
        (36,),
        ENDPOINT,
        "        check_origin(self.http)\n",
        "",
        TRANSPORT + "test_pages_may_call_from_the_origins_of_the_endpoint_only",
    ),
    mutant(
        (36,),
        "rest_api/middleware.py",
        '        return is_allowed_origin(request.META.get("HTTP_ORIGIN"))\n',
        "        return True\n",
        TRANSPORT + "test_a_preflight_is_green_exactly_where_the_call_is",
    ),
    mutant(
        (295,),
        ADMISSION,
        "    if obstacle is None:\n        return\n",
        "    if obstacle is None or obstacle.is_absence:\n        return\n",
        REFUSALS + "test_a_personal_token_for_other_tools_finds_nothing_here",
        REFUSALS + "test_what_the_organization_hides_or_bars_is_not_there",
    ),
    mutant(
        (295,),
        ADMISSION,
        "    raise build_scope_refusal(principal, tool=tool, scope=scope)\n",
        "",
        REFUSALS + "test_too_little_scope_is_refused_with_all_that_is_needed",
    ),
    mutant(
        (295,),
        ADMISSION,
        "    if obstacle.hindrance is Hindrance.ROLE:\n",
        "    if obstacle.hindrance is Hindrance.ROLE:\n        return\n",
        REFUSALS + "test_a_viewer_reads_and_changes_nothing",
    ),
    mutant(
        (312,),
        CONNECTIONS,
        "    summary = find_visible_connection(call.principal, connection_id)\n",
        "    from oauth_ext.connections import find_standing_rows\n"
        "    rows = find_standing_rows().filter(id=connection_id).select_related(*SUMMARIZED)\n"
        "    summary = next(iter(summarize(rows)), None)\n",
        REFUSALS + "test_a_foreign_id_is_answered_as_one_that_does_not_exist",
    ),
    mutant(
        (312,),
        "rest_api/views/personal_tokens.py",
        "    if find_visible_token(call.principal, id) is None:\n",
        "    if False:\n",
        REFUSALS + "test_a_foreign_id_is_answered_as_one_that_does_not_exist",
    ),
    mutant(
        (312,),
        "rest_api/views/activity.py",
        "    row = rows.filter(id=id).first() if id < MAX_ID else None\n",
        "    row = rows.model.objects.filter(id=id).first() if id < MAX_ID else None\n",
        REFUSALS + "test_a_foreign_id_is_answered_as_one_that_does_not_exist",
    ),
    mutant(
        (294,),
        "rest_api/pages.py",
        "        return open_cursor(call.principal, bind(name), call.query.cursor, filters)\n",
        "        from django.core import signing\n"
        "        try:\n"
        '            text = call.query.cursor.split(":")[0]\n'
        "            return signing.JSONSerializer().loads(signing.b64_decode(text.encode()))\n"
        "        except Exception as error:\n"
        "            raise CursorRefusedError from error\n",
        REFUSALS + "test_a_cursor_counts_for_its_caller_its_list_and_its_filters_only",
    ),
    mutant(
        (296,),
        "rest_api/arguments.py",
        '    model_config = ConfigDict(extra="forbid")\n',
        '    model_config = ConfigDict(extra="ignore")\n',
        TRANSPORT + "test_a_body_where_none_is_taken_is_refused",
    ),
    mutant(
        (296,),
        "rest_api/arguments.py",
        "        if len(values) > 1\n",
        "        if False\n",
        OPERATIONS + "test_a_filter_that_is_not_one_is_refused",
    ),
    mutant(
        (296,),
        "rest_api/arguments.py",
        '        if any("\\x00" in value for value in values)\n',
        "        if False\n",
        OPERATIONS + "test_a_filter_that_is_not_one_is_refused",
    ),
    mutant(
        (296,),
        "rest_api/arguments.py",
        "    check_content_type(request)\n",
        "",
        TRANSPORT + "test_a_body_that_is_not_strict_json_is_refused",
    ),
    mutant(
        (306,),
        ENDPOINT,
        "        is_outage = isinstance(fault, django.db.Error | UnrecordedError)\n",
        "        is_outage = False\n",
        TRANSPORT + "test_an_outage_is_503_to_everybody_and_ends_no_token",
    ),
    mutant(
        (306,),
        "rest_api/calls.py",
        "        nullcontext() if operation.read_only else transaction.atomic()\n",
        "        nullcontext()\n",
        TRANSPORT + "test_a_row_that_cannot_be_written_undoes_what_it_tells",
    ),
    mutant(
        (343,),
        "rest_api/calls.py",
        "            if self.principal is not None:\n",
        "            if self.principal is not None and not self.record("
        "event, Outcome.REFUSED, status=refusal.status, reason=refusal.reason):\n"
        "                return self.origin.reference\n"
        "            if self.principal is not None:\n",
        TRANSPORT + "test_the_limits_are_those_of_the_endpoint_and_do_not_fill_the_log",
        TRANSPORT + "test_what_a_working_token_is_refused_ends_in_one_summary",
    ),
    mutant(
        (308,),
        "rest_api/problems.py",
        '            "Cache-Control": "no-store",\n',
        '            "Cache-Control": "public",\n',
        TRANSPORT + "test_a_path_that_is_not_there_is_a_problem_whatever_is_accepted",
    ),
    mutant(
        (343,),
        ENDPOINT,
        "        check_attempts(principal)\n",
        "",
        TRANSPORT + "test_refusals_count_towards_the_wider_limit",
    ),
    mutant(
        (343,),
        ADMISSION,
        "        call_limits.charge(principal, call_limits.find_tool_cost(principal, tool))\n",
        "",
        TRANSPORT + "test_the_limits_are_those_of_the_endpoint_and_do_not_fill_the_log",
    ),
    mutant(
        (343,),
        ADMISSION,
        "    with call_limits.hold_slot(principal) as slot:\n",
        "    for slot in [type('Free', (), {'keep_for': iter})]:\n",
        TRANSPORT + "test_a_connection_has_so_many_requests_running_at_once",
    ),
)
