"""Guards of refresh and revocation."""

from tests.mutants.mutant import Mutant, mutant

REFRESH = "oauth_ext/refresh.py"
STANDING = "oauth_ext/standing.py"
VERIFICATION = "oauth_ext/verification.py"
REFRESH_TESTS = "oauth_ext/test_refresh.py::"
WINDOW_TESTS = "oauth_ext/test_refresh_window.py::"
BOUND_TESTS = "oauth_ext/test_refresh_bindings.py::"
STANDING_TESTS = "oauth_ext/test_standing.py::"
OFF_TESTS = "oauth_ext/test_switched_off.py::"
REVOCATION_TESTS = "oauth_ext/test_rfc7009_revocation.py::"
EVERY_WAY = STANDING_TESTS + "test_every_way_is_open_before_and_shut_at_the_very_next_request"

REFRESHING: tuple[Mutant, ...] = (
    mutant(
        (193,),
        REFRESH,
        "generation=token.generation + 1,",
        "generation=token.generation + 2,",
        REFRESH_TESTS + "test_a_refresh_rotates_and_keeps_everything_else",
    ),
    mutant(
        (194, 207),
        REFRESH,
        "in_window = now - token.superseded_at < timedelta(seconds=settings.REFRESH_WINDOW)",
        "in_window = True",
        REFRESH_TESTS
        + "test_b3_a_retired_token_after_the_window_ends_the_family_and_tells_the_person",
    ),
    mutant(
        (194,),
        REFRESH,
        '    revoke_family(family.id, reason="refresh_replayed")\n',
        "",
        REFRESH_TESTS
        + "test_b3_a_retired_token_after_the_window_ends_the_family_and_tells_the_person",
    ),
    mutant(
        (194,),
        REFRESH,
        "    send_theft_notice(connection)\n",
        "",
        REFRESH_TESTS
        + "test_b3_a_retired_token_after_the_window_ends_the_family_and_tells_the_person",
    ),
    mutant(
        (194, 195),
        REFRESH,
        "is_over = refusal is not None and refusal.reason not in PASSING",
        "is_over = refusal is not None",
        WINDOW_TESTS + "test_a_theft_is_noticed_whatever_else_is_wrong_with_the_request",
    ),
    mutant(
        (197, 212),
        REFRESH,
        '        raise OutOfStepError("pepper_unknown")\n',
        '        raise InvalidGrantError("refresh_replayed")\n',
        "oauth_ext/test_pepper_rotation.py::"
        "test_a_repeat_at_a_server_without_the_new_pepper_is_our_fault_and_no_theft",
    ),
    mutant(
        (195, 198),
        REFRESH,
        "generation=token.generation - 1, sealed",
        "generation=token.generation - 2, sealed",
        REFRESH_TESTS
        + "test_a_token_from_several_generations_back_is_theft_even_inside_the_window",
    ),
    mutant(
        (196,),
        REFRESH,
        'TokenFamily.objects.select_for_update(of=("self",))',
        "TokenFamily.objects",
        "races/test_refresh_races.py::test_thirty_refreshes_of_one_token_give_all_the_same_successor",
    ),
    mutant(
        (197,),
        REFRESH,
        "token.sealed_successor = seal(successor, under=secret)",
        "token.sealed_successor = None",
        REFRESH_TESTS + "test_a_repeated_refresh_inside_the_window_gets_the_same_successor",
    ),
    mutant(
        (198,),
        REFRESH,
        ".update(replays=token.replays + 1)",
        ".update(replays=token.replays + 1, superseded_at=timezone.now())",
        WINDOW_TESTS + "test_the_window_does_not_move_with_each_repeat",
    ),
    mutant(
        (200, 260),
        "oauth_ext/revocation.py",
        "RefreshToken.objects.filter(token_checksum__in=hash_candidates(token))",
        "RefreshToken.objects.filter(\n"
        "                token_checksum__in=hash_candidates(token), superseded_at__isnull=True\n"
        "            )",
        REVOCATION_TESTS + "test_b7_a_token_of_any_generation_ends_the_family",
    ),
    mutant(
        (200, 255, 260),
        "oauth_ext/revocation.py",
        "    if revoke_family(family.id, ",
        "    if str(family.id) or revoke_family(family.id, ",
        REVOCATION_TESTS + "test_b7_a_token_of_any_generation_ends_the_family",
    ),
    mutant(
        (201,),
        REFRESH,
        "    if not wanted <= granted:\n",
        "    if False:\n",
        BOUND_TESTS + "test_b5_a_wider_scope_is_refused_without_rotating",
    ),
    mutant(
        (203,),
        REFRESH,
        "    resolve_resource(request.resources)\n",
        "",
        BOUND_TESTS + "test_b6_a_foreign_resource_is_refused_without_rotating",
    ),
    mutant(
        (204,),
        REFRESH,
        "if family.connection.client_id != request.client.pk:",
        "if False:",
        BOUND_TESTS + "test_another_client_cannot_use_or_hurt_a_family",
    ),
    mutant(
        (205,),
        REFRESH,
        "elif token.expires_at <= now:",
        "elif False:",
        BOUND_TESTS + "test_thirty_idle_days_are_the_end",
    ),
    mutant(
        (205,),
        STANDING,
        " OR f.expires_at <= now()",
        "",
        BOUND_TESTS + "test_no_refresh_lives_longer_than_its_family",
    ),
    mutant(
        (206,),
        REFRESH,
        "    if refusal:\n        raise InvalidGrantError(refusal.reason)\n    return standing\n",
        "    return standing\n",
        EVERY_WAY,
    ),
    mutant(
        (210,),
        VERIFICATION,
        '    if token.startswith("mcp_"):\n',
        "    if False:\n",
        BOUND_TESTS + "test_other_kinds_of_token_are_no_refresh_tokens",
    ),
    mutant(
        (212,),
        REFRESH,
        '    if family is None:\n        raise InvalidGrantError("refresh_unknown")\n',
        "    if family is None:\n"
        "        family = TokenFamily.objects.get()\n"
        "        end_stolen_family(family, origin=None)  # type: ignore[arg-type]\n",
        WINDOW_TESTS + "test_a_token_that_was_never_ours_accuses_no_family",
    ),
)

