"""The manifests for Kubernetes: its own programs understand them, every pod is held in bounds."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.drain import CLOSE_SECONDS, HANDOVER_SECONDS, STUCK_SECONDS
from api.health.routes import router
from graph.settings import Settings
from tests.deploy.programs import ROOT, broken, run

FOLDER = ROOT / "deploy" / "kubernetes"
SITES = ("base", "overlays/production")
VERSION = "1.32"
METRIC = "tria_queue_oldest_seconds"


def rendered(folder: Path) -> str:
    ended = run("kubectl", "kustomize", folder)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def refused(text: str, here: Path) -> str:
    """What is said against these manifests; empty when they are good."""
    file = here / "all.yaml"
    file.write_text(text)
    ended = run("kubernetes-validate", "--strict", "-k", VERSION, file)
    return ended.stdout + ended.stderr if ended.returncode else ""


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    return [*yaml.safe_load_all(rendered(FOLDER / "overlays" / "production"))]


def of(manifests: list[dict[str, Any]], kind: str, name: str = "tria") -> dict[str, Any]:
    [found] = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name)]
    return found


def pod(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = of(manifests, kind, name)["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("site", SITES)
def test_kubernetes_understands_them(tmp_path: Path, site: str) -> None:
    assert not refused(rendered(FOLDER / site), tmp_path)


@pytest.mark.parametrize("right", ["readinessProbe", "maxUnavailable: 0", "podSelector"])
def test_a_broken_copy_is_refused(tmp_path: Path, right: str) -> None:
    text = rendered(FOLDER / "base")
    assert right in text
    assert refused(text.replace(right, f"x{right}", 1), tmp_path)


def test_kustomize_refuses_a_broken_copy(tmp_path: Path) -> None:
    shutil.copytree(FOLDER / "base", tmp_path / "base")
    broken(
        FOLDER / "base" / "kustomization.yaml", tmp_path / "base", "service.yaml", "servise.yaml"
    )
    assert run("kubectl", "kustomize", tmp_path / "base").returncode


PODS = pytest.mark.parametrize(("kind", "name"), [("Deployment", "tria"), ("Job", "tria-migrate")])


@PODS
def test_it_may_do_nothing_that_it_need_not(
    manifests: list[dict[str, Any]], kind: str, name: str
) -> None:
    spec = pod(manifests, kind, name)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001  # as the Dockerfile has it
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["limits"]) >= {"cpu", "memory"}
    assert set(container["resources"]["requests"]) >= {"cpu", "memory"}


@PODS
def test_its_image_is_one_version(manifests: list[dict[str, Any]], kind: str, name: str) -> None:
    [container] = pod(manifests, kind, name)["containers"]
    tag = container["image"].rpartition(":")[2]
    assert tag
    assert tag != "latest"
    [other] = pod(manifests, "Deployment", "tria")["containers"]
    assert container["image"] == other["image"]


def test_the_probes_ask_pages_that_there_are(manifests: list[dict[str, Any]]) -> None:
    [container] = pod(manifests, "Deployment", "tria")["containers"]
    kinds = ("startup", "readiness", "liveness")
    asked = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in kinds]
    assert asked == ["/health/startup", "/health/ready", "/health/live"]
    assert set(asked) <= {getattr(route, "path", "") for route in router.routes}


def test_nobody_is_without_a_pod_and_none_is_cut_off(manifests: list[dict[str, Any]]) -> None:
    deployment = of(manifests, "Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    spec = pod(manifests, "Deployment", "tria")
    [container] = spec["containers"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    notice = int(settings(manifests)["TRIA_DRAIN_NOTICE_SECONDS"])
    drain = Settings.model_fields["tria_drain_seconds"].default
    longest = before + notice + drain + HANDOVER_SECONDS + CLOSE_SECONDS + STUCK_SECONDS
    assert spec["terminationGracePeriodSeconds"] > longest
    assert of(manifests, "HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
    assert of(manifests, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def settings(manifests: list[dict[str, Any]]) -> dict[str, str]:
    [found] = [m for m in manifests if m["kind"] == "ConfigMap"]
    data: dict[str, str] = found["data"]
    return data


def test_what_the_service_is_told_are_settings(manifests: list[dict[str, Any]]) -> None:
    told = {name.lower() for name in settings(manifests)} - {"tria_secrets_dir"}
    assert told <= {*Settings.model_fields}
    secret = {n for n, f in Settings.model_fields.items() if "Secret" in str(f.annotation)}
    assert not told & secret
    assert not [m for m in manifests if m["kind"] == "Secret"]


def test_more_replicas_come_by_a_metric_of_ours(manifests: list[dict[str, Any]]) -> None:
    [external, _] = of(manifests, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert external["external"]["metric"]["name"] == METRIC
    [rule] = yaml.safe_load((FOLDER / "prometheus-adapter.yaml").read_text())["rules"]["external"]
    assert rule["name"]["as"] == METRIC
    assert rule["seriesQuery"].startswith(METRIC)
    assert METRIC in (ROOT / "monitoring" / "metrics.py").read_text()


def test_what_is_for_operators_is_not_for_the_public(manifests: list[dict[str, Any]]) -> None:
    [rule] = of(manifests, "Ingress")["spec"]["rules"]
    behind = {p["path"]: p["backend"]["service"]["name"] for p in rule["http"]["paths"]}
    assert behind["/"] == "tria"
    assert behind["/metrics"] == behind["/health"] == "tria-nobody"
    assert "selector" not in of(manifests, "Service", "tria-nobody")["spec"]


def test_nothing_passes_that_is_not_named(manifests: list[dict[str, Any]]) -> None:
    nothing = of(manifests, "NetworkPolicy", "tria-nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    asked = of(manifests, "NetworkPolicy", "tria-asked")["spec"]
    [service] = [m for m in manifests if m["kind"] == "Service" and "selector" in m["spec"]]
    labels = of(manifests, "Deployment")["spec"]["template"]["metadata"]["labels"]
    for selector in (asked["podSelector"]["matchLabels"], service["spec"]["selector"]):
        assert selector.items() <= labels.items()
    [ingress] = asked["ingress"]
    assert ingress["ports"] == [{"port": 8003}]
    assert all("namespaceSelector" in each for each in ingress["from"])
