"""For each alert what makes it fire, and what comes close and must not. In promtool's notation.

A step, mostly a minute, lies between two values: `0x20` is twenty minutes of 0, `0+3x20` grows by
3 a minute.
"""

from typing import NamedTuple

REPLICA = 'job="tria",instance="a:8003"'


class Case(NamedTuple):
    """What was scraped every so many minutes, and the minute at which it is looked at."""

    series: dict[str, str]
    minute: int = 30
    step: int = 1


class Pair(NamedTuple):
    """Both sides of one alert."""

    fires: Case
    silent: Case


def _counted(name: str, fires: int, silent: int, minutes: int = 60) -> Pair:
    """A counter that grows by so many a minute."""
    return Pair(
        Case({name: f"0+{fires}x{minutes}"}, minutes),
        Case({name: f"0+{silent}x{minutes}"}, minutes),
    )


def _held(name: str, fires: float, silent: float, minutes: int = 30) -> Pair:
    """A value that stays."""
    return Pair(
        Case({name: f"{fires}x{minutes}"}, minutes),
        Case({name: f"{silent}x{minutes}"}, minutes),
    )


def _share(bad: str, good: str, fires: tuple[int, int], silent: tuple[int, int]) -> Pair:
    """Bad and good events a minute, for ninety minutes."""
    return Pair(
        Case({bad: f"0+{fires[0]}x90", good: f"0+{fires[1]}x90"}, 90),
        Case({bad: f"0+{silent[0]}x90", good: f"0+{silent[1]}x90"}, 90),
    )


def _slow(histogram: str, edge: str, labels: str = "") -> Pair:
    """All observations beyond the edge, and all below it."""
    more = f"{labels}," if labels else ""
    over = {
        f'{histogram}_bucket{{{more}le="{edge}"}}': "0x60",
        f'{histogram}_bucket{{{more}le="20.0"}}': "0+10x60",
        f'{histogram}_bucket{{{more}le="+Inf"}}': "0+10x60",
    }
    below = over | {f'{histogram}_bucket{{{more}le="{edge}"}}': "0+10x60"}
    return Pair(Case(over, 60), Case(below, 60))


def _rising(name: str, usual: str, burst: str, steady: str) -> Pair:
    """A day of the usual, then an hour of much more; against a day of the same."""
    return Pair(
        Case({name: f"{usual} {burst}"}, 1500, 10),
        Case({name: steady}, 1500, 10),
    )


TURNS = 'tria_turns_total{outcome="%s"}'
REQUESTS = 'tria_request_seconds_count{method="GET",route="/threads",status="%s"}'
CALLS = 'gen_ai_client_operation_duration_seconds_count{error_type="%s"}'
XERO = 'tria_xero_call_seconds_count{outcome="%s"}'
FILES = '{instance="m",mountpoint="/",fstype="ext4"}'

