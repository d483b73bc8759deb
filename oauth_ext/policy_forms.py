"""The form in which an operator says what one organization allows, and for how long."""

from typing import Any, ClassVar

from django import forms

from oauth_ext.grantable_tools import list_grantable_tools
from oauth_ext.models import OrganizationPolicy
from oauth_ext.policies import find_hidden_tools, find_organization_scopes
from oauth_ext.scopes import SUPPORTED, TIERS, format_scope


class OrganizationPolicyForm(forms.ModelForm[OrganizationPolicy]):
    """Three limits in days, of which an empty one is the deployment's; tiers; tools."""

    allowed_scopes = forms.MultipleChoiceField(
        choices=[(name, f"{TIERS[name].title}: {TIERS[name].description}") for name in SUPPORTED],
        initial=list(SUPPORTED),
        widget=forms.CheckboxSelectMultiple,
        label="Applications may be allowed to",
        help_text="What is not ticked is refused from the next call on, also to what was connected "
        "before; ticked again, it works again.",
        error_messages={
            "required": "Tick at least one. To refuse everything, suspend the organization."
        },
    )
    hidden_tools = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Hide these tools",
        help_text="Nobody in the organization sees or calls a tool that is ticked.",
    )

    class Meta:
        model = OrganizationPolicy
        fields = (
            "organization",
            "max_idle_days",
            "max_sign_in_days",
            "max_personal_token_days",
            "allowed_scopes",
            "hidden_tools",
        )
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hidden = find_hidden_tools(self.instance.hidden_tools)
        allowed = find_organization_scopes(self.instance.allowed_scopes)
        self.initial["allowed_scopes"] = [name for name in SUPPORTED if name in allowed]
        self.initial["hidden_tools"] = sorted(hidden)
        known = {tool.name: f"{tool.title} ({tool.name})" for tool in list_grantable_tools()}
        # One that is not registered just now stays hidden until somebody says otherwise.
        absent = {name: f"{name}, which does not exist now" for name in sorted(hidden - set(known))}
        field = self.fields["hidden_tools"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list((known | absent).items())

    def clean_allowed_scopes(self) -> str:
        """As the model keeps it: everything is empty, so that a tier to come is included."""
        ticked: list[str] = self.cleaned_data["allowed_scopes"]
        return "" if set(ticked) == set(SUPPORTED) else format_scope(ticked)

    def clean_hidden_tools(self) -> list[str] | None:
        """As the model keeps it: none is NULL."""
        return sorted(self.cleaned_data["hidden_tools"]) or None
