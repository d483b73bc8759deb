"""Clients in Django admin: those that registered themselves, and those an operator registers.

A secret is on one page only, the answer to the form that made it: not in a message, a session or
a row of any log. What a client said of itself is a stranger's text; its links are not links here,
and its logo is never loaded.
"""

from datetime import datetime
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.signed_in import is_sign_in_stale, signed_in_user
from activity.origin import origin_of
from oauth_ext.client_forms import ClientForm
from oauth_ext.guarded_admin import GuardedAdmin
from oauth_ext.models import Client
from oauth_ext.operator_clients import (
    SecretMovedOnError,
    add_client,
    edit_client,
    find_client_id,
    renew_secret,
    switch_client,
)
from oauth_ext.redirect_uris import find_host

LABELS = {
    "scope": "Scopes it asked for",
    "client_uri": "Website",
    "logo_uri": "Logo",
    "tos_uri": "Terms",
    "policy_uri": "Privacy policy",
    "software_id": "Software",
    "software_version": "Version",
    "application_type": "Kind",
}
DOCUMENT_FIELDS = ("document_fetched_at", "cimd_expires_at")
CHANGE_FIELDS = ("revision", "changed_at")
ORIGINS = {
    Client.RegistrationSource.DCR.value: "itself",
    Client.RegistrationSource.CIMD.value: "its document",
}


def is_operators(client: Client | None) -> bool:
    """Whether an operator registered this client, and so may edit it."""
    return client is None or client.registration_source == Client.RegistrationSource.MANUAL


def name_day(time: datetime) -> str:
    """As short as a column wants it."""
    return f"{time.day} {time:%b %Y}"


