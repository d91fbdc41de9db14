"""docs/staging.md: what it names is there, what can be run without a server is run."""

import re
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from api.cli import command_parser
from api.doctor.lists import STAGING
from api.doctor.report import RULE, as_markdown
from tests.monitoring.programs import ROOT
from tests.test_runbook import lines_of

TEXT = (ROOT / "docs" / "staging.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a line writes to a file.
HERE = re.compile(r"(<<'(\w+)'[^\n]*)\n.*?^\2$", re.MULTILINE | re.DOTALL)
MANUAL = re.compile(r"\s# manual$")
FILES = re.compile(r"(?<![\w/.])(?:deploy|docs|monitoring|tests)/[\w./-]+\w")
INSTALLED = {"/opt/backup/": "deploy/backup/"}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def blocks(language: str = "") -> list[str]:
    return [block for named, block in BLOCK.findall(TEXT) if named == language]


def commands() -> list[str]:
    return [line for block in blocks() for line in lines_of(HERE.sub(r"\1", block))]


def ours(*program: str) -> list[list[str]]:
    """The words of each command of ours that begins so, and is not for a person alone."""
    every = [shlex.split(c, comments=True) for c in commands() if not MANUAL.search(c)]
    found = [
        words[: next((n for n, w in enumerate(words) if w[0] == ">"), None)] for words in every
    ]
    return [words for words in found if words[: len(program)] == list(program)]


def test_every_command_is_run_by_a_test_or_says_that_it_is_manual() -> None:
    known = [*ours("docker", "compose"), *ours("tria"), *ours("sh", "deploy/secrets.sh")]
    every = [c for c in commands() if not MANUAL.search(c)]
    assert len(known) == len(every) > 10
    assert not [c for c in commands() if MANUAL.search(c) and c.startswith("tria")]


@pytest.mark.parametrize("words", ours("docker", "compose"), ids=lambda w: " ".join(w[2:])[:50])
def test_compose_has_what_is_named(words: list[str]) -> None:
    action, *rest = words[2:]
    assert action in {"config", "exec", "logs", "ps", "restart", "up"}
    named = [word for word in rest if not word.startswith("-")]
    assert not named or named[0] in COMPOSE["services"]
    if action == "exec" and "api.cli" in named:
        command_parser().parse_args(rest[rest.index("api.cli") + 1 :])
    for inside, outside in INSTALLED.items():
        scripts = [word for word in named if word.startswith(inside)]
        assert all((ROOT / word.replace(inside, outside)).exists() for word in scripts)


@pytest.mark.parametrize("words", ours("tria"), ids=lambda words: words[1])
def test_tria_understands_it(words: list[str]) -> None:
    asked = command_parser().parse_args(words[1:])
    assert asked.staging
    assert asked.url == "https://CHAT_NAME"


def test_the_secrets_are_made_once(tmp_path: Path) -> None:
    """Where the document says they are, for nobody else to read."""

    def made() -> "subprocess.CompletedProcess[str]":
        command = ["sh", str(ROOT / "deploy" / "secrets.sh")]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert made().returncode == 0
    folder = tmp_path / ".tria" / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    first = {f.relative_to(folder): f.read_text() for f in folder.rglob("*") if f.is_file()}
    assert Path("service/tria_secret") in first
    assert made().returncode != 0
    assert {f: (folder / f).read_text() for f in first} == first


def test_the_renewal_hook_is_a_script_that_a_shell_reads() -> None:
    [hook] = re.findall(r"<<'END'.*?\n(.*?)^END$", TEXT, re.MULTILINE | re.DOTALL)
    shell = shutil.which("sh") or "sh"
    assert subprocess.run([shell, "-n"], input=hook, text=True, check=False).returncode == 0
    mounted = str(COMPOSE["services"]["proxy"]["volumes"])
    assert ".tria/certificates" in hook
    assert ".tria/certificates" in mounted


def test_what_is_named_is_there() -> None:
    missing = [name for name in FILES.findall(TEXT) if not (ROOT / name).exists()]
    assert not missing
    settings = re.findall(r"^([A-Z_]+)=", "".join(blocks("ini")), re.MULTILINE)
    given = (ROOT / "docker-compose.yml").read_text()
    assert settings
    assert not [name for name in settings if f"${{{name}" not in given]
    targets = re.findall(r"`make (\w+)`", TEXT)
    makefile = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_links_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors


def test_the_list_is_the_one_in_the_code() -> None:
    assert as_markdown(STAGING) in TEXT
    assert f"**The rule.** {RULE}." in TEXT
    ids = {check.id for check in STAGING}
    named = re.findall(r"`((?:infrastructure|function|monitoring)\.[\w-]+)`", TEXT)
    assert set(named) <= ids