OF_SERVICE = {
    "RequestsRefused": _share(
        'tria_requests_refused_total{limit="user-turns"}', REQUESTS % 200, (10, 90), (1, 99)
    ),
    "SignInsRefused": _counted('tria_sign_in_refused_total{reason="signature"}', 20, 10),
    "SignInUnavailable": _counted('tria_sign_in_refused_total{reason="unavailable"}', 3, 0),
    "LoopLate": _slow("tria_loop_lag_seconds", "0.25", 'instance="a"'),
    "RunsStuck": _held("tria_runs_stuck", 1, 0),
    "QueueOld": Pair(
        Case({"tria_queue_oldest_seconds": "40x10"}, 10),
        Case({"tria_queue_oldest_seconds": "5 40 40 5x10"}, 5),
    ),
    "TakeOversRising": _counted("tria_runs_taken_over_total", 1, 0),
    "NodeFailing": _share(
        'tria_node_errors_total{node="call_xero_tools",error="other"}',
        'tria_node_seconds_count{node="call_xero_tools"}',
        (2, 10),
        (1, 20),
    ),
    "PiecesLate": _slow("tria_piece_gap_seconds", "2.0"),
    "HandOffsRising": _rising(
        'tria_handoffs_total{reason="asked"}', "0+10x144", "1440+100x6", "0+10x150"
    ),
    "AskedBackOften": _share(
        'tria_turn_results_total{result="asked_back"}',
        'tria_turn_results_total{result="answered"}',
        (5, 5),
        (2, 8),
    ),
    "ApprovalsLate": _held('tria_approvals{state="late"}', 1, 0),
    "TicketsLate": _held('tria_tickets{state="late"}', 2, 0),
    "CardsStuck": Pair(
        Case({'tria_actions_oldest_seconds{status="approved"}': "0+60x30"}, 30),
        Case({'tria_actions_oldest_seconds{status="proposed"}': "0+60x30"}, 30),
    ),
    "CardsFailing": _share(
        'tria_actions_ended_total{kind="order",status="failed"}',
        'tria_actions_ended_total{kind="order",status="committed"}',
        (1, 2),
        (1, 9),
    ),
    "TrafficAbsent": Pair(
        Case({TURNS % "succeeded": "0+10x1013 10130x20"}, 10250, 10),
        Case({TURNS % "succeeded": "0+10x1030"}, 10250, 10),
    ),
    "FeedbackBad": _share(
        'tria_feedback_total{rating="down"}', 'tria_feedback_total{rating="up"}', (1, 1), (1, 3)
    ),
    "ModelCostRunaway": Pair(
        Case({"tria_model_usd_total": "0+0.05x90", "tria_model_budget_usd": "20x90"}, 90),
        Case({"tria_model_usd_total": "0+0.01x90", "tria_model_budget_usd": "20x90"}, 90),
    ),
    "ModelBudgetLow": Pair(
        Case({"tria_model_budget_left_usd": "1x30", "tria_model_budget_usd": "20x30"}),
        Case({"tria_model_budget_left_usd": "0x30", "tria_model_budget_usd": "0x30"}),
    ),
    "ModelFailing": _share(CALLS % "timeout", CALLS % "", (2, 8), (1, 19)),
    "ModelSlow": _slow("gen_ai_client_operation_time_to_first_chunk_seconds", "5.12"),
    "ModelLeftAlone": Pair(
        Case({'tria_breaker_state{part="model"}': "2x10"}, 10),
        Case({'tria_breaker_state{part="model"}': "2 2 1 0x10"}, 10),
    ),
    "WritesUnknown": Pair(
        Case({"tria_writes_unknown_oldest_seconds": "0+60x20"}, 18),
        Case({"tria_writes_unknown_oldest_seconds": "0+60x10 0x10"}, 18),
    ),
    "WritesDoubled": Pair(
        Case({"tria_writes_doubled_total": "0x5 1x5"}, 7),
        Case({"tria_writes_doubled_total": "1x80"}, 80),
    ),
    "ForeignDocument": Pair(
        Case({"tria_foreign_documents_total": "0x5 1x5"}, 7),
        Case({"tria_foreign_documents_total": "3x80"}, 80),
    ),
    "GateRefusalsRising": _rising(
        'tria_gate_refusals_total{rule="money"}', "0+10x144", "1440+100x6", "0+10x150"
    ),
    "FixedWordsOften": _share(
        'tria_gate_verdicts_total{verdict="fixed"}',
        'tria_gate_verdicts_total{verdict="passed"}',
        (1, 9),
        (1, 99),
    ),
    "NumbersTriedOut": Pair(
        Case({"tria_guessing_total": "0x5 5x5"}, 8),
        Case({"tria_guessing_total": "0x5 1x5"}, 8),
    ),
}

