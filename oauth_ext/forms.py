"""What people submit."""

import secrets
from typing import Any

from django import forms

from accounts.models import Membership
from oauth_ext.personal_tokens import DEFAULT_DAYS, MAX_DAYS
from oauth_ext.scopes import BASELINE, SUPPORTED, TIERS

LIFETIMES = (7, 30, DEFAULT_DAYS, 180, MAX_DAYS)


class DecisionForm(forms.Form):
    """Allow or Cancel on the consent page."""

    digest = forms.CharField(max_length=1024)
    decision = forms.ChoiceField(choices=[("allow", "Allow"), ("deny", "Cancel")])
    organization = forms.UUIDField(required=False)
    scopes = forms.MultipleChoiceField(
        required=False, choices=[(name, TIERS[name].title) for name in SUPPORTED]
    )

    def clean(self) -> dict[str, Any]:
        """An organization is needed to allow, not to cancel."""
        cleaned = super().clean() or {}
        if cleaned.get("decision") == "allow" and not cleaned.get("organization"):
            raise forms.ValidationError("Choose an organization.")
        return cleaned


def draw_nonce() -> str:
    """A new one for each page that is shown."""
    return secrets.token_hex(16)


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
        choices=[(name, f"{TIERS[name].title}: {TIERS[name].description}") for name in SUPPORTED],
        initial=list(BASELINE),
        widget=forms.CheckboxSelectMultiple,
        label="What it may do",
    )
    expires_in_days = forms.TypedChoiceField(
        choices=[(days, f"{days} days") for days in LIFETIMES],
        initial=DEFAULT_DAYS,
        coerce=int,
        label="Expires after",
    )

    def __init__(self, *args: Any, memberships: list[Membership], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["organization"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Membership.objects.filter(
            pk__in=[membership.pk for membership in memberships]
        ).select_related("organization")
        field.label_from_instance = lambda membership: membership.organization.name  # type: ignore[method-assign, assignment]
