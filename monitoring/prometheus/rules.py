"""All rules: recordings and alerts in groups, as Prometheus reads them."""

from typing import Any, get_args

from monitoring.prometheus import of_backups, of_business, of_machines, of_parts, of_service
from monitoring.prometheus.alert import Alert, Group
from monitoring.prometheus.objectives import OBJECTIVES, burn_alerts, recordings


def alerts() -> list[Alert]:
    """Every alert."""
    burning = [alert for objective in OBJECTIVES for alert in burn_alerts(objective)]
    tables = (of_service, of_business, of_parts, of_machines, of_backups)
    return burning + [alert for table in tables for alert in table.ALERTS]


def rules() -> dict[str, Any]:
    """The contents of rules.yml."""
    known = alerts()
    recorded = [
        {"name": f"slo:{objective.name}", "interval": "30s", "rules": recordings(objective)}
        for objective in OBJECTIVES
    ]
    alerting = [
        {"name": group, "rules": [alert.rule() for alert in known if alert.group == group]}
        for group in get_args(Group)
    ]
    return {"groups": [*recorded, *alerting]}
