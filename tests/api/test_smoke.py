"""What a release asks a version before anybody else may."""

import subprocess
import sys

import pytest

from tests.api.conftest import Serve
from tests.conftest import SECRET


def smoke(environment: dict[str, str], url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "api.smoke", "--url", url],
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_a_version_that_answers_passes(environment: dict[str, str], service_url: str) -> None:
    ended = smoke(environment, service_url)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("to the first words") == 2


@pytest.mark.parametrize(
    ("changes", "url", "said"),
    [
        ({"TRIA_SECRET": SECRET[::-1]}, None, "401"),
        ({}, "http://127.0.0.1:9", "ConnectError"),
        ({"TRIA_SECRET": ""}, None, "TRIA_SECRET"),
    ],
)
def test_one_that_does_not_answer_is_refused_with_the_reason(
    environment: dict[str, str], service_url: str, changes: dict[str, str], url: str, said: str
) -> None:
    ended = smoke(environment | changes, url or service_url)
    assert ended.returncode == 1
    assert said in ended.stderr


def test_one_whose_books_are_away_is_refused(environment: dict[str, str], serve: Serve) -> None:
    ended = smoke(environment, serve(XERO_API_URL="http://127.0.0.1:9"))
    assert ended.returncode == 1
    assert "no answer to 'what do I owe?'" in ended.stderr