OF_PARTS = {
    "RedisDown": Pair(
        Case({"redis_up": "0x10", 'tria_part_up{part="redis"}': "1x10"}, 5),
        Case({"redis_up": "1 1 0 1x10", 'tria_part_up{part="redis"}': "1x10"}, 5),
    ),
    "RedisMemoryHigh": Pair(
        Case({"redis_memory_used_bytes": "90x30", "redis_memory_max_bytes": "100x30"}),
        Case({"redis_memory_used_bytes": "90x30", "redis_memory_max_bytes": "0x30"}),
    ),
    "RedisEvicting": _counted("redis_evicted_keys_total", 5, 0),
    "LimitsNotShared": Pair(
        Case(
            {
                f"tria_limits_shared{{{REPLICA}}}": "0x30",
                f"up{{{REPLICA}}}": "1x30",
                'up{job="tria",instance="b:8003"}': "1x30",
            }
        ),
        Case({f"tria_limits_shared{{{REPLICA}}}": "0x30", f"up{{{REPLICA}}}": "1x30"}),
    ),
    "AnswersNotKept": Pair(
        Case(
            {
                'tria_answer_cache_total{result="hit"}': "0x150",
                'tria_answer_cache_total{result="miss"}': "0+10x150",
            },
            1500,
            10,
        ),
        Case(
            {
                'tria_answer_cache_total{result="hit"}': "0+10x150",
                'tria_answer_cache_total{result="miss"}': "0+10x150",
            },
            1500,
            10,
        ),
    ),
    "PostgresDown": Pair(
        # It hangs: the exporter has nothing to say any more.
        Case({"pg_up": "1x5 _x10", 'tria_part_up{part="postgres"}': "1x15"}, 15),
        # One replica alone cannot reach it.
        Case(
            {
                "pg_up": "1x15",
                'tria_part_up{part="postgres",instance="a"}': "0x15",
                'tria_part_up{part="postgres",instance="b"}': "1x15",
            },
            15,
        ),
    ),
    "PostgresConnectionsHigh": Pair(
        Case({"pg_stat_activity_count": "90x30", "pg_settings_max_connections": "100x30"}),
        Case({"pg_stat_activity_count": "70x30", "pg_settings_max_connections": "100x30"}),
    ),
    "PostgresLongTransaction": _held("pg_stat_activity_max_tx_duration", 700, 300),
    "PostgresDeadlocks": _counted('pg_stat_database_deadlocks{datname="tria"}', 1, 0),
    "PoolExhausted": _held(f"tria_db_pool_waiting{{{REPLICA}}}", 9, 3),
    "CheckpointsSlow": _slow("tria_checkpoint_seconds", "0.5"),
    "XeroDown": Pair(
        Case({'tria_part_up{part="xero"}': "0x15"}, 15),
        Case({'tria_part_up{part="xero"}': "0x7 1 0x7"}, 15),
    ),
    "XeroDisconnected": _held("tria_xero_connected", 0, 1),
    "XeroTokenAgeing": _held("tria_xero_token_age_seconds", 46 * 86400, 44 * 86400, 90),
    "XeroDayLimitLow": Pair(
        Case({"tria_xero_day_left": "500x30", "tria_xero_day_limit": "5000x30"}),
        Case({"tria_xero_day_left": "500x30", "tria_xero_day_limit": "1000x30"}),
    ),
    "XeroFailing": _share(XERO % "unavailable", XERO % "ok", (2, 8), (1, 19)),
    "XeroEventsParked": _held('tria_xero_events{status="parked"}', 1, 0),
    "TargetDown": Pair(
        Case({'up{job="node",instance="m"}': "0x10"}, 8),
        Case({'up{job="node",instance="m"}': "1x5 0 1x5"}, 8),
    ),
    "SamplesMissing": Pair(
        Case({f"up{{{REPLICA}}}": "1x20"}, 15),
        Case({f"up{{{REPLICA}}}": "1x20", 'tria_runs{status="queued"}': "0x20"}, 15),
    ),
    "RulesFailing": _counted('prometheus_rule_evaluation_failures_total{rule_group="api"}', 1, 0),
    "AlertsNotDelivered": _counted(
        'alertmanager_notifications_failed_total{integration="pagerduty"}', 1, 0
    ),
    "SpansDropped": _counted("tria_spans_dropped_total", 20, 2),
    "EvalGateShut": _held("tria_eval_gate_open", 0, 1),
    # Unit tests begin at second 0 of 1970.
    "EvalsOld": Pair(
        Case({"tria_eval_run_timestamp_seconds": "-700000x90"}, 90),
        Case({"tria_eval_run_timestamp_seconds": "-600000x90"}, 90),
    ),
}

