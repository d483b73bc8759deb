"""One hash for each table: what a refused request must leave as it was."""

from collections.abc import Mapping

from django.apps import apps
from django.db import connection

# What a refusal may write: the log and its summaries, what limits count, and sessions. allauth
# notes a person's address when a reset mail is asked for; nothing here ever reads that note.
FREE = frozenset(
    {
        "activity_event",
        "activity_noise",
        "accounts_tokenbucket",
        "django_session",
        "account_emailaddress",
    }
)


def build_query() -> str:
    """The content of every table that is not free to change, in one statement."""
    tables = sorted(
        {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - FREE
    )
    selects = (
        f"SELECT '{table}', coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
        f' FROM "{table}" t'
        for table in tables
    )
    return " UNION ALL ".join(selects)


def take_fingerprint(query: str) -> Mapping[str, str]:
    """Each table's hash."""
    with connection.cursor() as cursor:
        cursor.execute(query)
        return dict(cursor.fetchall())
