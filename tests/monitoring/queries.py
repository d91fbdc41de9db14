"""Which metrics a query reads, and which of them cannot be seen yet."""

import re

NOISE = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on)\s*\([^)]*\)')
NAME = re.compile(
    r"\b(?:up|(?:tria|gen_ai|pg|redis|node|probe|process|container|prometheus|alertmanager)_\w+)\b"
)

# Metrics that rules and dashboards read and the service does not have yet. It is to stay at
# nothing: whoever adds one takes it out here.
LATER: frozenset[str] = frozenset()
# What backups say, in a file that the exporter of the machine reads.
OF_BACKUPS = {
    "tria_backup_last_success_timestamp_seconds",
    "tria_restore_verified_timestamp_seconds",
    "tria_wal_archived_timestamp_seconds",
}
# What a machine without containers, certificates and faults has nothing to say about.
SELDOM = {
    "container_memory_working_set_bytes": "containers",
    "container_oom_events_total": "containers",
    "container_spec_memory_limit_bytes": "containers",
    "probe_ssl_earliest_cert_expiry": "an address with a certificate",
    "tria_eval_cases": "a run of the evals",
    "tria_eval_gate_open": "a run of the evals",
    "tria_eval_run_timestamp_seconds": "a run of the evals",
    "tria_eval_usd": "a run of the evals",
} | dict.fromkeys(OF_BACKUPS, "a backup")


def names_in(query: str) -> set[str]:
    """The metrics that a query reads, without the endings of histograms."""
    found = set(NAME.findall(NOISE.sub(" ", query)))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if _is_ours(name) else name for name in found}


def _is_ours(name: str) -> bool:
    return name.startswith(("tria_", "gen_ai_"))
