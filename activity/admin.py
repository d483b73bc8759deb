"""The log in Django admin: read-only, searched by reference."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from activity.events import Event, Outcome
from activity.models import ActivityEvent
from activity.references import parse_reference

STORY_ROWS = 50


class VocabularyFilter(admin.SimpleListFilter):
    """A filter whose choices come from the vocabulary, not from reading the whole log."""

    vocabulary: type[Event] | type[Outcome]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every word of the vocabulary."""
        return [(word.value, word.value) for word in self.vocabulary]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ActivityEvent]
    ) -> QuerySet[ActivityEvent]:
        """The rows of one word."""
        if self.value() is None:
            return queryset
        return queryset.filter(**{self.parameter_name or "": self.value()})


class OutcomeFilter(VocabularyFilter):
    """By how it ended."""

    title = "outcome"
    parameter_name = "outcome"
    vocabulary = Outcome


class EventFilter(VocabularyFilter):
    """By what happened."""

    title = "event"
    parameter_name = "event"
    vocabulary = Event


@admin.register(ActivityEvent)
class ActivityEventAdmin(admin.ModelAdmin[ActivityEvent]):
    """Nobody adds, changes or deletes; pasting a reference finds the row and its story."""

    list_display = ("when", "reference", "event", "outcome", "reason", "tool", "client_id")
    list_filter = (OutcomeFilter, EventFilter)
    search_fields = ("reference",)
    search_help_text = "A reference, as an error page or an error body shows it"
    show_full_result_count = False
    list_per_page = 50

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ActivityEvent], search_term: str
    ) -> tuple[QuerySet[ActivityEvent], bool]:
        """Exact references only; failures are indexed, the rest is looked for afterwards."""
        if not search_term:
            return queryset, False
        reference = parse_reference(search_term)
        if reference is None:
            return queryset.none(), False
        indexed = queryset.filter(reference=reference).exclude(outcome="succeeded")
        return (indexed if indexed.exists() else queryset.filter(reference=reference)), False

    @admin.display(description="When (UTC)", ordering="id")
    def when(self, event: ActivityEvent) -> str:
        """To the second: rows of one request lie close together."""
        return event.at.strftime("%Y-%m-%d %H:%M:%S")

    @admin.display(description="The story around it")
    def story(self, event: ActivityEvent) -> SafeString:
        """What happened on the same connection, or in the same request, around this row."""
        related = ActivityEvent.objects.filter(reference=event.reference)
        if event.connection_id and event.user_id:
            related = ActivityEvent.objects.of_user(event.user_id).filter(
                connection_id=event.connection_id, id__lte=event.id + STORY_ROWS
            )
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (row.at.isoformat(" ", "seconds"), row.event, row.outcome, row.reason, row.tool)
                for row in related[:STORY_ROWS]
            ),
        )
        return format_html("<table>{}</table>", rows)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Everything."""
        return (*(field.name for field in ActivityEvent._meta.fields), "story")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are written by the recorder."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The log is append-only."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The log is append-only."""
        return False
