"""Which metrics a query reads, and which of them cannot be seen yet."""

import re

NOISE = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on)\s*\([^)]*\)')
NAME = re.compile(
    r"\b(?:up|(?:tria|gen_ai|pg|redis|node|probe|process|container|prometheus|alertmanager)_\w+)\b"
)

# Metrics that rules and dashboards read and the service does not have yet. It must shrink to
# nothing: whoever adds one takes it out here.
LATER = frozenset(
    {
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_operation_time_per_output_chunk_seconds",
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "gen_ai_client_token_usage",
        "tria_actions",
        "tria_actions_ended_total",
        "tria_actions_oldest_seconds",
        "tria_approvals",
        "tria_canary_interval_seconds",
        "tria_canary_total",
        "tria_checkpoint_seconds",
        "tria_db_pool_in_use",
        "tria_db_pool_waiting",
        "tria_eval_cases",
        "tria_eval_gate_open",
        "tria_eval_run_timestamp_seconds",
        "tria_eval_usd",
        "tria_feedback_total",
        "tria_gate_refusals_total",
        "tria_gate_verdicts_total",
        "tria_handoffs_total",
        "tria_intent_confidence",
        "tria_intents_total",
        "tria_loop_lag_seconds",
        "tria_model_budget_left_usd",
        "tria_model_budget_usd",
        "tria_node_errors_total",
        "tria_piece_gap_seconds",
        "tria_queue_oldest_seconds",
        "tria_runs",
        "tria_runs_stuck",
        "tria_spans_dropped_total",
        "tria_tickets",
        "tria_turn_results_total",
        "tria_writes_doubled_total",
        "tria_writes_unknown",
        "tria_writes_unknown_oldest_seconds",
        "tria_xero_cache_total",
        "tria_xero_call_seconds",
        "tria_xero_connected",
        "tria_xero_day_left",
        "tria_xero_day_limit",
        "tria_xero_events",
        "tria_xero_token_age_seconds",
    }
)
# What a machine without containers, certificates and faults has nothing to say about.
SELDOM = {
    "container_memory_working_set_bytes": "containers",
    "container_oom_events_total": "containers",
    "container_spec_memory_limit_bytes": "containers",
    "probe_ssl_earliest_cert_expiry": "an address with a certificate",
    "tria_cards_swept_total": "a process that died while it wrote",
}


def names_in(query: str) -> set[str]:
    """The metrics that a query reads, without the endings of histograms."""
    found = set(NAME.findall(NOISE.sub(" ", query)))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if _is_ours(name) else name for name in found}


def _is_ours(name: str) -> bool:
    return name.startswith(("tria_", "gen_ai_"))
