"""The stack on one server: Docker Compose understands it, and every container is held in bounds."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.drain import CLOSE_SECONDS, HANDOVER_SECONDS, STUCK_SECONDS
from graph.settings import Settings
from tests.deploy.programs import ROOT, broken, run
from tools.embedded.nginx import TEMPLATE

FILE = ROOT / "docker-compose.yml"
DEMO = ROOT / "deploy" / "compose.demo.yml"
STACK: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, Any] = STACK["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
# These look at the machine itself, which root alone may.
OF_THE_MACHINE = {"cadvisor"}
# What these images run as without being told, which is not root.
NOT_ROOT = {"prometheus", "alertmanager", "grafana", "node-exporter", "postgres-exporter"}
NOT_ROOT |= {"redis-exporter", "blackbox"}
PUBLIC = {"0.0.0.0:80:8080", "0.0.0.0:443:8443"}
SECRET = re.compile(r"password|secret|token|api_key|database_url|headers", re.IGNORECASE)

each = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def compose(*files: Path, **variables: str) -> tuple[int, str]:
    named = [word for file in files for word in ("-f", str(file))]
    ended = run("docker-compose", *named, "--env-file", "/dev/null", "config", "-q", **variables)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("files", [(FILE,), (FILE, DEMO)], ids=["production", "demo"])
def test_compose_understands_it(files: tuple[Path, ...]) -> None:
    assert compose(*files, TRIA_NAME="chat.tria.example") == (0, "")


def test_compose_asks_for_the_name() -> None:
    code, said = compose(FILE)
    assert code
    assert "TRIA_NAME" in said


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("mem_limit", "memory_limit"), ("condition: service_healthy", "condition: is_healthy")],
)
def test_compose_refuses_a_broken_copy(tmp_path: Path, right: str, wrong: str) -> None:
    code, _ = compose(broken(FILE, tmp_path, right, wrong), TRIA_NAME="chat.tria.example")
    assert code


@each
def test_it_can_take_no_more_than_its_share(service: dict[str, Any]) -> None:
    assert service["mem_limit"]
    assert 0 < service["cpus"] <= 2
    assert 0 < service["pids_limit"] <= 512
    assert service["logging"]["options"]["max-size"]


@each
def test_it_may_do_nothing_that_it_need_not(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert not service.get("privileged")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - OF_THE_MACHINE - NOT_ROOT - {"folders"}))
def test_it_is_not_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in ("", "root", "0")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONCE))
def test_it_is_asked_whether_it_works(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert check["start_interval"] == "1s"


@each
def test_its_image_is_one_version(service: dict[str, Any]) -> None:
    name, _, tag = service["image"].partition(":")
    assert re.match(r"v?\d+\.\d+", tag) or (name == "tria" and tag.startswith("${TRIA_VERSION"))


@each
def test_no_secret_is_in_its_environment(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        is_secret = SECRET.search(name) and not name.endswith("_FILE")
        assert not is_secret or name in ("TRIA_SECRETS_DIR", "XERO_TOKEN_URL"), name
        assert "://" not in value or "@" not in value, name


def test_only_the_proxy_is_reached_from_elsewhere() -> None:
    ports = {(name, port) for name, s in SERVICES.items() for port in s.get("ports", [])}
    outside = {(name, port) for name, port in ports if not port.startswith("127.0.0.1:")}
    assert outside == {("proxy", port) for port in PUBLIC}


def networks(name: str) -> set[str]:
    return set(SERVICES[name].get("networks", ()))


def test_the_parts_reach_nobody_outside() -> None:
    assert STACK["networks"]["back"]["internal"] is True
    for name in ("postgres", "redis", "chroma", "backups", "migrate"):
        assert networks(name) == {"back"}
    assert networks("proxy") == {"front"}
    assert not [n for n in SERVICES if {"front", "back"} <= networks(n) and "service" not in n]


def test_the_service_believes_the_proxy_alone() -> None:
    [network] = STACK["networks"]["front"]["ipam"]["config"]
    for colour in ("service-a", "service-b"):
        environment = SERVICES[colour]["environment"]
        assert environment["TRIA_TRUSTED_PROXIES"] == network["subnet"]
        assert SERVICES[colour]["deploy"] == {"replicas": 2}


def test_what_the_service_is_told_are_settings() -> None:
    told = {*SERVICES["service-a"]["environment"]} - {"TRIA_SECRETS_DIR"}
    assert {name.lower() for name in told} <= {*Settings.model_fields}
    demo = yaml.safe_load(DEMO.read_text())["services"]["service-a"]["environment"]
    assert {name.lower() for name in demo} <= {*Settings.model_fields}


def test_nobody_is_cut_off_while_it_drains() -> None:
    default = Settings.model_fields["tria_drain_seconds"].default
    longest = default + HANDOVER_SECONDS + CLOSE_SECONDS + STUCK_SECONDS
    for colour in ("service-a", "service-b"):
        assert int(SERVICES[colour]["stop_grace_period"].removesuffix("s")) > longest


def test_what_is_mounted_is_there() -> None:
    mounted = [v for s in SERVICES.values() for v in s.get("volumes", []) if v.startswith("./")]
    paths = {volume.split(":")[0] for volume in mounted}
    assert {"./deploy/proxy", "./deploy/backup", "./deploy/postgres"} <= paths
    assert not [p for p in paths if not p.startswith("./.tria/") and not (ROOT / p).exists()]


def test_the_proxy_is_told_every_variable_of_its_template() -> None:
    told = {n for n in SERVICES["proxy"]["environment"] if n.startswith("TRIA_PROXY_")}
    assert told == set(re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text()))
