"""Alerts on what must be there when everything else is lost."""

from monitoring.prometheus.alert import Alert

ALERTS = (
    Alert(
        name="BackupStale",
        group="database",
        severity="ticket",
        expr="""time() - max(tria_backup_last_success_timestamp_seconds) > 26 * 3600
            or absent(tria_backup_last_success_timestamp_seconds)""",
        holds="1h",
        summary="No backup of the database has been made for more than 26 hours",
        means="The older the last backup, the longer a restore reads the log, if it has all of it.",
        runbook="backups",
    ),
    Alert(
        name="LogNotArchived",
        group="database",
        severity="page",
        expr="time() - max(tria_wal_archived_timestamp_seconds) > 900",
        holds="5m",
        summary="For {{ $value | humanizeDuration }} nothing of Postgres's log has been kept",
        means="Messages and orders since then would be lost with the disk of the database.",
        runbook="backups",
    ),
    Alert(
        name="RestoreUnverified",
        group="database",
        severity="ticket",
        expr="""time() - max(tria_restore_verified_timestamp_seconds) > 8 * 86400
            or absent(tria_restore_verified_timestamp_seconds)""",
        holds="1h",
        summary="For more than eight days nobody has seen that a backup can be restored",
        means="A backup that was never restored is a hope.",
        runbook="backups",
    ),
)
