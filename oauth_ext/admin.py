"""Connections, families and personal tokens in Django admin.

Operators see and cut; they never see a secret or a hash, and never make a token for somebody.
Clients are in ``client_admin``.
"""

from collections.abc import Callable
from typing import Any

import oauth2_provider.admin  # noqa: F401  (registers the toolkit's own pages, replaced below)
from django.contrib import admin, messages
from django.db.models import PositiveSmallIntegerField, QuerySet
from django.http import HttpRequest

from accounts.signed_in import signed_in_user
from activity.origin import origin_of
from activity.recorded_admin import RecordedAdmin
from oauth_ext.client_admin import ClientAdmin
from oauth_ext.connection_control import pause_connection, resume_connection
from oauth_ext.connections import ConnectionNotFoundError, revoke_connection
from oauth_ext.guarded_admin import GuardedAdmin
from oauth_ext.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    Connection,
    IDToken,
    OrganizationPolicy,
    PersonalAccessToken,
    RefreshToken,
    TokenFamily,
)
from oauth_ext.personal_tokens import PersonalTokenNotFoundError, revoke_personal_token
from oauth_ext.policy_forms import OrganizationPolicyForm

for model in (AccessToken, AuthorizationCode, Client, IDToken, RefreshToken):
    admin.site.unregister(model)
admin.site.register(Client, ClientAdmin)


class WatchOnlyAdmin(GuardedAdmin):
    """Rows that come and go by protocol only; admin shows them and offers actions."""

    actions_on_bottom = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Made by consent or by their owner, never here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Actions only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ended, not deleted: the story stays readable."""
        return False


@admin.register(Connection)
class ConnectionAdmin(WatchOnlyAdmin):
    """Who let which client work with which organization; cut here with immediate effect."""

    list_display = (
        "client",
        "user",
        "organization",
        "scope",
        "state",
        "created_at",
        "last_used_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "organization")
    search_fields = ("client__name", "client__client_id", "user__email", "organization__name")
    list_select_related = ("client", "user", "organization")
    actions = ("pause", "resume", "disconnect")

    def has_cut_permission(self, request: HttpRequest) -> bool:
        """Looking is not enough to cut."""
        return signed_in_user(request).has_perm("oauth_ext.change_connection")

    @admin.action(description="Disconnect: refuse their very next call", permissions=["cut"])
    def disconnect(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """End each selected connection, with a row for each."""
        ended = 0
        for connection in queryset:
            try:
                revoke_connection(
                    connection_id=connection.id,
                    by_user_id=signed_in_user(request).pk,
                    reason="disconnected_by_operator",
                    origin=origin_of(request),
                )
                ended += 1
            except ConnectionNotFoundError:
                continue
        self.message_user(request, f"{ended} disconnected.", messages.SUCCESS)

    @admin.action(description="Pause: refuse their calls until resumed", permissions=["cut"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Let each selected connection rest, with a row for each."""
        paused = self.control(request, queryset, pause_connection)
        self.message_user(request, f"{paused} paused.", messages.SUCCESS)

    @admin.action(description="Resume: let paused ones go on", permissions=["cut"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Let each selected connection go on, with a row for each."""
        resumed = self.control(request, queryset, resume_connection)
        self.message_user(request, f"{resumed} resumed.", messages.SUCCESS)

    def control(
        self, request: HttpRequest, queryset: QuerySet[Connection], change: Callable[..., bool]
    ) -> int:
        """How many of the selected connections the operator's change concerned."""
        changed = 0
        for connection in queryset:
            try:
                changed += change(
                    connection_id=connection.id,
                    by_user_id=signed_in_user(request).pk,
                    origin=origin_of(request),
                )
            except ConnectionNotFoundError:
                continue
        return changed


@admin.register(TokenFamily)
class TokenFamilyAdmin(WatchOnlyAdmin):
    """One sign-in of one device under a connection, with all its generations."""

    list_display = (
        "id",
        "connection",
        "scope",
        "created_at",
        "refreshed_at",
        "expires_at",
        "revoked_at",
        "revoke_reason",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "revoke_reason")
    search_fields = ("=id", "=connection__id", "connection__user__email")
    list_select_related = (
        "connection__client",
        "connection__user",
        "connection__organization",
    )


@admin.register(PersonalAccessToken)
class PersonalAccessTokenAdmin(WatchOnlyAdmin):
    """Personal access tokens: whose, for what, until when; the secret is nowhere."""

    list_display = (
        "label",
        "user",
        "organization",
        "scope",
        "hint",
        "created_at",
        "expires_at",
        "last_used_at",
        "revoked_at",
    )
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "organization")
    search_fields = ("label", "user__email", "=hint")
    hidden_columns = ("token_hash", "mint_nonce")
    list_select_related = ("user", "organization")
    # Named one by one: no hash, and no nonce.
    fields = (
        "label",
        "user",
        "organization",
        "scope",
        "allowed_tools",
        "hint",
        "created_at",
        "expires_at",
        "last_used_at",
        "last_used_network",
        "replaces",
        "notified_days",
        "revoked_at",
        "revoked_by_id",
    )
    actions = ("revoke",)

    def has_cut_permission(self, request: HttpRequest) -> bool:
        """Looking is not enough to cut."""
        return signed_in_user(request).has_perm("oauth_ext.change_personalaccesstoken")

    @admin.action(description="Revoke: refuse their very next call", permissions=["cut"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[PersonalAccessToken]) -> None:
        """End each selected token, with a row for each."""
        ended = 0
        for token in queryset:
            try:
                revoke_personal_token(
                    token_id=token.id,
                    by_user_id=signed_in_user(request).pk,
                    origin=origin_of(request),
                )
                ended += 1
            except PersonalTokenNotFoundError:
                continue
        self.message_user(request, f"{ended} revoked.", messages.SUCCESS)


@admin.register(OrganizationPolicy)
class OrganizationPolicyAdmin(RecordedAdmin):
    """What an organization allows, and for how long; what exists is held to it at its next use."""

    form = OrganizationPolicyForm
    list_display = (
        "organization",
        "max_idle_days",
        "max_sign_in_days",
        "max_personal_token_days",
        "allowed_scopes",
        "hidden_tools",
    )
    search_fields = ("organization__name", "organization__slug")
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    # Zero days would end everything at once; suspending the organization says that openly.
    formfield_overrides = {PositiveSmallIntegerField: {"min_value": 1}}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A policy never becomes another organization's."""
        return ("organization",) if obj else ()
