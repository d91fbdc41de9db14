"""No secret is in the repository. What only looks like one stands in not_secret.toml, with why."""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

from tests.monitoring.programs import ROOT

KNOWN = Path(__file__).with_name("not_secret.toml")
# Its rules are asked about each line, and slowly: about one in ten has anything to be asked about.
SUSPECT = re.compile(
    r"[\w+/=-]{20,}|BEGIN|://[^\s/]+@|(?:key|secret|token|passw)\w*\W{1,4}\w", re.IGNORECASE
)

WORTH = 8  # letters that something to be typed in has at least
ANYWHERE = "*"

HEX = "9f86d081884c7d659a2feaa0c55ad015" + "a3bf4f1b2b0b822cd15d6c15b0f00a08"
PLANTED = {
    "keyword.py": 'API_KEY = "h8Sk2l0Qz71bWm"',
    "hex.py": f'salt = "{HEX}"',
    "base64.yml": 'value: "c3VwZXI+c2VjcmV0L3ZhbHVlIHRoYXQgaXMgbG9uZw"',
    "address.env": "DATABASE_URL=postgresql://tria:Vq83hTz0@db.tria.example:5432/tria",
    "amazon.md": "use AKIA" + "Q3EGP7ZLTR52XM4B here",
    "key.pem": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END",
    "github.txt": "ghp_" + "x7Kq2mPz9LwRt4Vb6Nc8Jd1Fh3Gs5Ya0Ue2T",
    "openai.txt": "sk-" + "aB3dE5fG7hJ9kL1mN3pQ" + "T3BlbkFJ" + "rS5tU7vW9xY1zA3bC5dE",
}


class Found(NamedTuple):
    """Where it is, and what."""

    file: str
    line: int
    kind: str
    value: str


def tracked() -> list[str]:
    """What a commit holds, or would hold now."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def secrets_in(root: Path, names: Iterable[str], scratch: Path) -> Iterator[Found]:
    """All that look like one."""
    with default_settings():
        for name in names:
            lines = _read(root / name).split("\n")
            suspect = [n for n, line in enumerate(lines, 1) if SUSPECT.search(line)]
            copy = scratch / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text("\n".join(lines[n - 1] for n in suspect))
            for found in scan_file(str(copy)) if suspect else ():
                value = str(found.secret_value)
                is_word = len(value) < WORTH or " " in value  # and opens nothing
                if found.type != "Secret Keyword" or not is_word:
                    yield Found(name, suspect[found.line_number - 1], found.type, value)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except UnicodeDecodeError:
        return ""


def test_the_repository_holds_no_secret(tmp_path: Path) -> None:
    known = tomllib.loads(KNOWN.read_text())
    names = [name for name in tracked() if ROOT / name not in (KNOWN, Path(__file__))]
    found = list(secrets_in(ROOT, names, tmp_path))
    unknown = [
        f"{each.file}:{each.line} {each.kind}"
        for each in found
        if each.value not in known.get(each.file, {}) | known[ANYWHERE]
    ]
    assert not unknown, f"take it out and make it worthless, or say in {KNOWN.name} why it is none"


def test_what_is_known_is_there() -> None:
    known = tomllib.loads(KNOWN.read_text())
    known.pop(ANYWHERE)
    idle = [(f, v) for f, values in known.items() for v in values if v not in _read(ROOT / f)]
    assert not idle, f"take it out of {KNOWN.name}"


@pytest.mark.parametrize("name", PLANTED)
def test_a_secret_that_slipped_in_is_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(f"first line\n\n{PLANTED[name]}\n")
    found = list(secrets_in(tmp_path, [name], tmp_path / "scratch"))
    assert {(each.file, each.line) for each in found} == {(name, 3)}
