"""Guards of the authorization endpoint and of the redirect URIs it answers to."""

from tests.mutants.mutant import Mutant, mutant

REDIRECT_URIS = "oauth_ext/redirect_uris.py"
REQUEST = "oauth_ext/authorization_request.py"
PARAMETERS = "oauth_ext/parameters.py"
VIEW = "oauth_ext/views/authorization.py"
CONSENTS = "oauth_ext/consents.py"
SETTINGS = "docjacket_mcp/settings.py"
MATCH_TESTS = "oauth_ext/test_redirect_uri_matching.py::"
ENDPOINT_TESTS = "oauth_ext/test_authorization_endpoint.py::"
PARAMETER_TESTS = "oauth_ext/test_authorization_parameters.py::"
CONSENT_TESTS = "oauth_ext/test_consent.py::"
GRANT_TESTS = "oauth_ext/test_consent_scopes_and_connections.py::"
WAY_TESTS = "oauth_ext/test_authorization_pages.py::"
INERT = MATCH_TESTS + "test_anything_but_the_identical_string_does_not_match"
MIXED = MATCH_TESTS + "test_a_loopback_uri_matches_itself_and_no_look_alike"

AUTHORIZATION: tuple[Mutant, ...] = (
    mutant(
        (72,),
        REQUEST,
        "if client is None or client.client_id != client_id or ",
        "if client is None or ",
        ENDPOINT_TESTS + "test_a_client_id_is_compared_exactly",
    ),
    mutant(
        (72, 186),
        REQUEST,
        "if not client.is_usable(None):",
        "if False:",
        ENDPOINT_TESTS + "test_a_disabled_client_is_a_page",
    ),
    mutant(
        (74,),
        REQUEST,
        "    if any(is_match(uri, requested) for uri in registered):\n",
        "    if True:\n",
        ENDPOINT_TESTS + "test_an_unregistered_redirect_uri_is_a_page_whatever_else_is_wrong",
    ),
    mutant(
        (74,),
        REQUEST,
        "    destination = find_destination(parameters)\n",
        '    if parameters.get("response_type") != "code":\n'
        '        early = Destination(Client(), parameters.get("redirect_uri"), "")\n'
        '        raise RedirectableError(early, UnsupportedResponseTypeError("early"))\n'
        "    destination = find_destination(parameters)\n",
        ENDPOINT_TESTS + "test_an_unregistered_redirect_uri_is_a_page_whatever_else_is_wrong",
    ),
    mutant(
        (75,),
        REQUEST,
        'if parameters.repeated & {"client_id", "redirect_uri"}:',
        "if False:",
        ENDPOINT_TESTS + "test_a_repeated_client_or_redirect_uri_is_a_page",
    ),
    mutant(
        (75,),
        REQUEST,
        "        refuse_repeated(parameters)\n",
        "",
        ENDPOINT_TESTS + "test_any_other_repeated_parameter_goes_back_as_invalid_request",
    ),
    mutant(
        (76,),
        REQUEST,
        'if parameters.get("response_type") != "code":',
        'if "code" not in parameters.get("response_type"):',
        ENDPOINT_TESTS + "test_other_errors_go_back_to_the_client",
    ),
    mutant(
        (78,),
        REQUEST,
        'if parameters.get("request"):',
        "if False:",
        ENDPOINT_TESTS + "test_request_objects_are_not_supported",
    ),
    mutant(
        (78,),
        REQUEST,
        'if parameters.get("request_uri"):',
        "if False:",
        ENDPOINT_TESTS + "test_request_objects_are_not_supported",
    ),
    mutant(
        (80,),
        VIEW,
        "            response = show_consent(request, authorization)\n",
        '            response = decide(request, authorization) if request.GET.get("allow") else '
        "show_consent(request, authorization)\n",
        ENDPOINT_TESTS + "test_b12_no_parameter_skips_consent_not_even_for_a_connected_client",
    ),
    mutant(
        (103,),
        VIEW,
        "            response = show_consent(request, authorization)\n",
        "            response = (\n"
        '                ClientRedirect(build_redirect(authorization.destination, code="x"))\n'
        "                if authorization.destination.client.connections.exists()\n"
        "                else show_consent(request, authorization)\n"
        "            )\n",
        ENDPOINT_TESTS + "test_b12_no_parameter_skips_consent_not_even_for_a_connected_client",
    ),
    mutant(
        (81,),
        REQUEST,
        'answer["state"] = destination.state',
        'answer["state"] = destination.state.strip()',
        PARAMETER_TESTS + "test_state_comes_back_as_it_was_with_codes_and_with_errors",
    ),
    mutant(
        (81,),
        REQUEST,
        'if len(parameters.get("state")) > MAX_STATE:',
        "if False:",
        PARAMETER_TESTS + "test_a_state_that_is_too_long_goes_back_as_invalid_request",
    ),
    mutant(
        (82,),
        REQUEST,
        'scopes=parse_scope(parameters.get("scope")) or BASELINE,',
        'scopes=parse_scope(parameters.get("scope")) or ("read", "draft", "actions"),',
        PARAMETER_TESTS + "test_scope_is_reduced_to_what_exists_and_never_widened",
    ),
    mutant(
        (83, 84),
        "oauth_ext/resources.py",
        "if not is_ours(resource):",
        "if False:",
        PARAMETER_TESTS + "test_any_other_resource_is_an_invalid_target",
    ),
    mutant(
        (83,),
        "oauth_ext/resources.py",
        'return same_origin and parts.path in ("", "/", ours.path, f"{ours.path}/")',
        "return same_origin",
        PARAMETER_TESTS + "test_any_other_resource_is_an_invalid_target",
    ),
    mutant(
        (85, 96),
        SETTINGS,
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        GRANT_TESTS + "test_without_its_csrf_token_nothing_is_allowed",
        GRANT_TESTS + "test_a_cross_site_post_of_the_request_allows_nothing",
    ),
    mutant(
        (86,),
        VIEW,
        "return len(request.get_full_path()) > MAX_RETURN_LENGTH",
        "return False",
        WAY_TESTS + "test_signing_in_leads_back_however_long_the_state_is",
    ),
    mutant(
        (86, 370),
        "accounts/adapter.py",
        "    def get_client_ip(self",
        "    def is_safe_url(self, url: str) -> bool:\n        return True\n\n"
        "    def get_client_ip(self",
        WAY_TESTS + "test_a_foreign_next_is_dropped_at_sign_in",
    ),
    mutant(
        (88, 164),
        PARAMETERS,
        "if CONTROL.search(name) or CONTROL.search(value):",
        "if False:",
        PARAMETER_TESTS + "test_text_that_is_none_is_a_page_in_every_parameter",
    ),
    mutant(
        (92,),
        CONSENTS,
        "        str(user.pk),\n        session_key,\n",
        "",
        CONSENT_TESTS + "test_a_page_counts_for_its_own_person_only",
    ),
)