OF_MACHINES = {
    "ServiceDown": Pair(
        Case({f"up{{{REPLICA}}}": "0x10", 'up{job="tria",instance="b"}': "0x10"}, 5),
        Case({f"up{{{REPLICA}}}": "0x10", 'up{job="tria",instance="b"}': "1x10"}, 5),
    ),
    "ReplicaDown": Pair(
        Case({f"up{{{REPLICA}}}": "0x10"}, 5),
        Case({f"up{{{REPLICA}}}": "1 1 0 0 1x10"}, 5),
    ),
    "NotReady": Pair(
        Case({'probe_success{probe="ready",instance="a"}': "0x10"}, 5),
        Case(
            {
                'probe_success{probe="ready",instance="a"}': "0x10",
                'probe_success{probe="ready",instance="b"}': "1x10",
            },
            5,
        ),
    ),
    "ProbeSlow": _held('probe_duration_seconds{probe="ready",instance="a"}', 1.5, 0.4),
    "CanaryFailing": Pair(
        Case(
            {
                'tria_canary_total{outcome="failed"}': "0x10 1x15 2x35",
                'tria_canary_total{outcome="passed"}': "0x5 1x55",
            },
            50,
        ),
        Case(
            {
                'tria_canary_total{outcome="failed"}': "0x10 1x15 2x35",
                'tria_canary_total{outcome="passed"}': "0x40 1x20",
            },
            50,
        ),
    ),
    "CanarySilent": Pair(
        Case(
            {
                "tria_canary_last_success_timestamp_seconds": "0x90",
                "tria_canary_interval_seconds": "900x90",
                f"process_start_time_seconds{{{REPLICA}}}": "0x90",
            },
            60,
        ),
        # None is held here.
        Case(
            {
                "tria_canary_last_success_timestamp_seconds": "0x90",
                "tria_canary_interval_seconds": "0x90",
                f"process_start_time_seconds{{{REPLICA}}}": "0x90",
            },
            60,
        ),
    ),
    "PoliciesAway": _held('tria_part_up{part="chroma"}', 0, 1),
    "CertificateEnding": _held(
        'probe_ssl_earliest_cert_expiry{instance="chat"}', 10 * 86400, 20 * 86400, 90
    ),
    "ReplicasRestarting": Pair(
        Case({f"process_start_time_seconds{{{REPLICA}}}": "0+300x20"}, 18),
        Case({f"process_start_time_seconds{{{REPLICA}}}": "0x10 600x10"}, 18),
    ),
    "MemoryLow": Pair(
        Case({"node_memory_MemAvailable_bytes": "3x10", "node_memory_MemTotal_bytes": "100x10"}, 8),
        Case({"node_memory_MemAvailable_bytes": "9x10", "node_memory_MemTotal_bytes": "100x10"}, 8),
    ),
    "ServiceMemoryHigh": _held(f"process_resident_memory_bytes{{{REPLICA}}}", 1e9, 8e8),
    "ServiceMemoryGrowing": Pair(
        Case(
            {
                f"process_resident_memory_bytes{{{REPLICA}}}": "300000000+500000x600",
                f"process_start_time_seconds{{{REPLICA}}}": "0x600",
            },
            600,
        ),
        # A process that has just started is still filling its caches.
        Case(
            {
                f"process_resident_memory_bytes{{{REPLICA}}}": "300000000+500000x300",
                f"process_start_time_seconds{{{REPLICA}}}": "0x300",
            },
            300,
        ),
    ),
    "CpuBusy": Pair(
        Case({'node_cpu_seconds_total{instance="m",mode="idle",cpu="0"}': "0+1x60"}, 60),
        Case({'node_cpu_seconds_total{instance="m",mode="idle",cpu="0"}': "0+30x60"}, 60),
    ),
    "DiskFull": Pair(
        Case(
            {
                f"node_filesystem_avail_bytes{FILES}": "3x10",
                f"node_filesystem_size_bytes{FILES}": "100x10",
            },
            8,
        ),
        Case(
            {
                f"node_filesystem_avail_bytes{FILES}": "9x10",
                f"node_filesystem_size_bytes{FILES}": "100x10",
            },
            8,
        ),
    ),
    "DiskFilling": Pair(
        Case(
            {
                f"node_filesystem_avail_bytes{FILES}": "35000-10x600",
                f"node_filesystem_size_bytes{FILES}": "100000x600",
            },
            600,
        ),
        Case(
            {
                f"node_filesystem_avail_bytes{FILES}": "35000-1x600",
                f"node_filesystem_size_bytes{FILES}": "100000x600",
            },
            600,
        ),
    ),
    "FilesNearLimit": Pair(
        Case(
            {
                f"process_open_fds{{{REPLICA}}}": "900x10",
                f"process_max_fds{{{REPLICA}}}": "1024x10",
            },
            8,
        ),
        Case(
            {
                f"process_open_fds{{{REPLICA}}}": "700x10",
                f"process_max_fds{{{REPLICA}}}": "1024x10",
            },
            8,
        ),
    ),
    "ContainerKilled": _counted('container_oom_events_total{name="tria-service-1"}', 1, 0),
    "ContainerMemoryHigh": Pair(
        Case(
            {
                'container_memory_working_set_bytes{name="s"}': "95x20",
                'container_spec_memory_limit_bytes{name="s"}': "100x20",
            },
            18,
        ),
        Case(
            {
                'container_memory_working_set_bytes{name="s"}': "95x20",
                'container_spec_memory_limit_bytes{name="s"}': "0x20",
            },
            18,
        ),
    ),
}


