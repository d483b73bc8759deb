"""Guards of PKCE, codes and the token endpoint."""

from tests.mutants.mutant import Mutant, mutant

REQUEST = "oauth_ext/authorization_request.py"
CODES = "oauth_ext/codes.py"
VALIDATOR = "oauth_ext/request_validator.py"
IDENTIFICATION = "oauth_ext/client_identification.py"
PARAMETERS = "oauth_ext/parameters.py"
PKCE_TEST = (
    "oauth_ext/test_authorization_parameters.py::test_pkce_with_s256_is_required_of_everybody"
)
EXCHANGE_TESTS = "oauth_ext/test_code_exchange.py::"
BINDING_TESTS = "oauth_ext/test_code_bindings.py::"
LOST_TESTS = "oauth_ext/test_lost_codes.py::"
SECRET_TESTS = "oauth_ext/test_client_authentication.py::"
ENDPOINT_TESTS = "oauth_ext/test_token_endpoint.py::"

PKCE: tuple[Mutant, ...] = (
    mutant(
        (143, 153),
        REQUEST,
        '    if not challenge:\n        raise InvalidRequestError("pkce_missing", '
        '"code_challenge is required (PKCE with S256).")\n',
        "    if not challenge:\n        return challenge\n",
        PKCE_TEST,
    ),
    *(
        mutant((number,), REQUEST, 'if method != "S256":', f"if {condition}:", PKCE_TEST)
        for number, condition in (
            (144, 'method not in ("S256", "plain")'),
            (145, 'method not in ("S256", "")'),
            (146, 'method.upper() != "S256"'),
        )
    ),
    mutant((147,), REQUEST, "if not CHALLENGE.fullmatch(challenge):", "if False:", PKCE_TEST),
    mutant(
        (148,),
        CODES,
        "    if not redemption.code_verifier:\n"
        '        raise InvalidGrantError("pkce_verifier_missing", "code_verifier is missing.")\n',
        "    if not redemption.code_verifier:\n        return\n",
        EXCHANGE_TESTS + "test_without_the_right_verifier_there_are_no_tokens",
    ),
    mutant(
        (150,),
        CODES,
        "if not VERIFIER.fullmatch(verifier) or ",
        "if ",
        EXCHANGE_TESTS + "test_a_verifier_of_wrong_form_proves_nothing_though_it_hashes_right",
    ),
    mutant(
        (151,),
        CODES,
        ' or code.code_challenge_method != "S256":',
        ":",
        EXCHANGE_TESTS + "test_a_damaged_row_proves_nothing",
    ),
    mutant(
        (152,),
        CODES,
        "    return hmac.compare_digest(computed, code.code_challenge)",
        "    return True",
        LOST_TESTS + "test_a_code_that_was_slipped_into_another_sign_in_fails_there",
    ),
)

CODE: tuple[Mutant, ...] = (
    mutant(
        (140, 161),
        CODES,
        "if redemption.redirect_uri and redemption.redirect_uri != code.redirect_uri:",
        "if False:",
        EXCHANGE_TESTS + "test_another_redirect_uri_is_refused_and_the_right_one_still_works",
    ),
    mutant(
        (142,),
        CODES,
        "if not any(is_match(uri, code.redirect_uri) for uri in",
        "if False and not any(is_match(uri, code.redirect_uri) for uri in",
        BINDING_TESTS + "test_a_code_is_refused_once_its_redirect_uri_is_no_longer_registered",
    ),
    mutant(
        (157,),
        CODES,
        'revoke_family(code.family_id, reason="code_replayed")',
        "pass",
        EXCHANGE_TESTS + "test_b2_a_replayed_code_ends_what_it_yielded",
    ),
    mutant(
        (157,),
        CODES,
        "if recent and is_proven(code, redemption.code_verifier):",
        "if recent:",
        EXCHANGE_TESTS + "test_b2_a_replayed_code_ends_what_it_yielded",
    ),
    mutant(
        (157,),
        CODES,
        "RETRY_TOLERANCE = timedelta(seconds=10)",
        "RETRY_TOLERANCE = timedelta(seconds=3600)",
        EXCHANGE_TESTS + "test_b2_a_replay_after_ten_seconds_is_no_retry_even_with_the_verifier",
    ),
    mutant(
        (157, 166),
        CODES,
        '    code.save(update_fields=["consumed_at", "family", "updated"])\n',
        "",
        EXCHANGE_TESTS + "test_a_retry_within_ten_seconds_is_refused_and_harms_nobody",
        LOST_TESTS
        + "test_a_server_that_dies_after_the_commit_leaves_one_unused_family_and_no_token",
    ),
    mutant(
        (158,),
        CODES,
        'AuthorizationCode.objects.select_for_update(of=("self",))',
        "AuthorizationCode.objects",
        "races/test_code_races.py::test_fifty_exchanges_of_one_code_give_one_family",
    ),
    mutant(
        (160,),
        CODES,
        "if code.application_id != redemption.client.pk:",
        "if False:",
        EXCHANGE_TESTS + "test_a_stranger_can_neither_use_nor_burn_a_code",
    ),
    mutant(
        (162,),
        CODES,
        "if not is_well_formed(redemption.code, SecretKind.AUTHORIZATION_CODE):\n"
        '        raise InvalidGrantError("code_unknown")',
        "if not is_well_formed(redemption.code, SecretKind.AUTHORIZATION_CODE):\n"
        '        raise InvalidGrantError("code_unknown", "That is not a code.")',
        LOST_TESTS + "test_a_guess_that_begins_like_a_code_has_no_effect_on_it",
    ),
    mutant(
        (101, 163),
        CODES,
        "    if standing is None or refusal:\n",
        "    if standing is None:\n",
        BINDING_TESTS + "test_b5_whoever_is_gone_by_then_gets_no_tokens",
    ),
    mutant(
        (165,),
        CODES,
        "consent_nonce=hash_nonce(consent_nonce),",
        "consent_nonce=hash_nonce(consent_nonce),\n        nonce=secret,",
        EXCHANGE_TESTS + "test_only_keyed_hashes_are_stored",
    ),
    mutant(
        (187,),
        CODES,
        "if not set(parse_scope(redemption.scope)) <= set(code.scope.split()):",
        "if False:",
        BINDING_TESTS + "test_a_wider_scope_at_the_exchange_is_refused_and_the_code_kept",
    ),
    mutant(
        (188,),
        CODES,
        "resource=resolve_resource(redemption.resources),",
        "resource=resolve_resource(()),",
        BINDING_TESTS + "test_a_foreign_resource_is_refused_and_the_code_kept",
    ),
)

