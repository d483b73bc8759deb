"""Guards of access tokens, and every reason for which a good one is refused."""

from tests.mutants.mutant import Mutant, mutant

TOKENS = "oauth_ext/tokens.py"
STANDING = "oauth_ext/standing.py"
VERIFICATION = "oauth_ext/verification.py"
AUTHENTICATION = "mcp_endpoint/authentication.py"
TOKEN_TESTS = "oauth_ext/test_access_token.py::"
CLAIM_TESTS = "oauth_ext/test_access_token_claims.py::"
FORGERY_TESTS = "oauth_ext/test_access_token_forgeries.py::"
ENDED_TEST = (
    "mcp_endpoint/test_ended_permission.py::test_a_tool_does_not_run_once_the_permission_has_ended"
)
CREDENTIAL_TESTS = "mcp_endpoint/test_authentication.py::"
HEADER_TEST = TOKEN_TESTS + "test_any_other_header_is_refused_although_the_signature_is_good"

ACCESS_TOKENS: tuple[Mutant, ...] = (
    mutant(
        (214, 215, 216, 231),
        TOKENS,
        '"verify_exp": False},',
        '"verify_exp": False, "verify_signature": False},',
        TOKEN_TESTS + "test_a_token_without_a_signature_is_refused",
        TOKEN_TESTS + "test_the_public_key_is_no_shared_secret",
    ),
    mutant(
        (216,),
        TOKENS,
        '    if header.get("alg") != key.algorithm:\n'
        '        raise AccessTokenInvalidError("jwt_alg")\n    return key\n',
        '    return __import__("dataclasses").replace(key, algorithm=str(header.get("alg")))\n',
        FORGERY_TESTS + "test_a_key_is_used_with_its_one_algorithm_and_no_other_of_its_family",
    ),
    mutant(
        (217, 235),
        TOKENS,
        'if str(header.get("typ")).lower() not in (TYPE, f"application/{TYPE}"):',
        "if False:",
        HEADER_TEST,
    ),
    mutant(
        (218,),
        TOKENS,
        "key = get_key_ring().by_kid.get(kid) if isinstance(kid, str) else None",
        "key = get_key_ring().by_kid.get(str(kid), get_key_ring().current)",
        HEADER_TEST,
    ),
    mutant(
        (220, 221),
        TOKENS,
        'if "crit" in header or "b64" in header:',
        "if False:",
        HEADER_TEST,
    ),
    mutant(
        (222, 223, 234),
        TOKENS,
        "    check_spelling(token)\n",
        "",
        TOKEN_TESTS + "test_a_token_has_one_spelling",
        FORGERY_TESTS + "test_an_encrypted_token_is_refused_before_anything_is_unpacked",
    ),
    mutant(
        (224,),
        TOKENS,
        "        if claims.expires_at + LEEWAY <= time.time():\n            raise",
        "        if False:\n            raise",
        CLAIM_TESTS + "test_an_expired_token_is_refused",
    ),
    mutant(
        (224,),
        TOKENS,
        "if type(expires_at) is not int or expires_at >= MAX_TIME:",
        "if False:",
        CLAIM_TESTS + "test_exp_is_a_whole_number_of_seconds",
    ),
    *(
        mutant(
            (number,),
            TOKENS,
            '"verify_exp": False},',
            f'"verify_exp": False, "{option}": False}},',
            CLAIM_TESTS + "test_a_token_of_the_future_is_refused",
        )
        for number, option in ((225, "verify_nbf"), (226, "verify_iat"))
    ),
    mutant(
        (227,),
        TOKENS,
        "            issuer=settings.ISSUER,\n",
        "",
        CLAIM_TESTS + "test_another_issuer_is_refused",
    ),
    mutant(
        (228,),
        TOKENS,
        '"strict_aud": True',
        '"strict_aud": False',
        CLAIM_TESTS + "test_b14_exactly_this_resource_is_the_audience",
    ),
    mutant(
        (228,),
        TOKENS,
        '"strict_aud": True',
        '"verify_aud": False',
        CLAIM_TESTS + "test_b14_exactly_this_resource_is_the_audience",
    ),
    mutant(
        (230,),
        "oauth_ext/keys.py",
        "for key in (current, *others)})",
        "for key in (current,)})",
        "oauth_ext/test_key_rotation.py::test_a_whole_rotation_refuses_no_token_that_has_not_expired",
    ),
    mutant(
        (232,),
        AUTHENTICATION,
        "if len(token) > MAX_TOKEN_LENGTH or ",
        "if ",
        FORGERY_TESTS + "test_a_giant_token_is_refused_before_it_is_read",
    ),
    mutant(
        (233,),
        TOKENS,
        'options={"require": list(REQUIRED_CLAIMS),',
        'options={"require": [],',
        CLAIM_TESTS + "test_a_claim_that_is_missing_has_no_default",
    ),
    mutant(
        (236,),
        AUTHENTICATION,
        'if in_query or "," in token:',
        'if "," in token:',
        CREDENTIAL_TESTS + "test_two_credentials_are_refused_even_if_both_are_good",
    ),
    mutant(
        (236,),
        AUTHENTICATION,
        '    if scheme.lower() != "bearer":\n',
        '    if not header and request.GET.get("access_token"):\n'
        '        return request.GET["access_token"]\n'
        '    if scheme.lower() != "bearer":\n',
        CREDENTIAL_TESTS + "test_a_token_in_the_query_the_form_or_a_cookie_is_not_used",
    ),
    mutant(
        (237, 270),
        VERIFICATION,
        "    standing = find_connection_standing(claims.connection_id, claims.family_id)\n",
        "    standing = _verify_claims.__dict__.setdefault(\n"
        "        claims.jti, find_connection_standing(claims.connection_id, claims.family_id)\n"
        "    )\n",
        ENDED_TEST,
    ),
    mutant(
        (237,),
        VERIFICATION,
        "    if told != (standing.user_id,",
        "    if False and told != (standing.user_id,",
        CLAIM_TESTS + "test_a_claim_that_contradicts_the_record_is_refused",
    ),
    mutant(
        (238,),
        "mcp_endpoint/visibility.py",
        "if scope in principal.scopes:",
        "if True:",
        "mcp_endpoint/test_ended_permission.py::test_a_tool_does_not_run_with_too_small_a_scope",
    ),
    mutant(
        (240,),
        TOKENS,
        '        "org_id": str(organization_id),\n',
        '        "org_id": str(organization_id),\n        "email": "alice@acme.example",\n',
        TOKEN_TESTS + "test_a_token_has_the_claims_of_rfc_9068_and_nothing_personal",
    ),
)

ENDS: tuple[Mutant, ...] = tuple(
    mutant((*cases, 206, 237), STANDING, f"    if {condition}:\n", "    if False:\n", ENDED_TEST)
    for cases, condition in (
        ((262,), "standing.connection_revoked"),
        ((267,), "standing.client_disabled"),
        ((260,), "standing.family_revoked"),
        ((208, 268), "standing.predates_reset"),
        ((263,), "not standing.user_active"),
        ((265,), "not standing.organization_active"),
        ((266,), "standing.role is None"),
        ((262,), "standing.connection_paused"),
    )
)

ACCESS = (*ACCESS_TOKENS, *ENDS)
