"""A Django admin whose changes are rows of the log, in the transaction of the change."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from activity.events import Event
from activity.origin import origin_of
from activity.recorder import record_event
from activity.views import find_user_id


class RecordedAdmin(admin.ModelAdmin[Any]):
    """Records what Django also writes to its own history, which can be edited and cascades."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Something was added."""
        self.record(request, Event.ADMIN_ADDED, obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Something was changed; also a person's password."""
        self.record(request, Event.ADMIN_CHANGED, obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Something was deleted, one or many."""
        for obj in queryset:
            self.record(request, Event.ADMIN_DELETED, obj, "")
        return super().log_deletions(request, queryset)

    def record(self, request: HttpRequest, event: Event, obj: Model, message: Any) -> None:
        """Who did what to which row, and which fields it concerned; never their values."""
        record_event(
            event,
            origin=origin_of(request),
            user_id=find_user_id(request),
            details={"model": obj._meta.label, "key": str(obj.pk), "message": message},
        )