TOKEN_ENDPOINT: tuple[Mutant, ...] = (
    mutant(
        (171,),
        PARAMETERS,
        "    refuse_repeated(parameters)\n",
        "",
        ENDPOINT_TESTS + "test_b13_no_parameter_may_come_twice",
    ),
    mutant(
        (172,),
        PARAMETERS,
        'if request.META.get("QUERY_STRING"):',
        "if False:",
        ENDPOINT_TESTS + "test_parameters_in_the_query_are_refused",
    ),
    mutant(
        (175,),
        PARAMETERS,
        "max_num_fields=MAX_FIELDS,",
        "max_num_fields=None,",
        ENDPOINT_TESTS + "test_a_large_body_is_refused",
    ),
    mutant(
        (176,),
        VALIDATOR,
        "    if grant_type not in GRANTS:\n",
        "    if False:\n",
        ENDPOINT_TESTS + "test_two_grants_exist",
    ),
    mutant(
        (177,),
        IDENTIFICATION,
        '        raise credentials.refuse("client_unknown")\n',
        "        client = Client.objects.get()\n",
        ENDPOINT_TESTS + "test_an_unknown_client_is_told_to_register",
    ),
    mutant(
        (178,),
        IDENTIFICATION,
        'if named not in ("", credentials.client_id):',
        "if False:",
        SECRET_TESTS + "test_two_ways_at_once_are_refused",
    ),
    mutant(
        (181,),
        IDENTIFICATION,
        "    except ValueError as error:\n",
        "    except KeyError as error:\n",
        ENDPOINT_TESTS
        + "test_a_header_that_names_no_client_or_another_is_refused_in_its_own_scheme",
    ),
    mutant(
        (184, 366),
        "oauth_ext/views/answers.py",
        'response["Cache-Control"] = "no-store"',
        'response["Cache-Control"] = "private"',
        EXCHANGE_TESTS + "test_answer_has_exactly_what_rfc_6749_says",
    ),
    mutant(
        (178,),
        IDENTIFICATION,
        "if credentials.in_header and secret:",
        "if False:",
        SECRET_TESTS + "test_two_ways_at_once_are_refused",
    ),
    mutant(
        (180,),
        IDENTIFICATION,
        "elif not is_secret_of(client, credentials.secret):",
        "elif credentials.secret and not is_secret_of(client, credentials.secret):",
        SECRET_TESTS + "test_any_other_secret_is_refused_and_burns_no_code",
    ),
    mutant(
        (186,),
        IDENTIFICATION,
        "if not client.is_usable(None):",
        "if False:",
        ENDPOINT_TESTS + "test_a_disabled_client_gets_nothing",
    ),
    mutant(
        (191,),
        VALIDATOR,
        "            exchange.issued = redeem_code(redemption, origin=exchange.origin)\n"
        "        except OAuthError as error:\n"
        "            raise exchange.refuse(error) from error\n",
        "            exchange.issued = redeem_code(redemption, origin=exchange.origin)\n"
        "        except Exception as error:\n"
        '            raise exchange.refuse(InvalidRequestError("fault")) from error\n',
        "oauth_ext/test_database_faults.py::test_code_exchange",
    ),
)

CODES_AND_ENDPOINT = (*PKCE, *CODE, *TOKEN_ENDPOINT)
