"""Alerts on what the service itself says: API, conversations, and the people who help."""

from monitoring.prometheus.alert import Alert

API = (
    Alert(
        name="RequestsRefused",
        group="api",
        severity="ticket",
        expr="""sum(rate(tria_requests_refused_total[10m]))
            > 0.05 * sum(rate(tria_request_seconds_count[10m]))""",
        holds="10m",
        summary="{{ $value | humanize }} requests a second are refused with 429",
        means="A client asks too often, or a limit is too low for those who use the service.",
        runbook="too-many-requests",
    ),
    Alert(
        name="SignInsRefused",
        group="api",
        severity="ticket",
        expr='sum(increase(tria_sign_in_refused_total{reason!="unavailable"}[15m])) > 200',
        holds="0m",
        summary="{{ $value | humanize }} requests in 15 minutes had a sign-in that opened nothing",
        means="Somebody tries keys out, or a client's credential has run out.",
        runbook="sign-ins-refused",
    ),
    Alert(
        name="SignInUnavailable",
        group="api",
        severity="page",
        expr='sum(increase(tria_sign_in_refused_total{reason="unavailable"}[5m])) > 5',
        holds="5m",
        summary="The sign-in elsewhere does not answer: its keys cannot be had",
        means="Customers who sign in there are turned away.",
        runbook="sign-ins-refused",
    ),
    Alert(
        name="LoopLate",
        group="api",
        severity="ticket",
        expr="""histogram_quantile(0.99,
            sum by (le, instance) (rate(tria_loop_lag_seconds_bucket[5m]))) > 0.25""",
        holds="10m",
        summary="{{ $labels.instance }} is late by {{ $value | humanizeDuration }} in everything",
        means="The process has more to do than one core can: every stream stutters.",
        runbook="slow-answers",
    ),
)

CONVERSATIONS = (
    Alert(
        name="RunsStuck",
        group="conversations",
        severity="page",
        expr="max(tria_runs_stuck) > 0",
        holds="2m",
        summary="{{ $value }} conversations have been stuck for more than ten minutes",
        means="Customers wait for an answer that does not come by itself.",
        runbook="conversations-stuck",
    ),
    Alert(
        name="QueueOld",
        group="conversations",
        severity="page",
        expr="max(tria_queue_oldest_seconds) > 30",
        holds="3m",
        summary="The oldest message has waited for {{ $value | humanizeDuration }}",
        means="More is asked than all replicas together can answer.",
        runbook="conversations-stuck",
    ),
    Alert(
        name="TakeOversRising",
        group="conversations",
        severity="ticket",
        expr="sum(increase(tria_runs_taken_over_total[15m])) > 5",
        holds="0m",
        summary="{{ $value | humanize }} turns were taken over in 15 minutes",
        means="Replicas die or hang while they work; customers see a pause of some seconds.",
        runbook="replicas-die",
    ),
    Alert(
        name="NodeFailing",
        group="conversations",
        severity="ticket",
        expr="""sum by (node) (rate(tria_node_errors_total[10m]))
            > 0.1 * sum by (node) (rate(tria_node_seconds_count[10m]))""",
        holds="10m",
        summary="The step {{ $labels.node }} fails more than once in ten times",
        means="Turns are repeated, and are slower or fail.",
        runbook="turns-fail",
    ),
    Alert(
        name="PiecesLate",
        group="conversations",
        severity="ticket",
        expr="histogram_quantile(0.95, sum by (le) (rate(tria_piece_gap_seconds_bucket[10m]))) > 2",
        holds="15m",
        summary="One pause in twenty within an answer is {{ $value | humanizeDuration }} or longer",
        means="Answers come haltingly.",
        runbook="slow-answers",
    ),
    Alert(
        name="HandOffsRising",
        group="conversations",
        severity="ticket",
        expr="""sum(rate(tria_handoffs_total[1h])) > 2 * sum(rate(tria_handoffs_total[1d]))
            and sum(increase(tria_handoffs_total[1h])) > 10""",
        holds="15m",
        summary="Twice as many conversations as usual go to a person",
        means="The agent cannot do something that it could yesterday.",
        runbook="quality-falls",
    ),
    Alert(
        name="AskedBackOften",
        group="conversations",
        severity="ticket",
        expr="""sum(rate(tria_turn_results_total{result="asked_back"}[1h]))
            > 0.35 * sum(rate(tria_turn_results_total[1h]))
            and sum(increase(tria_turn_results_total[1h])) > 20""",
        holds="30m",
        summary="More than a third of all answers are questions back",
        means="Customers are not understood.",
        runbook="quality-falls",
    ),
)

PEOPLE = (
    Alert(
        name="ApprovalsLate",
        group="people",
        severity="ticket",
        expr='max(tria_approvals{state="late"}) > 0',
        holds="5m",
        summary="{{ $value }} cards have waited for a person for longer than was promised",
        means="Customers have said yes and hear nothing.",
        runbook="people-are-late",
    ),
    Alert(
        name="TicketsLate",
        group="people",
        severity="ticket",
        expr='max(tria_tickets{state="late"}) > 0',
        holds="15m",
        summary="{{ $value }} hand-overs are past their deadline",
        means="Customers were told when somebody would write, and nobody has.",
        runbook="people-are-late",
    ),
    Alert(
        name="CardsStuck",
        group="people",
        severity="page",
        expr='max(tria_actions_oldest_seconds{status="approved"}) > 900',
        holds="5m",
        summary="A card that all agreed to is unwritten after {{ $value | humanizeDuration }}",
        means="An order that the customer counts on is not in the books.",
        runbook="cards-stuck",
    ),
)

ALERTS = (*API, *CONVERSATIONS, *PEOPLE)