LONG_ENOUGH = {"Fast": 15, "Medium": 30, "Slow": 75, "Trickle": 200}  # minutes


def _burns(alert: str, bad: str, good: str, shares: dict[str, tuple[int, int]]) -> dict[str, Pair]:
    """For each speed: more bad events of a thousand than it allows, and fewer, for long enough."""
    pairs = {}
    for speed, (fires, silent) in shares.items():
        minutes = LONG_ENOUGH[speed]
        cases = [
            Case({bad: f"0+{n}x{minutes}", good: f"0+{1000 - n}x{minutes}"}, minutes)
            for n in (fires, silent)
        ]
        pairs[f"{alert}Burn{speed}"] = Pair(*cases)
    return pairs


def _late(alert: str, histogram: str, edge: str, labels: str) -> dict[str, Pair]:
    """The same for observations beyond an edge."""
    pairs = {}
    of = {"Fast": (800, 500), "Medium": (400, 200), "Slow": (200, 100), "Trickle": (80, 30)}
    for speed, shares in of.items():
        minutes = LONG_ENOUGH[speed]
        cases = [
            Case(
                {
                    f"{histogram}_count{{{labels}}}": f"0+1000x{minutes}",
                    f'{histogram}_bucket{{{labels},le="{edge}"}}': f"0+{1000 - late}x{minutes}",
                },
                minutes,
            )
            for late in shares
        ]
        pairs[f"{alert}Burn{speed}"] = Pair(*cases)
    return pairs


