"""The image and the scripts of deploy/: linters find nothing, and what they do is done."""

import os
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from graph.settings import Settings
from tests.deploy.programs import ROOT, broken, found, run

SCRIPTS = sorted((ROOT / "deploy").rglob("*.sh"))
OVERLAY = "deploy/kubernetes/overlays/production"


def test_a_linter_finds_nothing_wrong_with_the_image() -> None:
    checked = run("hadolint", "Dockerfile")
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("right", "wrong"), [("bookworm AS build", "AS build"), ("USER 10001", "USER root")]
)
def test_a_broken_image_is_refused(tmp_path: Path, right: str, wrong: str) -> None:
    text = broken(ROOT / "Dockerfile", tmp_path, right, wrong).read_text()
    (tmp_path / "Dockerfile").write_text(text.replace("python:3.11-slim-AS", "python AS"))
    assert run("hadolint", tmp_path / "Dockerfile").returncode


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda s: str(s.relative_to(ROOT / "deploy")))
def test_a_linter_finds_nothing_wrong_with_the_script(script: Path) -> None:
    checked = run("shellcheck", script)
    assert checked.returncode == 0, checked.stdout


def test_a_broken_script_is_refused(tmp_path: Path) -> None:
    wrong = broken(ROOT / "deploy" / "secrets.sh", tmp_path, '>"$draft/$1"', ">$draft/$1")
    assert run("shellcheck", wrong).returncode


def kept(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def test_the_secrets_are_made_once(installation: Path) -> None:
    folder = installation / ".tria" / "secrets"
    before = kept(folder)
    again = subprocess.run(
        ["sh", str(ROOT / "deploy" / "secrets.sh")],
        cwd=installation,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert "nothing was changed" in again.stderr
    assert kept(folder) == before


def test_the_secrets_fit_each_other_and_the_service(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = kept(installation / ".tria" / "secrets")
    [owner, app] = [urlsplit(secrets[f"migrate/database_{n}url"]) for n in ("owner_", "")]
    assert owner.password == secrets["postgres/password"]
    assert (owner.username, app.username) == ("tria", "tria_app")
    assert secrets["service/database_url"] == secrets["migrate/database_url"]
    assert len({owner.password, app.password, secrets["service/tria_secret"]}) == 3
    told = {"xero_client_id": "id", "xero_client_secret": "x"}
    folder = installation / ".tria" / "secrets" / "service"
    read = Settings(_secrets_dir=folder, **told)  # type: ignore[arg-type]
    assert read.tria_secret.get_secret_value() == secrets["service/tria_secret"]


def test_nobody_else_on_the_machine_gets_to_the_secrets(installation: Path) -> None:
    folder = installation / ".tria" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {stat.S_IMODE(file.stat().st_mode) for file in folder.rglob("*") if file.is_file()}
    assert modes == {0o444}  # other accounts, in containers, read them


def rolled_out(here: Path, fails: str) -> tuple[int, list[str]]:
    """What a cluster is told where one step fails; a script stands in for the cluster."""
    real, log = found("kubectl"), here / "log"
    stand_in = here / "kubectl"
    stand_in.write_text(
        f'#!/bin/sh\n[ "$1" = kustomize ] && exec {real} "$@"\n'
        f'echo "$*" >>{log}\n'
        f'case "$*" in *"{fails}"*) mkdir {here}/failed 2>/dev/null && exit 1 ;; esac\n'
        "exit 0\n"
    )
    stand_in.chmod(0o755)
    environment = os.environ | {"PATH": f"{here}:{os.environ['PATH']}"}
    script = "deploy/kubernetes/roll-out.sh"
    ended = subprocess.run(
        ["sh", script, OVERLAY], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    lines = log.read_text().splitlines()
    assert all(line.startswith("--namespace tria ") for line in lines)
    return ended.returncode, [" ".join(line.split()[2:4]) for line in lines]


def test_a_roll_out_migrates_first(tmp_path: Path) -> None:
    code, steps = rolled_out(tmp_path, "no step")
    assert code == 0
    assert steps == [
        "delete job",
        "apply -f",
        "wait job/tria-migrate",
        "apply -f",
        "rollout status",
    ]


def test_a_migration_that_fails_changes_nothing_else(tmp_path: Path) -> None:
    code, steps = rolled_out(tmp_path, "wait")
    assert code == 1
    assert steps[-1] == "wait job/tria-migrate"


def test_a_version_that_does_not_become_ready_is_taken_back(tmp_path: Path) -> None:
    code, steps = rolled_out(tmp_path, "rollout status")
    assert code == 1
    assert steps[-3:] == ["rollout status", "rollout undo", "rollout status"]
