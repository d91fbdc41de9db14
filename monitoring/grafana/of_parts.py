"""What the service stands on, and how good it is judged to be."""

from monitoring.grafana.panel import Dashboard, chart, quantiles, stat

FILES = '{fstype!~"tmpfs|overlay|squashfs|ramfs"}'
DEPENDENCIES = Dashboard(
    "tria-dependencies",
    "Tria: dependencies",
    "What the service stands on.",
    (
        chart(
            "Parts",
            "none",
            "1: it answered its last probe.",
            ("min by (part) (tria_part_up)", "{{part}}"),
        ),
        chart(
            "Breakers",
            "none",
            "0: calls pass, 1: one may find out, 2: the part is left alone.",
            ("max by (part) (tria_breaker_state)", "{{part}}"),
        ),
        chart(
            "From outside",
            "s",
            "How long the question takes whether the service is ready.",
            ("probe_duration_seconds", "{{instance}}"),
        ),
        chart(
            "Postgres: connections",
            "short",
            "Open connections by state.",
            ("sum by (state) (pg_stat_activity_count)", "{{state}}"),
        ),
        chart(
            "Postgres: transactions",
            "ops",
            "Committed and rolled back.",
            ("sum(rate(pg_stat_database_xact_commit[$__rate_interval]))", "committed"),
            ("sum(rate(pg_stat_database_xact_rollback[$__rate_interval]))", "rolled back"),
        ),
        chart(
            "Postgres: pages found in memory",
            "percentunit",
            "Below 0.95 the database needs more memory.",
            (
                "sum(rate(pg_stat_database_blks_hit[$__rate_interval]))"
                " / (sum(rate(pg_stat_database_blks_hit[$__rate_interval]))"
                " + sum(rate(pg_stat_database_blks_read[$__rate_interval])))",
                "in memory",
            ),
        ),
        chart(
            "Postgres: size",
            "bytes",
            "Each database.",
            ("sum by (datname) (pg_database_size_bytes)", "{{datname}}"),
        ),
        chart(
            "Pool",
            "short",
            "Connections of each replica that are in use, and requests that wait for one.",
            ("sum by (instance) (tria_db_pool_in_use)", "{{instance}} in use"),
            ("sum by (instance) (tria_db_pool_waiting)", "{{instance}} waiting"),
        ),
        chart(
            "Checkpoints",
            "s",
            "One group of checkpoints that is committed.",
            *quantiles("tria_checkpoint_seconds"),
        ),
        chart(
            "Redis: memory",
            "bytes",
            "In use.",
            ("redis_memory_used_bytes", "{{instance}}"),
        ),
        chart(
            "Redis: commands",
            "ops",
            "Commands a second.",
            ("rate(redis_commands_processed_total[$__rate_interval])", "{{instance}}"),
        ),
        chart(
            "Machine: memory",
            "bytes",
            "Available.",
            ("node_memory_MemAvailable_bytes", "{{instance}}"),
        ),
        chart(
            "Machine: processor",
            "percentunit",
            "The share of all cores that computes.",
            (
                "1 - avg by (instance)"
                ' (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
                "{{instance}}",
            ),
        ),
        chart(
            "Machine: disks",
            "percentunit",
            "The share that is free; below 0.05 somebody is called.",
            (
                f"node_filesystem_avail_bytes{FILES} / node_filesystem_size_bytes{FILES}",
                "{{mountpoint}}",
            ),
        ),
        stat(
            "Last backup",
            "dateTimeFromNow",
            "When the database was last copied whole; its log is kept beside that.",
            "max(tria_backup_last_success_timestamp_seconds) * 1000",
        ),
        stat(
            "Last restore",
            "dateTimeFromNow",
            "When a copy was last restored beside the service, to see that it can be.",
            "max(tria_restore_verified_timestamp_seconds) * 1000",
        ),
        chart(
            "Log of Postgres not kept",
            "s",
            "How much would be lost with the disk; above 15 minutes somebody is called.",
            ("time() - max(tria_wal_archived_timestamp_seconds)", "age"),
        ),
        chart(
            "Containers: memory",
            "bytes",
            "Only where the service runs in containers.",
            ('container_memory_working_set_bytes{name!=""}', "{{name}}"),
        ),
    ),
)

EVALS = Dashboard(
    "tria-evals",
    "Tria: evals",
    "How good the answers are, as the last run of the evals judged.",
    (
        stat("Gate", "none", "1: what was judged may go out.", "max(tria_eval_gate_open)"),
        stat(
            "Last run",
            "dateTimeFromNow",
            "When it ended.",
            "max(tria_eval_run_timestamp_seconds) * 1000",
        ),
        stat("Cost", "currencyUSD", "What the last run cost.", "max(tria_eval_usd)"),
        chart(
            "Passed",
            "percentunit",
            "The share of each suite's cases that passed.",
            (
                'sum by (suite) (tria_eval_cases{verdict="passed"})'
                " / sum by (suite) (tria_eval_cases)",
                "{{suite}}",
            ),
        ),
        chart(
            "Failed",
            "short",
            "Cases that failed, by suite.",
            ('sum by (suite) (tria_eval_cases{verdict="failed"})', "{{suite}}"),
        ),
    ),
)
