"""Users, organizations and memberships in Django admin."""

from typing import Any

import allauth.account.admin  # noqa: F401  (registers a page of its own, removed below)
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.models import Membership, Organization, User
from activity.recorded_admin import RecordedAdmin


class CreateUserForm(AdminUserCreationForm[User]):
    """A new user by e-mail address, with or without a password."""

    class Meta:
        model = User
        fields = ("email", "name")


class MembershipInline(admin.TabularInline[Membership, Any]):
    """The organizations of a user, or the members of an organization."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user", "organization")


@admin.register(User)
class UserAdmin(RecordedAdmin, DjangoUserAdmin[User]):
    """People, by e-mail address. Clearing "active" refuses all their tokens at once."""

    add_form = CreateUserForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "name")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),
    )
    inlines = (MembershipInline,)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What acts for a person goes with the person, though nobody may delete it alone."""
        deleted, counts, _, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(), protected


@admin.register(Organization)
class OrganizationAdmin(RecordedAdmin):
    """Customers. Clearing "active" refuses all tokens of the organization at once."""

    list_display = ("name", "slug", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(RecordedAdmin):
    """Who belongs where. Deleting one refuses what that person connected there, for good."""

    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", "organization")
    search_fields = ("user__email", "organization__name")
    autocomplete_fields = ("user", "organization")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A membership never becomes somebody else's: what hangs on it would go along."""
        return ("user", "organization") if obj else ()


# Roles are memberships, and a person's address is on the person.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)
