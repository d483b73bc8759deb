"""Guards of personal access tokens, tenancy, sign-in and the log."""

from tests.mutants.mutant import Mutant, mutant

STANDING = "oauth_ext/standing.py"
VERIFICATION = "oauth_ext/verification.py"
MINT_TESTS = "oauth_ext/test_personal_tokens.py::"
USE_TESTS = "oauth_ext/test_personal_token_use.py::"
TENANCY_TESTS = "mcp_endpoint/test_tenancy.py::"
MATRIX = TENANCY_TESTS + "test_no_tool_shows_or_touches_anything_of_another_organization"

PERSONAL_TOKENS: tuple[Mutant, ...] = (
    mutant(
        (343,),
        VERIFICATION,
        "    caller = name_caller(token.user_id, token.organization_id, None)\n",
        '    caller = f"token {token.id}"\n',
        "mcp_endpoint/test_call_limits.py::"
        "test_no_member_locks_the_organization_out_with_many_personal_tokens",
    ),
    mutant(
        (241, 243),
        VERIFICATION,
        "if not is_well_formed(secret, SecretKind.PERSONAL_TOKEN):",
        "if False:",
        USE_TESTS + "test_a_mistyped_token_is_refused_without_a_query_about_it",
    ),
    mutant(
        (242,),
        VERIFICATION,
        'raise TokenRefusedError("personal_token_unknown", INVALID)',
        'raise TokenRefusedError("personal_token_unknown", "Unknown token")',
        USE_TESTS + "test_an_unknown_token_looks_like_any_other_bad_token",
    ),
    mutant(
        (244,),
        "oauth_ext/personal_tokens.py",
        "label=label,\n        scope=scope,",
        "label=secret,\n        scope=scope,",
        MINT_TESTS + "test_a_token_is_shown_once_and_kept_as_a_hash",
    ),
    mutant(
        (245,),
        "oauth_ext/forms.py",
        "field.queryset = Membership.objects.filter(\n"
        "            pk__in=[membership.pk for membership in memberships]\n        )",
        "field.queryset = Membership.objects.all()",
        MINT_TESTS + "test_a_token_is_for_an_own_and_active_organization_only",
    ),
    mutant(
        (246,),
        VERIFICATION,
        "if refusal is None and expires_at <= timezone.now():",
        "if False:",
        USE_TESTS + "test_an_expired_token_is_refused",
    ),
    mutant(
        (246,),
        STANDING,
        "family_revoked=token.revoked_at is not None,",
        "family_revoked=False,",
        MINT_TESTS + "test_revoking_asks_and_then_cuts",
    ),
    mutant(
        (247, 248),
        "accounts/signed_in.py",
        "    given_at = [record",
        "    return False\n    given_at = [record",
        MINT_TESTS + "test_an_open_browser_is_not_enough_to_make_a_token",
    ),
    mutant(
        (251,),
        "activity/redaction.py",
        "mcp_(?:at|rt|ac|cs)_[A-Za-z0-9]+|",
        "",
        "oauth_ext/test_client_canaries.py::test_no_secret_is_kept_anywhere",
    ),
    mutant(
        (253,),
        "oauth_ext/views/personal_tokens.py",
        "@reauthentication_required(allow_get=True, enabled=is_sign_in_stale)"
        "  # type: ignore[untyped-decorator]\n@never_cache\ndef mint(",
        "@never_cache\ndef mint(",
        MINT_TESTS + "test_making_a_token_needs_the_password_once_more_after_ten_minutes",
    ),
)

