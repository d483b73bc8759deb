"""What people submit."""

import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.utils.html import format_html_join

from accounts.models import Membership
from oauth_ext.client_metadata import make_visible
from oauth_ext.grantable_tools import find_grantable_tool, list_grantable_tools
from oauth_ext.personal_token_replacement import DEFAULT_OVERLAP, OVERLAPS
from oauth_ext.personal_tokens import DEFAULT_DAYS, MAX_DAYS, find_limit
from oauth_ext.policies import find_role_scopes
from oauth_ext.scopes import BASELINE, SUPPORTED, TIERS
from oauth_ext.standing import find_member_scopes, find_tools_hidden_from

LIFETIMES = (7, 30, DEFAULT_DAYS, 180, MAX_DAYS)


class DecisionForm(forms.Form):
    """Allow or Cancel on the consent page."""

    digest = forms.CharField(max_length=1024)
    decision = forms.ChoiceField(choices=[("allow", "Allow"), ("deny", "Cancel")])
    organization = forms.UUIDField(required=False)
    scopes = forms.MultipleChoiceField(
        required=False, choices=[(name, TIERS[name].title) for name in SUPPORTED]
    )

    @property
    def lacks_organization(self) -> bool:
        """Whether all that is wrong is that the person did not choose one."""
        return self.has_error(NON_FIELD_ERRORS, "no_organization") and len(self.errors) == 1

    def clean(self) -> dict[str, Any]:
        """An organization is needed to allow, not to cancel."""
        cleaned = super().clean() or {}
        if cleaned.get("decision") == "allow" and not cleaned.get("organization"):
            raise forms.ValidationError("Choose an organization.", code="no_organization")
        return cleaned


def draw_nonce() -> str:
    """A new one for each page that is shown."""
    return secrets.token_hex(16)


def describe_limits(memberships: Iterable[Membership]) -> str:
    """Which organizations end tokens earlier than the longest life to choose; HTML."""
    sentences = []
    for membership in memberships:
        limit = find_limit(membership.organization, timedelta(days=MAX_DAYS))
        if limit is not None:
            days = "1 day" if limit == 1 else f"{limit} days"
            sentences.append((membership.organization.name, days))
    return format_html_join(" ", "{} allows at most {}.", sentences)


def list_titles(scopes: Collection[str]) -> str:
    """Scopes as people read them, in a sentence."""
    return " and ".join(TIERS[name].title for name in SUPPORTED if name in scopes) or "nothing"


class PersonalTokenForm(forms.Form):
    """A new personal access token, for one of the person's organizations."""

    nonce = forms.CharField(max_length=32, initial=draw_nonce, widget=forms.HiddenInput)
    label = forms.CharField(
        max_length=100, help_text="What will use it, for example “Nightly report”."
    )
    organization = forms.ModelChoiceField(
        queryset=Membership.objects.none(), empty_label=None, label="Organization"
    )
    scopes = forms.MultipleChoiceField(
        initial=list(BASELINE),
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
        error_messages={"required": "Tick at least one."},
    )
    expires_in_days = forms.TypedChoiceField(
        choices=[(days, f"{days} days") for days in LIFETIMES],
        initial=DEFAULT_DAYS,
        coerce=int,
        label="Expires after",
    )
    tools = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only these tools",
        help_text="Tick none to allow every tool within what it may do; tick some to hide all "
        "others from it.",
    )

    def __init__(self, *args: Any, memberships: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Membership.objects.filter(
            pk__in=[membership.pk for membership in memberships]
        ).select_related("organization__policy")
        self.offer_what_is_allowed(list(field.queryset))
        self.fields["expires_in_days"].help_text = describe_limits(field.queryset)
        field.label_from_instance = lambda membership: membership.organization.name  # type: ignore[method-assign, assignment]

    def clean_label(self) -> str:
        """Without what nobody sees; it is shown to administrators and to their models."""
        label = make_visible(self.cleaned_data["label"])
        if not label:
            raise forms.ValidationError("Write a label that can be seen.")
        return label

    def clean(self) -> dict[str, Any]:
        """What is ticked is allowed, and fits together: no token that can't do its work."""
        cleaned = super().clean() or {}
        membership, scopes = cleaned.get("organization"), set(cleaned.get("scopes") or ())
        if membership and scopes:
            self.check_scopes(membership, scopes)
        hidden = find_tools_hidden_from(membership) if membership else frozenset()
        for tool in map(find_grantable_tool, cleaned.get("tools") or ()):
            if tool and scopes and tool.scope not in scopes:
                needed = TIERS[tool.scope].title
                self.add_error("tools", f"{tool.name} needs {needed}, which is not ticked above.")
            if tool and membership and tool.name in hidden:
                name = membership.organization.name
                self.add_error("tools", f"{tool.name} is not available in {name}.")
        return cleaned

    def offer_what_is_allowed(self, memberships: list[Membership]) -> None:
        """Leave out what no organization of theirs lets the person allow."""
        grantable = frozenset().union(*map(find_member_scopes, memberships))
        # Without any there is no form to fill in; its errors then are about that.
        hidden = frozenset[str]()
        if memberships:
            hidden = frozenset.intersection(*map(find_tools_hidden_from, memberships))
        scopes, tools = self.fields["scopes"], self.fields["tools"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        assert isinstance(tools, forms.MultipleChoiceField)
        scopes.choices = [
            (name, f"{TIERS[name].title}: {TIERS[name].description}")
            for name in SUPPORTED
            if name in grantable
        ]
        tools.choices = [
            (tool.name, f"{tool.title} ({tool.name})")
            for tool in list_grantable_tools()
            if tool.name not in hidden
        ]

    def check_scopes(self, membership: Membership, scopes: set[str]) -> None:
        """An error on the scopes that the chosen organization, or the role there, don't allow."""
        grantable, of_role = find_member_scopes(membership), find_role_scopes(membership.role)
        name = membership.organization.name
        if not scopes <= of_role:
            allowed = list_titles(of_role)
            self.add_error(
                "scopes", f"Your role in {name} is {membership.role}, which allows {allowed} only."
            )
        elif not scopes <= grantable:
            self.add_error("scopes", f"{name} allows {list_titles(grantable)} only.")


class ReplaceTokenForm(forms.Form):
    """How long the old token goes on working beside the new one."""

    nonce = forms.CharField(max_length=32, initial=draw_nonce, widget=forms.HiddenInput)
    overlap = forms.TypedChoiceField(
        choices=[(int(time.total_seconds()), words) for time, words in OVERLAPS.items()],
        initial=int(DEFAULT_OVERLAP.total_seconds()),
        coerce=int,
        widget=forms.RadioSelect,
        label="The old token goes on working for",
        help_text="Long enough to give the new one to everything that uses it, and never past "
        "its own end.",
    )