REVOCATION: tuple[Mutant, ...] = (
    mutant(
        (255,),
        "oauth_ext/revocation.py",
        "    if family_id is None:\n        return\n",
        '    if family_id is None:\n        raise InvalidGrantError("revoke_unknown")\n',
        REVOCATION_TESTS + "test_an_unknown_or_dead_token_is_a_200_that_changes_nothing",
    ),
    mutant(
        (256,),
        "oauth_ext/revocation.py",
        "if connection.client_id != client.pk:",
        "if False:",
        REVOCATION_TESTS + "test_another_client_cannot_revoke",
    ),
    mutant(
        (246, 263),
        STANDING,
        "user_active=token.user.is_active,",
        "user_active=True,",
        OFF_TESTS + "test_a_person_who_is_switched_off_is_out_everywhere_at_once",
    ),
    mutant(
        (264,),
        VERIFICATION,
        "    if standing is None or standing.family_revoked is None:\n",
        "    if False:\n",
        EVERY_WAY,
    ),
    mutant(
        (265, 320),
        STANDING,
        "    if standing.organization_id is None:\n",
        "    if False:\n",
        "oauth_ext/test_refusals_of_tokens.py::test_what_happened_since_is_told_and_found",
    ),
    mutant(
        (266,),
        STANDING,
        "LEFT JOIN accounts_membership m ON m.id = c.membership_id\n     AND m.user_id",
        "LEFT JOIN accounts_membership m ON m.user_id",
        EVERY_WAY,
    ),
    mutant(
        (266,),
        "oauth_ext/consents.py",
        "    return connection.membership_id == membership.id and not is_before(",
        "    return not is_before(",
        "oauth_ext/test_consent_scopes_and_connections.py::"
        "test_a_member_who_comes_back_gets_a_new_connection_and_the_old_one_stays_dead",
    ),
    mutant(
        (268,),
        STANDING,
        "coalesce(f.created_at, c.created_at) < u.tokens_valid_from,",
        "c.created_at < u.tokens_valid_from,",
        OFF_TESTS + "test_a_family_made_after_a_reset_counts_and_its_older_sibling_does_not",
    ),
    mutant(
        (272,),
        "oauth_ext/views/revocation.py",
        "            except OAuth2Error as error:\n                status = error.status_code\n",
        "            except Exception:\n                status = 200\n",
        "oauth_ext/test_database_faults.py::test_revocation_never_says_done_when_it_is_not",
    ),
)

REFRESH_AND_REVOCATION = (*REFRESHING, *REVOCATION)
