"""The form in which an operator registers or edits a client; the policy is the one for all."""

from functools import partial
from secrets import token_hex
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminRadioSelect

from oauth_ext.client_metadata import MAX_NAME, MAX_REDIRECT_URIS, clean_name
from oauth_ext.errors import InvalidClientMetadataError
from oauth_ext.models import Client
from oauth_ext.redirect_uris import ForbiddenRedirectUriError, parse_redirect_uri

REFUSED = (
    "%(uri)s cannot be used. Give https addresses, or http on 127.0.0.1, [::1] or localhost, "
    "without a user name, wildcard or #."
)
UNLISTED = "%(uri)s has a private-use scheme. Allow it in PRIVATE_USE_REDIRECT_URIS first."


class LinesField(forms.CharField):
    """A list, one a line; browsers end a line with other characters than we write."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the list is another."""
        return (initial or "").split() != (data or "").split()


class ClientForm(forms.ModelForm[Client]):
    """Name, redirect URIs, type; and whether the client is switched off."""

    name = forms.CharField(
        max_length=MAX_NAME,
        help_text="People read it when they are asked to allow access.",
    )
    redirect_uris = LinesField(
        label="Redirect URIs",
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text="One a line. They must match exactly; only the port of a loopback address may "
        "differ.",
    )
    client_type = forms.ChoiceField(
        label="Type",
        choices=[
            (Client.CLIENT_CONFIDENTIAL, "Confidential: runs on a server and keeps a secret"),
            (Client.CLIENT_PUBLIC, "Public: runs on people's devices and has no secret"),
        ],
        initial=Client.CLIENT_CONFIDENTIAL,
        widget=AdminRadioSelect(attrs={"class": "radiolist"}),
        help_text="It cannot be changed later. PKCE is required of both.",
    )
    switched_off = forms.BooleanField(
        label="Switched off",
        required=False,
        help_text="Refuses every token of this client from its very next call.",
    )

    nonce = forms.CharField(
        min_length=16, max_length=64, widget=forms.HiddenInput, initial=partial(token_hex, 16)
    )

    class Meta:
        model = Client
        fields = ("name", "redirect_uris", "client_type")
        # Of what is only shown, too.
        labels: ClassVar = {
            "registered_ip": "Registered from",
            "cimd_expires_at": "Copy good until",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["redirect_uris"] = "\n".join(self.instance.redirect_uri_list)
            self.initial["switched_off"] = self.instance.disabled_at is not None

    def clean_name(self) -> str:
        """Fit to be seen, as a client's own claim must be."""
        try:
            name = clean_name(self.cleaned_data["name"])
        except InvalidClientMetadataError as error:
            raise forms.ValidationError(error.description) from error
        if not name:
            raise forms.ValidationError("There is nothing to see in this name.")
        return name

    def clean_redirect_uris(self) -> str:
        """Each checked by itself, so that the faulty one can be named; separated by spaces."""
        uris = list(dict.fromkeys(self.cleaned_data["redirect_uris"].split()))
        problems = [problem for uri in uris if (problem := find_problem(uri))]
        if len(uris) > MAX_REDIRECT_URIS:
            problems.append(forms.ValidationError(f"At most {MAX_REDIRECT_URIS} can be given."))
        if problems:
            raise forms.ValidationError(problems)
        return " ".join(uris)


def find_problem(uri: str) -> forms.ValidationError | None:
    """Why a redirect URI cannot be registered, or None."""
    try:
        kind = parse_redirect_uri(uri, private_use=frozenset(settings.PRIVATE_USE_REDIRECT_URIS))
    except ForbiddenRedirectUriError:
        return forms.ValidationError(REFUSED, params={"uri": uri})
    # Left out of a self-registration, but an error when somebody typed it.
    return None if kind else forms.ValidationError(UNLISTED, params={"uri": uri})
