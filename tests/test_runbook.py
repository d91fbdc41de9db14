"""The runbook: each of its commands works here, or says that it is for a person alone."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import yaml

from api.cli import command_parser, open_parts
from api.terminal import Refused
from evals.bench.drill.breaking import DRILLS
from graph.settings import Settings
from monitoring.prometheus.alert import RUNBOOK
from monitoring.prometheus.rules import alerts
from tests.api.conftest import colleague, staff_headers
from tests.monitoring.programs import ROOT, run
from tests.monitoring.queries import names_in
from tests.monitoring.test_rules import anchors
from tools.errors import TriaError

TEXT = (ROOT / RUNBOOK).read_text()
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
MANUAL = re.compile(r"\s# manual$")
LABELS = ("**Means**", "**Look here.**", "**Do.**", "**Verify.**", "**Escalate.**")
HERE = "http://127.0.0.1:8003"
NOBODY = {
    name: str(uuid4()) for name in ("RUN", "CARD", "CONVERSATION", "CHECKPOINT", "KEY", "TRACE")
}
WORDS = NOBODY | {"CODE": "no_such_error", "TIME": "2026-08-01T03:00", "FILE": "given.json"}
QUERY = re.compile(r"^[a-z_]+(?:\(| by |\{)|^\(")
ACTIONS = {"exec", "logs", "ps", "restart", "stop", "up"}
WITH_VALUE = {"--since", "--tail", "-e"}


@dataclass(frozen=True)
class Command:
    """One line of the runbook that somebody is to run, without its remark."""

    text: str
    kind: str

    @property
    def words(self) -> list[str]:
        """As a shell has them, with what is to be filled in filled in."""
        found = shlex.split(self.text, comments=True)
        return [WORDS.get(word, word) for word in found]


def kind_of(text: str) -> str:
    """What it is run by; what nobody knows counts as a query, and is none."""
    first = text.split(maxsplit=1)[0]
    kinds = {"select": "sql", ".venv/bin/python": "module"}
    known = ("tria", "curl", "docker", "make", "grep", "promtool", "amtool")
    return kinds.get(first, first if first in known else "query")


def lines_of(block: str) -> Iterator[str]:
    """Its commands; what ends in a backslash goes on, and so does SQL until its semicolon."""
    held = ""
    for line in block.replace("\\\n", " ").splitlines():
        held = f"{held} {line.strip()}".strip()
        if held and (not held.startswith("select") or held.endswith(";")):
            yield held
            held = ""
    assert not held, f"it has no end: {held}"


def spans() -> list[str]:
    """What stands in the sentences between backticks."""
    return SPAN.findall(BLOCK.sub("", TEXT))


def written() -> Iterator[str]:
    """All lines that are commands, in the blocks and in the sentences."""
    for block in BLOCK.findall(TEXT):
        yield from lines_of(block)
    for span in spans():
        is_command = kind_of(span) != "query" and " " in span
        if is_command or QUERY.match(span):
            yield span


def commands(*kinds: str) -> list[Command]:
    """Those of a kind that are not for a person alone, each once."""
    found = [
        re.sub(r"^TOKEN=\$\((.+)\)$", r"\1", line) for line in written() if not MANUAL.search(line)
    ]
    each = [Command(text, kind_of(text)) for text in dict.fromkeys(found)]
    return [command for command in each if command.kind in kinds]


def every(*kinds: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Parametrises a test by the commands of these kinds."""
    return pytest.mark.parametrize("command", commands(*kinds), ids=lambda c: c.text[:60])


