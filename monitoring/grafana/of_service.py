"""The service: its requests and processes."""

from monitoring.grafana.panel import Dashboard, chart, quantiles, rates, stat

SERVICE = Dashboard(
    "tria-service",
    "Tria: service",
    "Rate, errors and duration of requests, and what the processes need.",
    (
        chart(
            "Requests",
            "reqps",
            "Requests a second by status. 5xx are ours, 4xx are the client's.",
            rates("tria_request_seconds_count", "status"),
        ),
        chart(
            "Errors",
            "percentunit",
            "The share of requests that ended with 5xx; one in a thousand is promised.",
            (
                '(sum(rate(tria_request_seconds_count{status=~"5.."}[$__rate_interval]))'
                " or vector(0)) / sum(rate(tria_request_seconds_count[$__rate_interval]))",
                "5xx",
            ),
        ),
        chart(
            "Time to answer",
            "s",
            "Until the answer begins. Routes that wait for a turn are in it.",
            *quantiles("tria_request_seconds"),
        ),
        chart(
            "Slowest routes",
            "s",
            "The five routes with the highest 95th percentile.",
            (
                "topk(5, histogram_quantile(0.95, sum by (route, le)"
                " (rate(tria_request_seconds_bucket[$__rate_interval]))))",
                "{{route}}",
            ),
        ),
        chart(
            "Refused",
            "reqps",
            "Requests over a limit, and sign-ins that opened nothing.",
            rates("tria_requests_refused_total", "limit"),
            rates("tria_sign_in_refused_total", "reason"),
        ),
        chart(
            "Open streams",
            "short",
            "Event streams open in each replica; above some hundreds replies begin to stutter.",
            ("sum by (instance) (tria_streams_active)", "{{instance}}"),
        ),
        chart(
            "Lateness of the loop",
            "s",
            "How late a timer fires: above 0.25 s the process has too much to do.",
            *quantiles("tria_loop_lag_seconds"),
        ),
        chart(
            "Memory",
            "bytes",
            "Resident memory of each replica; 1 GiB is the limit of its container.",
            ('process_resident_memory_bytes{job="tria"}', "{{instance}}"),
        ),
        chart(
            "Processor",
            "percentunit",
            "Cores in use by each replica; one is all that a process can use.",
            ('rate(process_cpu_seconds_total{job="tria"}[$__rate_interval])', "{{instance}}"),
        ),
        stat(
            "Replicas",
            "none",
            "Replicas that answer Prometheus.",
            'sum(up{job="tria"})',
        ),
        stat(
            "Room left for failed turns",
            "percentunit",
            "Of the failures that the promise allows in three days, the share that is left.",
            "1 - slo:turns:bad_ratio:rate3d / 0.005",
        ),
        stat(
            "Last synthetic order",
            "dateTimeFromNow",
            "When the synthetic conversation last succeeded: whether orders really work.",
            "max(tria_canary_last_success_timestamp_seconds) * 1000",
        ),
    ),
)