class ClientAdmin(GuardedAdmin):
    """Every change is recorded by ``operator_clients``, in its own transaction."""

    form = ClientForm
    view_on_site = False
    actions_on_bottom = True
    change_form_template = "admin/oauth_ext/client/change_form.html"
    list_display = ("shown_name", "switched_off_since", "origin", "hosts", "made", "client_id")
    list_filter = (
        "registration_source",
        "client_type",
        ("disabled_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("name", "client_id", "redirect_uris")
    actions = ("switch_off", "switch_on")
    hidden_columns = ("client_secret", "metadata_digest")

    # --- what is shown, and what may be changed -------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        """A new client has only what is chosen; the rest is told of it afterwards."""
        if obj is None:
            return [(None, {"fields": ("name", "redirect_uris", "client_type", "nonce")})]
        may_edit = self.has_change_permission(request, obj)
        addresses = "redirect_uris" if may_edit and is_operators(obj) else "addresses"
        switch = ("switched_off",) if may_edit else ()
        known = ("client_id", "client_type", "secret", "origin", "registered_ip")
        from_document = obj.registration_source == Client.RegistrationSource.CIMD
        return [
            (None, {"fields": ("name", addresses, *switch)}),
            ("On record", {"fields": (*known, "created", *CHANGE_FIELDS, "switched_off_since")}),
            ("What it says of itself", {"fields": ("claims",)}),
            *([("Its document", {"fields": DOCUMENT_FIELDS})] if from_document else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> Any:
        """The claims of a client are not an operator's to change; a type never changes."""
        known = ("client_id", "secret", "origin", "registered_ip", "created", *CHANGE_FIELDS)
        shown = (*known, "switched_off_since", "claims", "addresses", *DOCUMENT_FIELDS)
        if obj is None:
            return (*shown, "switched_off")
        return (
            *shown,
            "client_type",
            "nonce",
            *(() if is_operators(obj) else ("name", "redirect_uris")),
        )

    @admin.display(description="name", ordering="name")
    def shown_name(self, client: Client) -> str:
        """Something to click on."""
        return client.name or "(no name)"

    @admin.display(description="registered by", ordering="registration_source")
    def origin(self, client: Client) -> str:
        """Who says that it is what it says it is."""
        if not is_operators(client):
            return ORIGINS.get(str(client.registration_source), "unknown")
        return f"an operator, {client.client_type}"

    @admin.display(description="answers go to")
    def hosts(self, client: Client) -> str:
        """The hosts of its redirect URIs."""
        return ", ".join(dict.fromkeys(find_host(uri) for uri in client.redirect_uri_list))

    @admin.display(description="switched off", ordering="disabled_at")
    def switched_off_since(self, client: Client) -> str:
        """The day, if it is."""
        return f"since {name_day(client.disabled_at)}" if client.disabled_at else "no"

    @admin.display(description="created", ordering="created")
    def made(self, client: Client) -> str:
        """The day; a list has no room for more."""
        return name_day(client.created)

    @admin.display(description="Redirect URIs")
    def addresses(self, client: Client) -> SafeString:
        """One a line."""
        return format_html_join("", "{}<br>", ((uri,) for uri in client.redirect_uri_list))

    @admin.display(description="Secret")
    def secret(self, client: Client) -> str:
        """Enough to tell which of its secrets a program has."""
        if client.client_type == Client.CLIENT_PUBLIC:
            return "none: a public client"
        return f"ends in …{client.secret_hint}" if client.secret_hint else "none yet"

    @admin.display(description="Its metadata")
    def claims(self, client: Client) -> SafeString | str:
        """Unverified, as text: following a stranger's link tells them who looks."""
        rows = [(LABELS.get(name, name), value) for name, value in client.metadata.items()]
        if not rows:
            return "nothing"
        body = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
        return format_html("<table>{}</table>", body)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Switched off, not deleted: their connections keep their story."""
        return False

    # --- adding and editing -----------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Whoever finds an open browser must not leave with a secret: ask for the password."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        view = reauthentication_required(self.add_once, enabled=is_sign_in_stale)
        answer: HttpResponse = view(request, form_url, extra_context)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Nor may they send people's codes elsewhere: saving an operator's client asks as well."""
        client = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, client):
            raise PermissionDenied
        view = super().change_view
        if request.method == "POST" and is_operators(client):
            view = reauthentication_required(view, enabled=is_sign_in_stale)
        answer: HttpResponse = view(request, object_id, form_url, extra_context)
        return answer

    def add_once(self, request: HttpRequest, form_url: str, extra_context: Any) -> HttpResponse:
        """The stock page; a form that is sent again leads to the client that it has made."""
        try:
            return super().add_view(request, form_url, extra_context)
        except IntegrityError:
            made = Client.objects.filter(client_id=find_client_id(request.POST.get("nonce", "")))
            client = made.first()
            if client is None:
                raise
            text = "This client was registered already. A secret is shown only once."
            messages.warning(request, text)
            return redirect(reverse("admin:oauth_ext_client_change", args=(client.pk,)))

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        """Through the functions that record it."""
        operator, origin = signed_in_user(request).pk, origin_of(request)
        if not change:
            nonce = form.cleaned_data["nonce"]
            add_client(obj, by_user_id=operator, origin=origin, nonce=nonce)
            return
        if is_operators(obj):
            edit_client(obj, by_user_id=operator, origin=origin)
        off = form.cleaned_data["switched_off"]
        switch_client(obj.pk, off=off, by_user_id=operator, origin=origin)

    def response_add(
        self, request: HttpRequest, obj: Client, post_url_continue: str | None = None
    ) -> HttpResponse:
        """For a confidential client, the page with its secret; nothing leads back to it."""
        if obj.client_type == Client.CLIENT_PUBLIC:
            return super().response_add(request, obj, post_url_continue)
        return self.show_new_secret(request, obj, replacing="")

    def show_new_secret(
        self, request: HttpRequest, client: Client, *, replacing: str
    ) -> HttpResponse:
        """Make a secret and show it, this once.

        Raises:
            SecretMovedOnError: the form was about an earlier secret.
        """
        secret = renew_secret(
            client.pk,
            replacing=replacing,
            by_user_id=signed_in_user(request).pk,
            origin=origin_of(request),
        )
        return self.render(request, "new_secret", client, secret=secret)

    def render(
        self, request: HttpRequest, page: str, client: Client, **context: Any
    ) -> HttpResponse:
        """One of the pages about a client's secret."""
        context |= self.admin_site.each_context(request)
        context |= {"title": f"Secret of {client}", "client": client, "opts": self.opts}
        return TemplateResponse(request, f"admin/oauth_ext/client/{page}.html", context)

    # --- a new secret, and the switch -------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        """The stock pages, and the one that makes a new secret."""
        view = self.admin_site.admin_view(self.new_secret_view)
        own = path("<path:object_id>/new-secret/", view, name="oauth_ext_client_new_secret")
        return [own, *super().get_urls()]

    def new_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, then replace the secret: the old one is refused from the next request on."""
        client = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, client):
            raise PermissionDenied
        if client is None or client.client_type != Client.CLIENT_CONFIDENTIAL:
            raise Http404
        view = reauthentication_required(self.replace_secret, enabled=is_sign_in_stale)
        answer: HttpResponse = view(request, client)
        return answer

    def replace_secret(self, request: HttpRequest, client: Client) -> HttpResponse:
        """The question, or the answer to it."""
        if request.method != "POST":
            return self.render(request, "confirm_new_secret", client)
        seen = request.POST.get("replacing", "")
        try:
            return self.show_new_secret(request, client, replacing=seen)
        except SecretMovedOnError:
            text = "Another secret has been made since that page was opened. Nothing was changed."
            messages.warning(request, text)
            return redirect(reverse("admin:oauth_ext_client_change", args=(client.pk,)))

    @admin.action(description="Switch off: refuse all their tokens", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Each selected client, with a row for each."""
        self.switch(request, queryset, off=True)

    @admin.action(description="Switch on again", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        """Each selected client, with a row for each; tokens that have not expired work again."""
        self.switch(request, queryset, off=False)

    def switch(self, request: HttpRequest, queryset: QuerySet[Client], *, off: bool) -> None:
        """Both directions."""
        changed = sum(
            switch_client(
                client_pk,
                off=off,
                by_user_id=signed_in_user(request).pk,
                origin=origin_of(request),
            )
            for client_pk in queryset.values_list("pk", flat=True)
        )
        text = f"{changed} switched {'off' if off else 'on'}."
        self.message_user(request, text, messages.SUCCESS)
