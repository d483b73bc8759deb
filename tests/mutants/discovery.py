"""Guards of discovery and registration."""

from tests.mutants.mutant import Mutant, mutant

METADATA = "oauth_ext/metadata.py"
CLIENT_METADATA = "oauth_ext/client_metadata.py"
REDIRECT_URIS = "oauth_ext/redirect_uris.py"
PARAMETERS = "oauth_ext/parameters.py"
JSON = "oauth_ext/strict_json.py"
SETTINGS = "docjacket_mcp/settings.py"
DISCOVERY_TESTS = "oauth_ext/test_discovery.py::"
REFUSAL_TESTS = "oauth_ext/test_registration_refusals.py::"
REGISTRATION_TESTS = "oauth_ext/test_rfc7591_registration.py::"
URI_TESTS = "oauth_ext/test_redirect_uris.py::"
PAGE_TESTS = "oauth_ext/test_consent_page.py::"

DISCOVERY: tuple[Mutant, ...] = (
    mutant(
        (1,),
        SETTINGS,
        'ALLOWED_HOSTS = [urlsplit(PUBLIC_URL).hostname or "", ',
        'ALLOWED_HOSTS = ["*", ',
        DISCOVERY_TESTS + "test_foreign_host_is_refused_and_enters_no_document",
    ),
    mutant(
        (2, 154),
        METADATA,
        '"code_challenge_methods_supported": ["S256"]',
        '"code_challenge_methods_supported": ["S256", "plain"]',
        DISCOVERY_TESTS + "test_authorization_server_metadata_states_exactly_what_works",
    ),
    mutant(
        (3, 4),
        "oauth_ext/urls.py",
        'path(".well-known/oauth-protected-resource/mcp", metadata.protected_resource)',
        'path(".well-known/oauth-protected-resource/<path:rest>", '
        "lambda request, rest: metadata.protected_resource(request))",
        DISCOVERY_TESTS + "test_other_probed_paths_are_a_clean_json_404",
    ),
    mutant(
        (4,),
        METADATA,
        '"resource": settings.MCP_RESOURCE,',
        '"resource": settings.MCP_RESOURCE + "/",',
        DISCOVERY_TESTS + "test_protected_resource_metadata_is_the_same_at_both_addresses",
    ),
    mutant(
        (8,),
        "oauth_ext/keys.py",
        'jwk = {**members, "kid": kid,',
        'jwk = {**members, "d": "secret", "kid": kid,',
        DISCOVERY_TESTS + "test_key_set_has_public_members_only",
    ),
)

REGISTRATION: tuple[Mutant, ...] = (
    mutant(
        (11,),
        "oauth_ext/registration.py",
        '"token_endpoint_auth_method": "none",',
        '"token_endpoint_auth_method": "client_secret_basic",',
        REGISTRATION_TESTS + "test_response_says_when_and_what_and_is_never_cached",
    ),
    mutant(
        (12,),
        CLIENT_METADATA,
        "if not isinstance(document, Mapping):",
        "if False:",
        REFUSAL_TESTS + "test_a_body_that_is_not_one_strict_json_object_is_refused",
    ),
    mutant(
        (13, 173),
        PARAMETERS,
        "if request.content_type != expected or ",
        "if ",
        REFUSAL_TESTS + "test_only_json_is_taken",
        "oauth_ext/test_token_endpoint.py::test_only_forms_are_taken",
    ),
    mutant(
        (14, 175),
        PARAMETERS,
        "if declared > limit:",
        "if False:",
        REFUSAL_TESTS + "test_sixteen_kibibytes_are_the_most",
    ),
    mutant(
        (15,),
        JSON,
        "if len(members) != len(pairs):",
        "if False:",
        REFUSAL_TESTS + "test_a_body_that_is_not_one_strict_json_object_is_refused",
    ),
    mutant(
        (15,),
        JSON,
        "except (ValueError, RecursionError) as error:",
        "except ValueError as error:",
        REFUSAL_TESTS + "test_a_body_that_is_not_one_strict_json_object_is_refused",
    ),
    mutant(
        (16,),
        JSON,
        'if "\\\\u" in text:',
        "if False:",
        REFUSAL_TESTS + "test_b8_text_that_the_database_cannot_hold_is_a_400",
    ),
    mutant(
        (17,),
        CLIENT_METADATA,
        "if not isinstance(value, str) or len(value) > limit:\n        raise",
        "value = str(value)\n    if len(value) > limit:\n        raise",
        REFUSAL_TESTS + "test_refused_metadata_registers_nothing",
    ),
    mutant(
        (18,),
        CLIENT_METADATA,
        "if not isinstance(value, list) or not value:",
        "value = [value] if isinstance(value, str) else value\n    if not value:",
        REFUSAL_TESTS + "test_refused_metadata_registers_nothing",
    ),
    mutant(
        (20, 24),
        REDIRECT_URIS,
        " or not PRINTABLE.fullmatch(uri):",
        ":",
        URI_TESTS + "test_malformed_uris_refuse_the_registration",
    ),
    mutant(
        (21,),
        REDIRECT_URIS,
        "if scheme.lower() in DANGEROUS_SCHEMES or ",
        "if ",
        URI_TESTS + "test_dangerous_and_relative_uris_refuse_the_registration",
    ),
    mutant(
        (22, 23),
        REDIRECT_URIS,
        r"http://(?:127\.0\.0\.1|\[::1\]|localhost))",
        r"http://[^:/?#]+)",
        URI_TESTS + "test_http_is_for_the_three_loopback_names_only",
    ),
    mutant(
        (24,),
        REDIRECT_URIS,
        "if any(sign in uri for sign in",
        "if False and any(sign in uri for sign in",
        URI_TESTS + "test_malformed_uris_refuse_the_registration",
    ),
    mutant(
        (26,),
        CLIENT_METADATA,
        'if grants and "authorization_code" not in grants:',
        "if False:",
        REFUSAL_TESTS + "test_refused_metadata_registers_nothing",
    ),
    mutant(
        (31, 106),
        CLIENT_METADATA,
        'INVISIBLE.sub("", unicodedata.normalize("NFC", text))',
        "text",
        REGISTRATION_TESTS + "test_name_is_made_fit_to_be_seen",
    ),
    mutant(
        (33,),
        CLIENT_METADATA,
        'TEXTS = ("software_id",',
        'TEXTS = ("client_id", "software_id",',
        REGISTRATION_TESTS + "test_unknown_members_are_ignored_and_assign_nothing",
    ),
    mutant(
        (38,),
        "oauth_ext/registration.py",
        "if not allow_registration(origin.ip):",
        "if False:",
        "accounts/test_limits.py::test_new_clients_are_limited_and_known_ones_are_not",
    ),
    mutant(
        (38,),
        "oauth_ext/pruning.py",
        "Q(updated__lt=now - UNUSED_FOR) & ~Q(Exists(connections))\n        | ",
        "",
        "oauth_ext/test_pruning.py::test_a_client_that_was_never_allowed_anything_goes_after_a_day",
    ),
    mutant(
        (42, 107),
        "oauth_ext/consent_page.py",
        '"trust": trust.tier.value,',
        '"trust": "verified",',
        PAGE_TESTS + "test_page_names_client_host_person_organizations_and_tiers",
    ),
)

DISCOVERY_AND_REGISTRATION = (*DISCOVERY, *REGISTRATION)
