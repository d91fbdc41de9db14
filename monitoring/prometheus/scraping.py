"""What Prometheus scrapes, and how the service is looked at from outside."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Targets:
    """Addresses as host:port. What is empty is not there. `replicas` is a name that has them all.

    `key` is a file with the API key that opens /metrics, where a setting has closed it.
    """

    service: tuple[str, ...] = ()
    replicas: str = ""
    postgres: str = ""
    redis: str = ""
    node: str = ""
    containers: str = ""
    blackbox: str = ""
    prometheus: str = ""
    alertmanager: str = ""
    ready: tuple[str, ...] = ()
    tls: tuple[str, ...] = ()
    key: str = ""
    rules: str = "rules.yml"
    seconds: int = 15


IN_CONTAINERS = Targets(
    replicas="service",
    postgres="postgres-exporter:9187",
    redis="redis-exporter:9121",
    node="node-exporter:9100",
    containers="cadvisor:8080",
    blackbox="blackbox:9115",
    prometheus="localhost:9090",
    alertmanager="alertmanager:9093",
    ready=("http://service:8003/health/ready",),
    tls=("https://proxy:8443/health/ready",),
)
PORT = 8003
PARTS = ("postgres", "redis", "node", "containers", "prometheus", "alertmanager")
BLACKBOX: dict[str, Any] = {
    "modules": {
        "ready": {
            "prober": "http",
            "timeout": "5s",
            "http": {"preferred_ip_protocol": "ip4", "valid_status_codes": [200]},
        },
        # For its end alone: inside it is asked by another name.
        "certificate": {
            "prober": "http",
            "timeout": "5s",
            "http": {"preferred_ip_protocol": "ip4", "tls_config": {"insecure_skip_verify": True}},
        },
    }
}


def prometheus(targets: Targets) -> dict[str, Any]:
    """The whole configuration."""
    interval = f"{targets.seconds}s"
    told = [{"static_configs": [{"targets": [targets.alertmanager]}]}]
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [targets.rules],
        **({"alerting": {"alertmanagers": told}} if targets.alertmanager else {}),
        "scrape_configs": [
            _service(targets),
            *(_part(name, getattr(targets, name)) for name in PARTS if getattr(targets, name)),
            *(
                _probes(targets.blackbox, module, asked)
                for module, asked in (("ready", targets.ready), ("certificate", targets.tls))
                if targets.blackbox and asked
            ),
        ],
    }


def _service(targets: Targets) -> dict[str, Any]:
    job: dict[str, Any] = {"job_name": "tria"}
    if targets.key:
        job["authorization"] = {"type": "Bearer", "credentials_file": targets.key}
    if targets.replicas:
        found = {"names": [targets.replicas], "type": "A", "port": PORT, "refresh_interval": "5s"}
        return job | {"dns_sd_configs": [found]}
    return job | {"static_configs": [{"targets": list(targets.service)}]}


def _part(name: str, address: str) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": [address]}]}


def _probes(exporter: str, module: str, asked: tuple[str, ...]) -> dict[str, Any]:
    """The exporter is asked; what it asks stands in the parameter and becomes the instance."""
    return {
        "job_name": "blackbox" if module == "ready" else module,
        "metrics_path": "/probe",
        "params": {"module": [module]},
        "static_configs": [{"targets": list(asked), "labels": {"probe": module}}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter},
        ],
    }
