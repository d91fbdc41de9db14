"""Who hears of which alert, what is said together, and what is not said because more is known."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
# The files with what must stay secret. An integration without its file is left out at a terminal.
SECRETS = ("pagerduty_key", "slack_url", "smtp_password", "deadman_token")
# What follows from what: while the first fires, nobody hears of the second.
FOLLOWS: Mapping[str, str] = {
    "ServiceDown": "ReplicaDown|NotReady|ProbeSlow|Canary.*|TrafficAbsent|SamplesMissing|.*Burn.*",
    "PostgresDown": (
        "NotReady|Canary.*|SamplesMissing|QueueOld|RunsStuck|NodeFailing|PoolExhausted"
        "|CheckpointsSlow|PostgresConnectionsHigh|TargetDown|.*Burn.*"
    ),
    "RedisDown": "RedisMemoryHigh|RedisEvicting|LimitsNotShared|AnswersNotKept|TargetDown",
    "XeroDisconnected": "XeroDown|XeroFailing|XeroTokenAgeing|Cards.*|Canary.*|NodeFailing",
    "XeroDown": "XeroFailing|CardsStuck|Canary.*|NodeFailing",
    "ModelLeftAlone": "ModelFailing|ModelSlow",
    "ModelBudgetLow": "ModelCostRunaway",
    "MemoryLow": "ServiceMemoryHigh|ServiceMemoryGrowing",
}
FASTER = (("fast", "medium|slow|trickle"), ("medium", "slow|trickle"), ("slow", "trickle"))


@dataclass(frozen=True)
class Timing:
    """How long alerts are gathered before they are told, and told again."""

    page_wait: str = "15s"
    ticket_wait: str = "2m"
    interval: str = "5m"
    page_again: str = "1h"
    ticket_again: str = "12h"
    watch: str = "1m"


@dataclass(frozen=True)
class Delivery:
    """Addresses, the folder of the secrets, which of them are there, and where templates are."""

    addresses: Mapping[str, Any]
    secrets: str = "/run/secrets"
    present: Collection[str] = SECRETS
    templates: str = "templates/*.tmpl"
    timing: Timing = field(default_factory=Timing)


def addresses() -> dict[str, Any]:
    """What receivers.toml says."""
    return tomllib.loads((FOLDER / "receivers.toml").read_text("utf-8"))


def alertmanager(delivery: Delivery) -> dict[str, Any]:
    """The whole configuration."""
    return {
        "global": _global(delivery),
        "templates": [delivery.templates],
        "route": _route(delivery.timing),
        "inhibit_rules": _inhibitions(),
        "receivers": _receivers(delivery),
    }


def _global(delivery: Delivery) -> dict[str, Any]:
    mail = delivery.addresses["mail"]
    told: dict[str, Any] = {"resolve_timeout": "5m"}
    if "smtp_password" in delivery.present:
        told |= {
            "smtp_smarthost": mail["smarthost"],
            "smtp_from": mail["from"],
            "smtp_auth_username": mail["user"],
            "smtp_auth_password_file": f"{delivery.secrets}/smtp_password",
            "smtp_require_tls": mail["encrypted"],
        }
    if "slack_url" in delivery.present:
        told["slack_api_url_file"] = f"{delivery.secrets}/slack_url"
    if "pagerduty_key" in delivery.present:
        told["pagerduty_url"] = delivery.addresses["pagerduty"]["url"]
    return told


def _route(timing: Timing) -> dict[str, Any]:
    """What no route takes is a ticket: an alert without a known severity is not lost."""
    return {
        "receiver": "ticket",
        "group_by": ["severity", "group"],
        "group_wait": timing.ticket_wait,
        "group_interval": timing.interval,
        "repeat_interval": timing.ticket_again,
        "routes": [
            {
                "matchers": ['severity="deadman"'],
                "receiver": "deadman",
                "group_by": ["alertname"],
                "group_wait": "0s",
                # With that of the others it would be sent only every ten minutes.
                "group_interval": timing.watch,
                "repeat_interval": timing.watch,
            },
            {
                "matchers": ['severity="page"'],
                "receiver": "page",
                "group_wait": timing.page_wait,
                "repeat_interval": timing.page_again,
            },
            {
                "matchers": ['severity="ticket"', 'group="business"'],
                "receiver": "money",
            },
        ],
    }


def _inhibitions() -> list[dict[str, Any]]:
    following = [
        {
            "source_matchers": [f'alertname="{cause}"'],
            "target_matchers": [f'alertname=~"{effects}"'],
        }
        for cause, effects in FOLLOWS.items()
    ]
    slower = [
        {
            "source_matchers": [f'speed="{speed}"'],
            "target_matchers": [f'speed=~"{slow}"'],
            "equal": ["objective"],
        }
        for speed, slow in FASTER
    ]
    fuller = {
        "source_matchers": ['alertname="DiskFull"'],
        "target_matchers": ['alertname="DiskFilling"'],
        "equal": ["instance", "mountpoint"],
    }
    return [*following, *slower, fuller]


def _receivers(delivery: Delivery) -> list[dict[str, Any]]:
    told = delivery.addresses
    pagerduty, deadman = _pagerduty(delivery), _deadman(delivery)
    return [
        {"name": "page", **pagerduty, **_slack(delivery, told["slack"]["page"])},
        {
            "name": "ticket",
            **_slack(delivery, told["slack"]["tickets"]),
            **_mail(delivery, told["mail"]["tickets"]),
        },
        {
            "name": "money",
            **_slack(delivery, told["slack"]["tickets"]),
            **_mail(delivery, told["mail"]["money"]),
        },
        {"name": "deadman", **deadman},
    ]


def _pagerduty(delivery: Delivery) -> dict[str, Any]:
    if "pagerduty_key" not in delivery.present:
        return {}
    one = {
        "routing_key_file": f"{delivery.secrets}/pagerduty_key",
        "client": "Tria",
        "severity": "critical",
        "class": "{{ .CommonLabels.group }}",
        "description": '{{ template "tria.title" . }}',
        "details": {"alerts": '{{ template "tria.text" . }}'},
    }
    return {"pagerduty_configs": [one]}


def _slack(delivery: Delivery, channel: str) -> dict[str, Any]:
    if "slack_url" not in delivery.present:
        return {}
    one = {
        "channel": channel,
        "send_resolved": True,
        "title": '{{ template "tria.title" . }}',
        "text": '{{ template "tria.text" . }}',
    }
    return {"slack_configs": [one]}


def _mail(delivery: Delivery, to: str) -> dict[str, Any]:
    if "smtp_password" not in delivery.present:
        return {}
    one = {
        "to": to,
        "send_resolved": True,
        "headers": {"Subject": '{{ template "tria.title" . }}'},
        "html": "",
        "text": '{{ template "tria.text" . }}',
    }
    return {"email_configs": [one]}


def _deadman(delivery: Delivery) -> dict[str, Any]:
    if "deadman_token" not in delivery.present:
        return {}
    token = {"type": "Bearer", "credentials_file": f"{delivery.secrets}/deadman_token"}
    one = {
        "url": delivery.addresses["deadman"]["url"],
        "send_resolved": False,
        "http_config": {"authorization": token},
    }
    return {"webhook_configs": [one]}
