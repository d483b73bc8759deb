"""Guards of the consent page."""

from tests.mutants.mutant import Mutant, mutant

CLIENT_METADATA = "oauth_ext/client_metadata.py"
VIEW = "oauth_ext/views/authorization.py"
CONSENTS = "oauth_ext/consents.py"
SETTINGS = "docjacket_mcp/settings.py"
PAGE = "templates/oauth_ext/consent.html"
REGISTRATION_TESTS = "oauth_ext/test_rfc7591_registration.py::"
ENDPOINT_TESTS = "oauth_ext/test_authorization_endpoint.py::"
CONSENT_TESTS = "oauth_ext/test_consent.py::"
PAGE_TESTS = "oauth_ext/test_consent_page.py::"
GRANT_TESTS = "oauth_ext/test_consent_scopes_and_connections.py::"
WAY_TESTS = "oauth_ext/test_authorization_pages.py::"

CONSENT: tuple[Mutant, ...] = (
    mutant(
        (94,),
        SETTINGS,
        '        "form-action": [SELF],\n        "frame-ancestors": [NONE],\n',
        '        "form-action": [SELF],\n',
        WAY_TESTS + "test_consent_page_may_not_be_framed_kept_or_lose_its_way_back",
    ),
    mutant(
        (94,),
        SETTINGS,
        '    "django.middleware.clickjacking.XFrameOptionsMiddleware",\n',
        "",
        WAY_TESTS + "test_every_other_page_keeps_its_forms_to_itself_and_out_of_frames",
    ),
    mutant(
        (97,),
        CONSENTS,
        "        or code.consumed_at is not None\n",
        "",
        CONSENT_TESTS + "test_a_form_that_is_sent_again_gets_no_second_answer",
    ),
    mutant(
        (97,),
        CONSENTS,
        "code.connection.membership_id != consent.membership.id",
        "False",
        CONSENT_TESTS + "test_a_form_that_is_sent_again_gets_no_second_answer",
    ),
    mutant(
        (98,),
        CONSENTS,
        "max_age=SHOWN_FOR)",
        "max_age=None)",
        CONSENT_TESTS + "test_a_page_counts_for_ten_minutes",
    ),
    mutant(
        (100,),
        "accounts/memberships.py",
        "user_id=user_id, organization_id=organization_id, organization__is_active=True\n",
        "organization_id=organization_id, organization__is_active=True\n",
        CONSENT_TESTS + "test_only_an_own_and_active_organization_can_be_chosen",
    ),
    mutant(
        (100, 101),
        CONSENTS,
        "pk=consent.membership.pk, organization__is_active=True, user__is_active=True)",
        "pk=consent.membership.pk)",
        "oauth_ext/test_consent_roles.py::"
        "test_what_ends_between_the_check_and_the_grant_grants_nothing",
    ),
    mutant(
        (102,),
        CONSENTS,
        "        session_key,\n    )",
        "    )",
        CONSENT_TESTS + "test_a_page_counts_in_its_own_browser_only",
    ),
    mutant(
        (105,),
        PAGE,
        '“<bdi class="claim">{{ client_name|truncatechars:60 }}</bdi>”',
        '“<bdi class="claim">{{ client_name|truncatechars:60|safe }}</bdi>”',
        PAGE_TESTS + "test_a_name_is_inert_text",
    ),
    mutant(
        (106,),
        PAGE,
        '“<bdi class="claim">{{ client_name|truncatechars:60 }}</bdi>”',
        '“<bdi class="claim">{{ client_name }}</bdi>”',
        PAGE_TESTS + "test_a_long_name_is_cut_and_isolated",
    ),
    mutant(
        (108,),
        "oauth_ext/consent_page.py",
        '"is_loopback": find_kind(destination.redirect_uri) is Kind.LOOPBACK,',
        '"is_loopback": False,',
        PAGE_TESTS + "test_a_loopback_client_is_announced_as_a_program_on_this_computer",
    ),
    mutant(
        (110,),
        CLIENT_METADATA,
        'return value if re.fullmatch(r"https://[!-~]+", value) else ""',
        "return value",
        REGISTRATION_TESTS + "test_a_bad_link_is_left_out",
    ),
    mutant(
        (112,),
        VIEW,
        'if form.cleaned_data["decision"] == "deny":',
        "if False:",
        CONSENT_TESTS + "test_cancel_goes_back_and_leaves_nothing",
    ),
    mutant(
        (113,),
        VIEW,
        "if name in BASELINE or name in ticked)",
        "if True)",
        GRANT_TESTS + "test_only_what_was_asked_for_and_left_ticked_is_granted",
    ),
    mutant(
        (114,),
        VIEW,
        'if request.method not in ("GET", "POST"):',
        "if False:",
        ENDPOINT_TESTS + "test_only_get_and_post_are_served",
    ),
    mutant(
        (117,),
        VIEW,
        '@csp_replace({"form-action": None})',
        "@csp_replace({})",
        WAY_TESTS + "test_consent_page_may_not_be_framed_kept_or_lose_its_way_back",
    ),
    mutant(
        (117,),
        SETTINGS,
        '"default-src": [NONE],',
        '"default-src": [SELF, "\'unsafe-inline\'"],',
        WAY_TESTS + "test_consent_page_may_not_be_framed_kept_or_lose_its_way_back",
    ),
    mutant(
        (357,),
        VIEW,
        "return len(request.get_full_path()) > MAX_RETURN_LENGTH",
        "return True",
        WAY_TESTS + "test_nothing_is_kept_of_a_request_before_somebody_signs_in",
    ),
    mutant(
        (365,),
        VIEW,
        "@keep_opener\n@csp_replace",
        '@__import__("django.views.decorators.csrf", fromlist=["x"]).csrf_exempt\n'
        "@keep_opener\n@csp_replace",
        "architecture/test_house_rules.py::"
        "test_exactly_the_machine_endpoints_take_posts_without_a_csrf_token",
    ),
)