MATCHING: tuple[Mutant, ...] = (
    *(
        mutant(
            cases, REDIRECT_URIS, "    if registered == requested:\n", f"    if {mistake}:\n", test
        )
        for cases, mistake, test in (
            ((121,), "False", MATCH_TESTS + "test_the_identical_string_matches"),
            ((122, 123), "registered.lower() == requested.lower()", INERT),
            ((122,), 'registered.rstrip("/") == requested.rstrip("/")', INERT),
            ((122, 125, 128), "requested.startswith(registered)", INERT),
            (
                (125, 126),
                "urlsplit(registered)[2:] == urlsplit(requested)[2:]"
                " and urlsplit(registered)[1] in urlsplit(requested)[1]",
                INERT,
            ),
            (
                (127,),
                'registered.replace("/", "") == requested.replace("/", "").replace("\\\\", "")',
                INERT,
            ),
            (
                (128,),
                'registered == __import__("urllib.parse").parse.unquote(requested)'
                '.replace("x/../", "")',
                INERT,
            ),
            (
                (130,),
                'registered == __import__("unicodedata").normalize("NFKC", requested)',
                INERT,
            ),
            ((131,), 'registered == requested.replace("http:", "https:")', INERT),
            (
                (137,),
                'registered.replace("//", "/") == requested.replace("//", "/").lower()',
                MATCH_TESTS + "test_neither_query_order_nor_scheme_is_folded",
            ),
            ((138,), "registered == requested.strip()", INERT),
        )
    ),
    mutant(
        (132,),
        REDIRECT_URIS,
        'return (ours["origin"], ours["rest"]) == (theirs["origin"], theirs["rest"])',
        "return False",
        MATCH_TESTS + "test_only_the_port_of_a_loopback_uri_is_free",
    ),
    mutant(
        (133, 135),
        REDIRECT_URIS,
        'return (ours["origin"], ours["rest"]) == (theirs["origin"], theirs["rest"])',
        'return ours["rest"] == theirs["rest"]',
        MIXED,
    ),
    mutant(
        (136,),
        REDIRECT_URIS,
        'if theirs["port"] and int(theirs["port"]) > 65535:',
        "if False:",
        MIXED,
    ),
    mutant(
        (141,),
        REQUEST,
        'joint = "&" if "?" in destination.redirect_uri else "?"',
        'joint = "?"',
        ENDPOINT_TESTS + "test_the_answer_goes_to_the_loopback_port_that_was_asked_for",
    ),
    mutant(
        (141,),
        CONSENTS,
        "        destination.redirect_uri,\n        destination.state,\n",
        "        destination.state,\n",
        CONSENT_TESTS + "test_a_page_counts_for_the_request_it_showed_only",
    ),
)

AUTHORIZATION_AND_MATCHING = (*AUTHORIZATION, *MATCHING)
