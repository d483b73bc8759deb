"""The form in which an operator shortens the times of one organization."""

from typing import ClassVar

from django import forms

from oauth_ext.models import OrganizationPolicy


class OrganizationPolicyForm(forms.ModelForm[OrganizationPolicy]):
    """Three limits in days; an empty one is the deployment's."""

    class Meta:
        model = OrganizationPolicy
        fields = ("organization", "max_idle_days", "max_sign_in_days", "max_personal_token_days")
        labels: ClassVar = {
            "max_idle_days": "Sign-in may lie unused (days)",
            "max_sign_in_days": "Connect anew after (days)",
            "max_personal_token_days": "Longest token life (days)",
        }
        help_texts: ClassVar = {
            "max_idle_days": "Empty: as long as the deployment lets it (REFRESH_TOKEN_TTL).",
            "max_sign_in_days": "Used or not. Empty: as the deployment has it (TOKEN_FAMILY_TTL).",
            "max_personal_token_days": "Of personal access tokens. Empty: what people chose.",
        }
