"""Settings: secrets out of files, and those that somebody could guess are refused."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from graph.settings import read_settings
from tests.monitoring.programs import ROOT
from tools.errors import SettingsInvalid

GOOD = secrets.token_hex(32)
SAYS = (
    "import sys; from graph.settings import environment, read_settings as r;"
    "print(r().tria_secret.get_secret_value(), r().database_url.get_secret_value(),"
    " environment()['TRIA_SECRET'], environment()['DATABASE_URL'])"
)


def said(
    folder: Path, environment: dict[str, str], **given: str
) -> "subprocess.CompletedProcess[str]":
    """What a process reads that has its secrets in a folder."""
    own = {k: v for k, v in environment.items() if k not in ("TRIA_SECRET", "DATABASE_URL")}
    complete = os.environ | own | {"TRIA_SECRETS_DIR": str(folder)} | given
    return subprocess.run(
        [sys.executable, "-c", SAYS],
        env=complete | {"PYTHONPATH": str(ROOT)},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As Docker and Kubernetes put it there."""
    found = tmp_path / "secrets"
    (found / "..data").mkdir(parents=True)
    (found / "tria_secret").write_text(GOOD + "\n")
    (found / "database_url").write_text("postgresql://127.0.0.1/of-the-file")
    return found


def test_a_secret_comes_out_of_a_file(folder: Path, environment: dict[str, str]) -> None:
    found = said(folder, environment)
    url = "postgresql://127.0.0.1/of-the-file"
    assert found.stdout.split() == [GOOD, url, GOOD, url], found.stderr


def test_an_empty_file_is_no_secret(folder: Path, environment: dict[str, str]) -> None:
    for name in ("openai_api_key", "xero_webhook_key"):
        (folder / name).write_text("\n")
    without = {k: v for k, v in environment.items() if k != "OPENAI_API_KEY"}
    found = said(folder, without)
    assert found.stdout.split()[0] == GOOD, found.stderr
    (folder / "tria_secret").write_text("")
    assert "TRIA_SECRET: Field required" in said(folder, without).stderr


def test_what_the_environment_says_wins_and_nothing_is_not_said(
    folder: Path, environment: dict[str, str]
) -> None:
    url = "postgresql://127.0.0.1/of-the-environment"
    found = said(folder, environment, DATABASE_URL=url, TRIA_SECRET="")
    assert found.stdout.split() == [GOOD, url, GOOD, url], found.stderr


def test_a_folder_of_secrets_that_is_not_there_is_named(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    found = said(tmp_path / "none", environment, TRIA_SECRET=GOOD)
    assert found.returncode == 1
    assert f"TRIA_SECRETS_DIR: there is no folder {tmp_path / 'none'}" in found.stderr


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("short", "fewer than 32"),
        (GOOD[:31], "fewer than 32"),
        ("a" * 64, "pattern"),
        ("abcd1234" * 4, "pattern"),
        ("0123456789abcdefghijklmnopqrstuvwxyz", "pattern"),
        ("change-me-" + GOOD, "example"),
        ("CHANGE_ME", "example"),
        ("your secret here, at least 32 characters", "example"),
    ],
    # The same in every process, though the secret is not.
    ids=("short", "cut", "one", "repeated", "rows", "marked", "mark", "words"),
)
def test_a_secret_that_somebody_could_guess_is_refused(
    environment: dict[str, str], secret: str, fault: str
) -> None:
    with pytest.raises(SettingsInvalid, match=f"TRIA_SECRET: .*{fault}.*openssl rand") as refused:
        read_settings(environment | {"TRIA_SECRET": secret})
    assert secret not in str(refused.value)


def test_random_secrets_are_taken(environment: dict[str, str]) -> None:
    for make, size in ((secrets.token_hex, 16), (secrets.token_urlsafe, 24)):
        for secret in (make(size) for _ in range(50)):
            found = read_settings(environment | {"TRIA_SECRET": secret})
            assert found.tria_secret.get_secret_value() == secret


@pytest.mark.parametrize("setting", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize("password", ["postgres", "secret", "somebody", "Change-Me-1", ""])
def test_a_password_that_everybody_tries_is_refused(
    environment: dict[str, str], setting: str, password: str
) -> None:
    url = f"{setting.split('_')[0].lower()}://somebody:{password}@db.tria.example/tria"
    with pytest.raises(SettingsInvalid, match=f"{setting}: .*everybody tries"):
        read_settings(environment | {setting: url})
    read_settings(environment | {setting: url.replace("db.tria.example", "127.0.0.1")})
    read_settings(environment | {setting: url.replace(f":{password}@", f":{GOOD}@")})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://{0}:{0}@db.tria.example/tria".format("Alice"),
        "postgresql://alice@db.tria.example/tria?password=postgres",
    ],
)
def test_such_a_password_is_found_wherever_it_stands(environment: dict[str, str], url: str) -> None:
    with pytest.raises(SettingsInvalid, match="everybody tries"):
        read_settings(environment | {"DATABASE_URL": url})


def test_a_server_is_named_by_an_address(environment: dict[str, str]) -> None:
    with pytest.raises(SettingsInvalid, match=r"DATABASE_URL: .*write it as an address"):
        read_settings(environment | {"DATABASE_URL": f"host=db password={GOOD}"})


def test_what_the_example_shows_cannot_be_used(environment: dict[str, str]) -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    shown = dict(
        line.lstrip("#").split("=", 1) for line in lines if line.startswith("#DATABASE_URL")
    )
    assert shown
    with pytest.raises(SettingsInvalid, match="DATABASE_URL"):
        read_settings(environment | shown)
