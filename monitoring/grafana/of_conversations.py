"""Conversations: what is asked, how it is answered, and what waits."""

from monitoring.grafana.panel import Dashboard, chart, quantiles, rates

CONVERSATIONS = Dashboard(
    "tria-conversations",
    "Tria: conversations",
    "What is asked, how it is answered, and what waits.",
    (
        chart(
            "Turns",
            "ops",
            "Ended turns by outcome. Interrupted ones have answered and wait for a person.",
            rates("tria_turns_total", "outcome"),
        ),
        chart(
            "First words",
            "s",
            "From claim to the first sentence; 95 of 100 within 3 seconds are promised.",
            *quantiles("tria_first_sentence_seconds"),
        ),
        chart(
            "Whole turns",
            "s",
            "From claim to the stored answer.",
            *quantiles("tria_turn_seconds"),
        ),
        chart(
            "Steps",
            "s",
            "The 95th percentile of each node: where a turn's time goes.",
            (
                "histogram_quantile(0.95, sum by (node, le)"
                " (rate(tria_node_seconds_bucket[$__rate_interval])))",
                "{{node}}",
            ),
        ),
        chart(
            "Steps that failed",
            "ops",
            "Tries of nodes that raised an error; most are tried again.",
            rates("tria_node_errors_total", "node"),
        ),
        chart(
            "Pauses within an answer",
            "s",
            "Between two pieces of text of one reply.",
            *quantiles("tria_piece_gap_seconds"),
        ),
        chart(
            "Runs",
            "short",
            "Runs by state now. Queued ones wait for a replica, interrupted ones for a person.",
            ("max by (status) (tria_runs)", "{{status}}"),
            ("max(tria_runs_stuck)", "stuck"),
        ),
        chart(
            "Oldest in the queue",
            "s",
            "How long the oldest message has waited; above 30 s somebody is called.",
            ("max(tria_queue_oldest_seconds)", "oldest"),
        ),
        chart(
            "Taken over",
            "ops",
            "Turns continued after their worker died.",
            ("sum(rate(tria_runs_taken_over_total[$__rate_interval]))", "taken over"),
        ),
        chart("Intents", "ops", "What customers want.", rates("tria_intents_total", "intent")),
        chart(
            "Confidence",
            "percentunit",
            "How sure the classifier is of its best guess: half, and one in twenty, are below.",
            (
                "histogram_quantile(0.5, sum by (le)"
                " (rate(tria_intent_confidence_bucket[$__rate_interval])))",
                "median",
            ),
            (
                "histogram_quantile(0.05, sum by (le)"
                " (rate(tria_intent_confidence_bucket[$__rate_interval])))",
                "p5",
            ),
        ),
        chart(
            "Results",
            "ops",
            "What turns came to: answered, asked back, a card, handed over, not possible now.",
            rates("tria_turn_results_total", "result"),
        ),
        chart(
            "Hand-offs",
            "ops",
            "Why conversations went to a person.",
            rates("tria_handoffs_total", "reason"),
        ),
        chart(
            "Gate",
            "ops",
            "How whole replies left the gate; fixed words mean that nothing else passed.",
            rates("tria_gate_verdicts_total", "verdict"),
        ),
        chart(
            "Refused claims",
            "ops",
            "Claims without a source, by the rule that found them.",
            rates("tria_gate_refusals_total", "rule"),
        ),
        chart(
            "People",
            "short",
            "Approvals and hand-overs that wait, and those past their deadline.",
            ("max by (state) (tria_approvals)", "approvals {{state}}"),
            ("max by (state) (tria_tickets)", "tickets {{state}}"),
        ),
        chart(
            "Cards",
            "short",
            "Open cards by state.",
            ("max by (status) (tria_actions)", "{{status}}"),
        ),
        chart(
            "Feedback",
            "ops",
            "What customers thought of answers.",
            rates("tria_feedback_total", "rating"),
        ),
    ),
)
