"""Alerts on money, on the model that costs it, and on what must never happen."""

from monitoring.prometheus.alert import Alert

BUSINESS = (
    Alert(
        name="CardsFailing",
        group="business",
        severity="page",
        expr="""sum(increase(tria_actions_ended_total{status="failed"}[30m]))
            > 0.2 * sum(increase(tria_actions_ended_total{status=~"failed|committed"}[30m]))
            and sum(increase(tria_actions_ended_total{status="failed"}[30m])) > 2""",
        holds="5m",
        summary="{{ $value | humanize }} cards failed in half an hour, more than one in five",
        means="Orders that customers agreed to do not reach the books.",
        runbook="cards-stuck",
    ),
    Alert(
        name="TrafficAbsent",
        group="business",
        severity="ticket",
        expr="""(sum(increase(tria_turns_total[1h])) or vector(0)) < 1
            and sum(increase(tria_turns_total[1h] offset 1w)) > 20""",
        holds="15m",
        summary="Nobody has written for an hour; a week ago at this time many did",
        means="Customers may not reach the service at all, though it says that it is well.",
        runbook="nobody-writes",
    ),
    Alert(
        name="FeedbackBad",
        group="business",
        severity="ticket",
        expr="""sum(increase(tria_feedback_total{rating="down"}[6h]))
            > 0.4 * sum(increase(tria_feedback_total[6h]))
            and sum(increase(tria_feedback_total[6h])) > 10""",
        holds="15m",
        summary="Of the answers that customers rated, more than two in five were bad",
        means="Something that customers ask for is answered badly.",
        runbook="quality-falls",
    ),
    Alert(
        name="ModelCostRunaway",
        group="business",
        severity="ticket",
        expr="sum(rate(tria_model_usd_total[1h])) * 86400 > 1.5 * max(tria_model_budget_usd)",
        holds="30m",
        summary="At this pace the model costs {{ $value | humanize }} USD a day",
        means="The day's budget will be used up early; after that answers come from templates.",
        runbook="model-costs",
    ),
    Alert(
        name="ModelBudgetLow",
        group="business",
        severity="ticket",
        expr="""max(tria_model_budget_left_usd)
            < 0.1 * (max(tria_model_budget_usd) > 0)""",
        holds="5m",
        summary="{{ $value | humanize }} USD are left for the model today",
        means="When nothing is left answers come from templates until midnight.",
        runbook="model-costs",
    ),
)

MODEL = (
    Alert(
        name="ModelFailing",
        group="model",
        severity="ticket",
        expr="""sum(rate(gen_ai_client_operation_duration_seconds_count{error_type!=""}[10m]))
            > 0.1 * sum(rate(gen_ai_client_operation_duration_seconds_count[10m]))""",
        holds="10m",
        summary="More than one call of the model in ten fails",
        means="Answers come from templates: right, but stiffer.",
        runbook="model-away",
    ),
    Alert(
        name="ModelSlow",
        group="model",
        severity="ticket",
        expr="""histogram_quantile(0.95, sum by (le)
            (rate(gen_ai_client_operation_time_to_first_chunk_seconds_bucket[10m]))) > 5""",
        holds="10m",
        summary="In one call of twenty the model's first word takes {{ $value | humanize }} s",
        means="Customers wait; after 12 seconds the templates answer.",
        runbook="model-away",
    ),
    Alert(
        name="ModelLeftAlone",
        group="model",
        severity="ticket",
        expr='max(tria_breaker_state{part="model"}) > 0',
        holds="5m",
        summary="The model fails so often that it is left alone",
        means="All answers come from templates.",
        runbook="model-away",
    ),
)

SAFETY = (
    Alert(
        name="WritesUnknown",
        group="safety",
        severity="page",
        expr="max(tria_writes_unknown_oldest_seconds) > 900",
        holds="0m",
        summary="A write's outcome has been unknown for {{ $value | humanizeDuration }}",
        means="Nobody can say whether an order is in the books; it is not sent again before.",
        runbook="unknown-writes",
    ),
    Alert(
        name="WritesDoubled",
        group="safety",
        severity="page",
        expr="sum(increase(tria_writes_doubled_total[1h])) > 0",
        holds="0m",
        summary="One write stands in the books more than once",
        means="A customer may be billed twice. This must never happen.",
        runbook="doubled-writes",
    ),
    Alert(
        name="ForeignDocument",
        group="safety",
        severity="page",
        expr="sum(increase(tria_foreign_documents_total[1h])) > 0",
        holds="0m",
        summary="Xero answered with a document of another customer",
        means="It was refused and not shown. That the question could be asked is a fault.",
        runbook="foreign-documents",
    ),
    Alert(
        name="GateRefusalsRising",
        group="safety",
        severity="ticket",
        expr="""sum by (rule) (rate(tria_gate_refusals_total[1h]))
            > 3 * sum by (rule) (rate(tria_gate_refusals_total[1d]))
            and sum by (rule) (increase(tria_gate_refusals_total[1h])) > 10""",
        holds="15m",
        summary="Three times as many sentences as usual are refused for: {{ $labels.rule }}",
        means="The model invents, or a rule of the gate refuses what is right.",
        runbook="gate-refuses",
    ),
    Alert(
        name="FixedWordsOften",
        group="safety",
        severity="ticket",
        expr="""sum(rate(tria_gate_verdicts_total{verdict="fixed"}[1h]))
            > 0.02 * sum(rate(tria_gate_verdicts_total[1h]))
            and sum(increase(tria_gate_verdicts_total{verdict="fixed"}[1h])) > 2""",
        holds="15m",
        summary="Of a hundred answers more than two are fixed words: nothing else passed the gate",
        means="Customers are told nothing that helps them.",
        runbook="gate-refuses",
    ),
    Alert(
        name="NumbersTriedOut",
        group="safety",
        severity="ticket",
        expr="sum(increase(tria_guessing_total[1h])) > 2",
        holds="0m",
        summary="In {{ $value | humanize }} turns of an hour document numbers were tried out",
        means="Somebody looks for documents of others. Nothing was shown.",
        runbook="foreign-documents",
    ),
)

ALERTS = (*BUSINESS, *MODEL, *SAFETY)
