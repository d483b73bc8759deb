"""The log's table: monthly partitions, an ordered key, no foreign keys, insert-only."""

from django.db import migrations, models

TABLE = """
CREATE TABLE activity_event (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reference char(13) NOT NULL,
    event varchar(48) NOT NULL,
    outcome varchar(9) NOT NULL,
    reason varchar(64) NOT NULL,
    user_id uuid,
    organization_id uuid,
    client_id varchar(255) NOT NULL,
    connection_id uuid,
    tool varchar(128) NOT NULL,
    protocol_version varchar(16) NOT NULL,
    http_status smallint,
    latency_ms double precision,
    ip inet,
    user_agent varchar(256) NOT NULL,
    details jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX activity_event_user ON activity_event (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX activity_event_organization ON activity_event (organization_id, id)
    WHERE organization_id IS NOT NULL;
-- References of successes are found through their person; only failures pay for an index.
CREATE INDEX activity_event_reference ON activity_event (reference) WHERE outcome <> 'succeeded';
CREATE INDEX activity_event_at ON activity_event USING brin (at);
CREATE TABLE activity_event_default PARTITION OF activity_event DEFAULT;

CREATE TABLE activity_noise (
    source varchar(64) NOT NULL,
    event varchar(48) NOT NULL,
    minute bigint NOT NULL,
    count integer NOT NULL,
    last_minute bigint NOT NULL,
    last_count integer NOT NULL,
    PRIMARY KEY (source, event)
);
"""

# Triggers stop the table's owner too; the application's role also lacks the privileges.
GUARDS = """
CREATE FUNCTION activity_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the activity log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER activity_event_append_only BEFORE UPDATE OR DELETE ON activity_event
    FOR EACH ROW EXECUTE FUNCTION activity_refuse_change();
CREATE TRIGGER activity_event_no_truncate BEFORE TRUNCATE ON activity_event
    FOR EACH STATEMENT EXECUTE FUNCTION activity_refuse_change();
CREATE TRIGGER activity_event_no_truncate BEFORE TRUNCATE ON activity_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION activity_refuse_change();

-- Makes the partition of a month, guarded like the parent, if it is missing. It runs with its
-- owner's rights, so that the application's role can call it without owning the table.
CREATE FUNCTION activity_ensure_partition(month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := format('activity_event_%s', to_char(first, 'YYYY_MM'));
    grantee text;
BEGIN
    IF month NOT BETWEEN now()::date - 750 AND now()::date + 750 THEN
        RAISE EXCEPTION 'partitions are made for two years around today';
    END IF;
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF activity_event FOR VALUES FROM (%L) TO (%L)',
            name, first::timestamp AT TIME ZONE 'UTC',
            (first + interval '1 month') AT TIME ZONE 'UTC');
    END IF;
    EXECUTE format('DROP TRIGGER IF EXISTS activity_event_no_truncate ON %I', name);
    EXECUTE format('CREATE TRIGGER activity_event_no_truncate BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION activity_refuse_change()', name);
    -- Rows are reached through the parent; nobody but the owner touches a partition itself.
    FOR grantee IN SELECT DISTINCT g.grantee FROM information_schema.role_table_grants g
        WHERE g.table_name = name AND g.grantee <> CURRENT_USER
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', name, grantee);
    END LOOP;
    RETURN name;
END $$;

DO $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN SELECT DISTINCT g.grantee FROM information_schema.role_table_grants g
        WHERE g.table_name = 'activity_event' AND g.grantee NOT IN (CURRENT_USER, 'PUBLIC')
    LOOP
        EXECUTE format('REVOKE ALL ON activity_event, activity_event_default FROM %I', grantee);
        -- Not the number and not the time: those are the database's to give.
        EXECUTE format('GRANT SELECT, INSERT (reference, event, outcome, reason, user_id,
            organization_id, client_id, connection_id, tool, protocol_version, http_status,
            latency_ms, ip, user_agent, details) ON activity_event TO %I', grantee);
    END LOOP;
    FOR ahead IN 0..12 LOOP
        PERFORM activity_ensure_partition((now() + make_interval(months => ahead))::date);
    END LOOP;
END $$;
"""

REMOVE = """
DROP TABLE activity_event;
DROP TABLE activity_noise;
DROP FUNCTION activity_ensure_partition(date);
DROP FUNCTION activity_refuse_change();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(TABLE + GUARDS, reverse_sql=REMOVE),
        migrations.CreateModel(
            name="ActivityEvent",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("reference", models.CharField(max_length=13)),
                ("event", models.CharField(max_length=48)),
                ("outcome", models.CharField(max_length=9)),
                ("reason", models.CharField(max_length=64)),
                ("user_id", models.UUIDField(null=True)),
                ("organization_id", models.UUIDField(null=True)),
                ("client_id", models.CharField(max_length=255)),
                ("connection_id", models.UUIDField(null=True)),
                ("tool", models.CharField(max_length=128)),
                ("protocol_version", models.CharField(max_length=16)),
                ("http_status", models.SmallIntegerField(null=True)),
                ("latency_ms", models.FloatField(null=True)),
                ("ip", models.GenericIPAddressField(null=True)),
                ("user_agent", models.CharField(max_length=256)),
                ("details", models.JSONField()),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "activity",
                "db_table": "activity_event",
                "ordering": ("-id",),
                "managed": False,
            },
        ),
    ]
