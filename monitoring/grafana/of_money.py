"""What costs money, or is money: the model, and the books in Xero."""

from monitoring.grafana.panel import Dashboard, chart, quantiles, rates, stat

MODEL = Dashboard(
    "tria-model",
    "Tria: model and cost",
    "Calls of the model, how they fare and what they cost.",
    (
        chart(
            "Calls",
            "ops",
            "Calls a second by error; none: those that went well.",
            (
                # OpenTelemetry leaves the label away where all went well.
                "sum by (error_type) (label_replace("
                "rate(gen_ai_client_operation_duration_seconds_count[$__rate_interval]),"
                ' "error_type", "none", "error_type", ""))',
                "{{error_type}}",
            ),
        ),
        chart(
            "First chunk",
            "s",
            "Until the first piece of an answer.",
            *quantiles("gen_ai_client_operation_time_to_first_chunk_seconds"),
        ),
        chart(
            "Each further chunk",
            "s",
            "Between pieces of an answer.",
            *quantiles("gen_ai_client_operation_time_per_output_chunk_seconds"),
        ),
        chart(
            "Duration",
            "s",
            "Whole calls with their further tries.",
            *quantiles("gen_ai_client_operation_duration_seconds"),
        ),
        chart(
            "Tokens",
            "short",
            "Tokens a second, in and out.",
            rates("gen_ai_client_token_usage_sum", "gen_ai_token_type"),
        ),
        chart(
            "Cost",
            "currencyUSD",
            "USD an hour by what the call was for.",
            (
                "3600 * sum by (purpose) (rate(tria_model_usd_total[$__rate_interval]))",
                "{{purpose}}",
            ),
        ),
        stat(
            "Left of the day's budget",
            "currencyUSD",
            "When nothing is left replies come from templates until midnight.",
            "max(tria_model_budget_left_usd)",
        ),
        chart(
            "Who worded the replies",
            "ops",
            "Model, templates, both, or an answer that was kept.",
            rates("tria_replies_total", "by"),
        ),
        chart(
            "Answers given again",
            "percentunit",
            "Of the questions about the rules alone, the share whose answer was kept.",
            (
                'sum(rate(tria_answer_cache_total{result="hit"}[$__rate_interval]))'
                " / sum(rate(tria_answer_cache_total[$__rate_interval]))",
                "hits",
            ),
        ),
        chart(
            "Versions of prompts",
            "ops",
            "Calls by version: two at once are two versions of the service.",
            rates("tria_model_calls_total", "prompt"),
        ),
    ),
)

XERO = Dashboard(
    "tria-xero",
    "Tria: Xero",
    "Calls of Xero, its limits, its connection, and writes whose outcome is not known.",
    (
        chart(
            "Calls",
            "ops",
            "Calls a second by outcome; limited ones were not sent.",
            rates("tria_xero_call_seconds_count", "outcome"),
        ),
        chart("Duration", "s", "Calls that were sent.", *quantiles("tria_xero_call_seconds")),
        chart(
            "Calls by path",
            "ops",
            "What is asked for.",
            rates("tria_xero_call_seconds_count", "path"),
        ),
        chart(
            "Left today",
            "short",
            "Calls left of the day's limit, as Xero said last.",
            ("max(tria_xero_day_left)", "left"),
            ("max(tria_xero_day_limit)", "limit"),
        ),
        stat(
            "Age of the token",
            "s",
            "Since it was last renewed; after 60 days it is dead.",
            "max(tria_xero_token_age_seconds)",
        ),
        stat("Connected", "none", "1: signed in.", "max(tria_xero_connected)"),
        chart(
            "Answers kept",
            "percentunit",
            "The share of questions that were not asked again.",
            (
                'sum(rate(tria_xero_cache_total{result="hit"}[$__rate_interval]))'
                " / sum(rate(tria_xero_cache_total[$__rate_interval]))",
                "hits",
            ),
        ),
        chart(
            "Writes of unknown outcome",
            "short",
            "They are looked up before anything is sent again; after 15 minutes it is an alert.",
            ("max(tria_writes_unknown)", "unknown"),
        ),
        chart(
            "Cards that ended",
            "ops",
            "How cards ended, by status.",
            rates("tria_actions_ended_total", "status"),
        ),
        chart(
            "Cards swept",
            "ops",
            "Confirmed cards that the sweeper finished because no turn did.",
            rates("tria_cards_swept_total", "outcome"),
        ),
        chart(
            "Events",
            "short",
            "What Xero told us and was not worked on yet; parked ones failed for hours.",
            ("max by (status) (tria_xero_events)", "{{status}}"),
        ),
        stat(
            "Documents of somebody else",
            "none",
            "Answers refused in the last day. Must be 0.",
            "sum(increase(tria_foreign_documents_total[1d]))",
        ),
    ),
)
