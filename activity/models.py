"""The log as Django reads it. Rows are written by ``activity.recorder`` and by nothing else.

The table is made by hand in the first migration: monthly partitions, an ordered integer key,
no foreign keys, and triggers that refuse UPDATE, DELETE and TRUNCATE.
"""

from typing import Any, NoReturn
from uuid import UUID

from django.db import models


class AppendOnlyError(TypeError):
    """Somebody tried to change the log through the ORM; the database would refuse as well."""


class ActivityQuerySet(models.QuerySet["ActivityEvent"]):
    """Reading, from one person's, one organization's or one reference's point of view."""

    def of_user(self, user_id: UUID) -> "ActivityQuerySet":
        """Rows that this person caused or that concern their tokens."""
        return self.filter(user_id=user_id)

    def of_organization(self, organization_id: UUID) -> "ActivityQuerySet":
        """Rows of one organization."""
        return self.filter(organization_id=organization_id)

    def with_reference(self, reference: str) -> "ActivityQuerySet":
        """Rows of the request that was given this reference."""
        return self.filter(reference=reference)

    def update(self, **kwargs: Any) -> NoReturn:
        """The log has no updates."""
        raise AppendOnlyError("The activity log is append-only.")

    def delete(self) -> NoReturn:
        """The log has no deletes; retention drops whole partitions."""
        raise AppendOnlyError("The activity log is append-only.")


class ActivityEvent(models.Model):
    """One thing that happened. Identifiers are plain values: the log outlives what it names."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    reference = models.CharField(max_length=13)
    event = models.CharField(max_length=48)
    outcome = models.CharField(max_length=9)
    reason = models.CharField(max_length=64)
    user_id = models.UUIDField(null=True)
    organization_id = models.UUIDField(null=True)
    client_id = models.CharField(max_length=255)
    connection_id = models.UUIDField(null=True)
    tool = models.CharField(max_length=128)
    protocol_version = models.CharField(max_length=16)
    http_status = models.SmallIntegerField(null=True)
    latency_ms = models.FloatField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=256)
    details = models.JSONField()

    objects = ActivityQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "activity_event"
        ordering = ("-id",)
        verbose_name = "event"
        verbose_name_plural = "activity"

    def __str__(self) -> str:
        return f"{self.event} {self.reference}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Rows come from ``activity.recorder`` only."""
        raise AppendOnlyError("Write rows with activity.recorder.record_event.")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """The log has no deletes."""
        raise AppendOnlyError("The activity log is append-only.")