def sections() -> dict[str, str]:
    """The text under each heading, by its anchor."""
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)[1:]
    return {
        heading.lower().replace(" ", "-"): body
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, with the file that commands take."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "given.json").write_text("{}")


@every("tria")
async def test_tria_does_it(command: Command, settings: Settings, given: None) -> None:
    """What names nobody is done; what names somebody finds that there is nobody of that id."""
    words = [word.replace("FILE", "given.json") for word in command.words[1:]]
    asked = command_parser().parse_args(words)
    if asked.run is None:
        return  # a token, made without the database
    refused = ""
    async with open_parts(settings) as opened:
        try:
            await asked.run(asked, opened)
        except (Refused, TriaError) as error:
            refused = str(error)
    assert not refused or any(nobody in refused for nobody in NOBODY.values()), refused


@every("curl")
def test_the_service_answers(command: Command, service_url: str) -> None:
    address = next(word for word in command.words if word.startswith("http"))
    assert address.startswith(HERE), "what is asked of others is for a person"
    for name, nobody in NOBODY.items():
        address = address.replace(f"/{name}/", f"/{nobody}/")
    after = dict(zip(command.words, command.words[1:], strict=False))
    is_signed_in = "Authorization: Bearer $TOKEN" in command.words
    answer = httpx.request(
        after.get("-X", "GET"),
        address.replace(HERE, service_url),
        headers=(staff_headers(colleague(-1)) if is_signed_in else {})
        | {"Content-Type": "application/json"},
        content=after.get("-d"),
        timeout=30,
    )
    names_nobody = any(nobody in address for nobody in NOBODY.values())
    assert answer.is_success or (names_nobody and answer.status_code == 404), answer.text


@pytest.mark.parametrize("path", sorted({s for s in spans() if re.match(r"/\w", s)}))
def test_the_page_is_there(path: str, service_url: str) -> None:
    answer = httpx.get(service_url + path, timeout=30)
    assert answer.status_code not in (404, 405), path


@every("sql")
def test_the_statement_reads(command: Command, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.read_only = True
        connection.execute(command.text.encode()).fetchall()


def test_queries_read_what_there_is() -> None:
    files = (ROOT / "monitoring").rglob("*.*")
    known = "".join(f.read_text() for f in files if f.suffix in (".py", ".yml", ".json"))
    for command in commands("query"):
        names = names_in(command.text)
        assert names, f"neither a command nor a query: {command.text}"
        assert not [name for name in names if name not in known], command.text


def test_prometheus_understands_the_queries(tmp_path: Path) -> None:
    queries = [command.text.partition(" #")[0] for command in commands("query")]
    rules = [{"record": f"asked:{n}", "expr": query} for n, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    checked = run("promtool", "check", "rules", str(file))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@every("promtool", "amtool")
def test_the_programs_of_monitoring_agree(command: Command) -> None:
    program, *words = command.words
    checked = run(program, *(str(ROOT / w) if (ROOT / w).exists() else w for w in words))
    assert checked.returncode == 0, checked.stdout + checked.stderr


@every("docker")
def test_compose_has_what_is_named(command: Command) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    program, compose, action, *words = command.words
    assert (program, compose) == ("docker", "compose")
    assert action in ACTIONS
    after_value = {n + 1 for n, word in enumerate(words) if word in WITH_VALUE}
    named = [
        word for n, word in enumerate(words) if not word.startswith("-") and n not in after_value
    ]
    unknown = set(named[:1] if action == "exec" else named) - set(services)
    assert not unknown


@every("make")
def test_make_has_the_target(command: Command) -> None:
    [_, target] = command.words
    makefile = (ROOT / "Makefile").read_text()
    [benches] = re.findall(r"^BENCHES := (.+)$", makefile, re.MULTILINE)
    is_bench = target.removeprefix("bench-") in benches.split()
    assert is_bench or re.search(rf"^{target}:", makefile, re.MULTILINE)


@every("module")
def test_the_module_is_there(command: Command) -> None:
    _, option, module, *_ = command.words
    assert option == "-m"
    assert find_spec(module)


@every("grep")
def test_the_line_is_logged_by_somebody(command: Command) -> None:
    _, option, wanted, file = command.words
    assert (option, file) == ("-F", ".tria/service.log")
    if wanted not in NOBODY.values():
        logs = re.compile(rf"log\.\w+\(\s*{re.escape(wanted)}")
        sources = (f for package in ("api", "graph", "tools") for f in Path(package).rglob("*.py"))
        assert any(logs.search(source.read_text()) for source in sources)


def test_little_is_left_to_people() -> None:
    """What is ours can be run by a test, unless somebody must sign in at Xero."""
    manual = [line for line in written() if MANUAL.search(line)]
    ours = [line for line in manual if kind_of(line) in ("tria", "make", "sql", "grep")]
    assert [line.partition(" --")[0] for line in ours] == ["tria xero connect"]


def test_the_section_of_an_alert_names_it_and_says_all_there_is_to_do() -> None:
    found = sections()
    for alert in alerts():
        section, name = found[alert.runbook], re.sub(r"(?<=Burn)[A-Z][a-z]+$", "", alert.name)
        missing = [words for words in (f"`{name}`", *LABELS) if words not in section]
        assert not missing, f"{alert.name}: {missing}"


def test_links_lead_somewhere() -> None:
    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= anchors()


def test_drills_are_held_of_the_seven_by_an_alert_that_leads_there() -> None:
    led = {alert.name: alert.runbook for alert in alerts()}
    assert all(led[drill.alert] == drill.section for drill in DRILLS)
    seven = {"http-500", "slow-answers", "database", "cache", "memory", "xero", "model-away"}
    assert {drill.section for drill in DRILLS} == seven