BURNING = {
    **_burns(
        "TurnFailures",
        TURNS % "failed",
        TURNS % "succeeded",
        {"Fast": (100, 50), "Medium": (40, 20), "Slow": (20, 10), "Trickle": (7, 4)},
    ),
    **_burns(
        "ApiErrors",
        REQUESTS % 500,
        REQUESTS % 404,
        {"Fast": (20, 10), "Medium": (8, 5), "Slow": (4, 2), "Trickle": (2, 0)},
    ),
    **_late("FirstWords", "tria_first_sentence_seconds", "3.0", 'instance="a"'),
    **_late("ApiLatency", "tria_request_seconds", "0.5", 'route="/threads"'),
}

OF_BACKUPS = {
    "BackupStale": Pair(
        Case({"tria_backup_last_success_timestamp_seconds": "0x60"}, 1680, 60),
        Case({"tria_backup_last_success_timestamp_seconds": "0x24 86400x36"}, 1860, 60),
    ),
    "LogNotArchived": Pair(
        Case({"tria_wal_archived_timestamp_seconds": "0x60"}, 30),
        Case({"tria_wal_archived_timestamp_seconds": "0+60x60"}, 60),
    ),
    "RestoreUnverified": Pair(
        Case({"tria_restore_verified_timestamp_seconds": "0x250"}, 11760, 60),
        Case({"tria_restore_verified_timestamp_seconds": "0x168 604800x82"}, 14400, 60),
    ),
}

PAIRS: dict[str, Pair] = {**OF_SERVICE, **OF_PARTS, **OF_MACHINES, **OF_BACKUPS, **BURNING}
# What has no silent side: it must never stop.
ALWAYS = {"Watchdog": Case({"up": "1x5"}, 3)}
# Whole stories beyond one pair: the alert, what was scraped, and the minutes at which it fires
# and at which it does not.
STORIES = (
    (
        "CanarySilent",
        "a service that has just started has not had the time",
        {
            "tria_canary_last_success_timestamp_seconds": "0x90",
            "tria_canary_interval_seconds": "900x90",
            f"process_start_time_seconds{{{REPLICA}}}": "3000x90",
        },
        (),
        (60,),
    ),
    (
        "CanarySilent",
        "it succeeds each time",
        {
            "tria_canary_last_success_timestamp_seconds": "0+60x90",
            "tria_canary_interval_seconds": "900x90",
            f"process_start_time_seconds{{{REPLICA}}}": "0x90",
        },
        (),
        (80,),
    ),
    (
        "BackupStale",
        "where no backup was ever made nobody can say how old it is",
        {"up": "1x90"},
        (60,),
        (0,),
    ),
    (
        "RestoreUnverified",
        "where no restore was ever tried it is the same",
        {"up": "1x90"},
        (60,),
        (0,),
    ),
    (
        "TurnFailuresBurnFast",
        "it ends within ten minutes of the fault",
        {TURNS % "failed": "0+10x60 600x60", TURNS % "succeeded": "0+90x60 5400+100x60"},
        (60,),
        (71,),
    ),
    (
        "TurnFailuresBurnFast",
        "turns that customers cancel are no failures",
        {TURNS % "cancelled": "0+90x90", TURNS % "succeeded": "0+10x90"},
        (),
        (90,),
    ),
    (
        "TurnFailuresBurnFast",
        "one failure of three at night wakes nobody",
        {TURNS % "failed": "0x30 1x60", TURNS % "succeeded": "0x20 2x70"},
        (),
        (40, 60),
    ),
    (
        "ApiLatencyBurnFast",
        "whoever waits for the end of a turn waits as long as it takes",
        {
            'tria_request_seconds_count{route="/threads/{thread_id}/runs/wait"}': "0+100x90",
            'tria_request_seconds_bucket{route="/threads/{thread_id}/runs/wait",le="0.5"}': "0x90",
        },
        (),
        (90,),
    ),
    (
        "CardsFailing",
        "one card that fails is for the console",
        {
            'tria_actions_ended_total{kind="order",status="failed"}': "0x20 1x40",
            'tria_actions_ended_total{kind="order",status="committed"}': "0x60",
        },
        (),
        (40,),
    ),
)