TENANCY: tuple[Mutant, ...] = (
    mutant(
        (312, 314),
        "oauth_ext/connection_control.py",
        "find_standing_rows().filter(organization_id=principal.organization_id)",
        "find_standing_rows()",
        MATRIX,
    ),
    mutant(
        (312,),
        "mcp_endpoint/connection_answers.py",
        "    summary = find_visible_connection(principal, connection_id)\n"
        "    if summary is None:\n",
        "    summary = find_visible_connection(principal, connection_id)\n"
        "    from oauth_ext.models import Connection\n"
        "    if Connection.objects.filter(id=connection_id).exists() and not summary:\n"
        '        raise ToolError("It belongs to somebody else.", reason="foreign")\n'
        "    if summary is None:\n",
        TENANCY_TESTS + "test_an_id_of_another_organization_is_answered_as_one_that_does_not_exist",
    ),
    mutant(
        (312,),
        "oauth_ext/views/connections.py",
        "find_connections(user_id=signed_in_user(request).pk):\n"
        "        if connection.id == connection_id:",
        "__import__('oauth_ext.connections').connections.summarize(\n"
        "        __import__('oauth_ext.connections').connections.find_standing_rows()\n    ):\n"
        "        if connection.id == connection_id:",
        "oauth_ext/test_pages.py::test_somebody_elses_connection_is_as_good_as_none",
    ),
    mutant(
        (313,),
        "mcp_endpoint/tool_methods.py",
        "    return prepare_call(exchange, tool, arguments, feed)",
        '    named = arguments.get("organization_id") or exchange.message.params.get('
        '"organization_id")\n'
        "    if named:\n"
        '        arguments = {n: v for n, v in arguments.items() if n != "organization_id"}\n'
        '        change = {"organization_id": __import__("uuid").UUID(named)}\n'
        '        principal = __import__("dataclasses").replace(principal, **change)\n'
        '        exchange = __import__("dataclasses").replace(exchange, principal=principal)\n'
        "    return prepare_call(exchange, tool, arguments, feed)",
        TENANCY_TESTS + "test_a_call_cannot_name_another_organization_than_its_credential",
    ),
    mutant(
        (314, 315),
        "oauth_ext/visible_activity.py",
        "ActivityEvent.objects.of_organization(principal.organization_id)",
        "ActivityEvent.objects.all()",
        MATRIX,
    ),
    mutant(
        (315,),
        "mcp_endpoint/tools/search_activity.py",
        "        rows = rows.filter(id__in=[row.id for row in find_rows(rows, reference)])\n",
        "        rows = ActivityEvent.objects.with_reference(reference)\n",
        TENANCY_TESTS + "test_pages_counts_and_filters_of_a_search_stay_in_the_organization",
    ),
    mutant(
        (315,),
        "oauth_ext/connection_control.py",
        "        return rows.filter(user_id=principal.user_id)\n",
        "        return rows\n",
        "mcp_endpoint/test_tools.py::"
        "test_a_member_lists_their_own_connections_of_this_organization_only",
    ),
    mutant(
        (314, 315),
        "oauth_ext/personal_token_control.py",
        "select_standing_tokens().filter(organization_id=principal.organization_id)",
        "select_standing_tokens()",
        MATRIX,
    ),
    mutant(
        (316,),
        "mcp_endpoint/tool_methods.py",
        "if made.tool.runs_apart else call_tool(made)",
        "if 0 else call.__dict__.setdefault(f'{made.tool.name} {made.arguments}', call_tool(made))",
        TENANCY_TESTS + "test_two_organizations_that_take_turns_share_no_answer",
    ),
    mutant(
        (318,),
        "docjacket_mcp/urls.py",
        "urlpatterns = [\n",
        "admin.site.has_permission = lambda request: True\nurlpatterns = [\n",
        "oauth_ext/test_admin_pages.py::test_everybody_else_sees_nothing",
    ),
)

PEOPLE: tuple[Mutant, ...] = (
    mutant(
        (350,),
        "accounts/adapter.py",
        "        super().authentication_failed(request, **credentials)\n",
        "        if user is None:\n"
        '            raise self.validation_error("unknown_email")\n'
        "        super().authentication_failed(request, **credentials)\n",
        "accounts/test_sign_in.py::test_a_wrong_password_and_an_unknown_address_look_the_same",
    ),
    mutant(
        (353,),
        "accounts/adapter.py",
        "        exhausted = take_tokens(buckets)\n",
        "        exhausted = None\n",
        "accounts/test_limits.py::test_a_guesser_is_stopped_and_the_person_elsewhere_is_not",
    ),
    mutant(
        (208, 163, 206),
        "accounts/forms.py",
        "            self.user.tokens_valid_from = timezone.now()\n",
        "",
        "accounts/test_password_reset.py::test_a_reset_ends_everything_that_acts_for_the_person",
    ),
)

PEOPLE_AND_TENANCY = (*PERSONAL_TOKENS, *TENANCY, *PEOPLE)
