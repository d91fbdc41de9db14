"""`make audit` ends well only where somebody was asked, and knew of nothing."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from typing_extensions import override
from uv import find_uv_bin

from tests.monitoring.programs import ROOT

NOWHERE = "http://127.0.0.1:1"
OSV: dict[str, Any] = {
    "id": "GHSA-0000-0000-0000",
    "summary": "Answers are read by whoever asks",
    "modified": "2026-08-01T00:00:00Z",
    "affected": [],
}
NPM: dict[str, Any] = {
    "id": 1,
    "url": "https://vulnerable.tria.example/1",
    "title": "Pages run whatever they are told",
    "severity": "low",
    "vulnerable_versions": ">=0",
}


class Known(BaseHTTPRequestHandler):
    """Stands for OSV and for npm's registry: knows one fault of one kind of package, or none."""

    faulty = ""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if "advisories" in self.path:
            self._say({"react": [NPM]} if self.faulty == "react" else {})
            return
        found = [
            {"vulns": [{"id": OSV["id"], "modified": OSV["modified"]}]}
            if self.faulty == query["package"]["name"]
            else {}
            for query in json.loads(asked)["queries"]
        ]
        self._say({"results": found})

    def do_GET(self) -> None:
        name = unquote(self.path).lstrip("/")
        self._say(OSV if "vulns" in self.path else {"name": name, "versions": {}})

    def _say(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def knowing(faulty: str = "") -> Iterator[str]:
    """Its address."""
    known = type("Known", (Known,), {"faulty": faulty})
    server = ThreadingHTTPServer(("127.0.0.1", 0), known)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def audited(osv: str, npm: str) -> "subprocess.CompletedProcess[str]":
    """Everything, as these two know it; nobody else is asked."""
    options = {
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "UV_HTTP_RETRIES": "0",
        "npm_config_registry": npm,
        "npm_config_fetch_retries": "0",
    }
    return subprocess.run(
        ["sh", "deploy/audit.sh", find_uv_bin(), "--service-url", osv],
        cwd=ROOT,
        env=os.environ | options,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def npm() -> None:
    if not any(shutil.which("npm", path=path) for path in (None, str(ROOT / ".tools/node/bin"))):
        pytest.skip("There is no npm: sh deploy/node.sh fetches it")


def test_where_nothing_is_known_it_ends_well(npm: None) -> None:
    with knowing() as url:
        found = audited(url, url)
    assert found.returncode == 0, found.stdout
    assert "no known vulnerabilities" in found.stdout
    assert "found 0 vulnerabilities" in found.stdout


@pytest.mark.parametrize(("faulty", "told"), [("httpx", OSV["summary"]), ("react", NPM["title"])])
def test_a_known_vulnerability_fails_and_is_told(npm: None, faulty: str, told: str) -> None:
    with knowing(faulty) as url:
        found = audited(url, url)
    assert found.returncode == 1, found.stdout
    assert told in found.stdout


@pytest.mark.parametrize("away", ["python", "javascript"])
def test_whoever_cannot_be_asked_has_not_said_that_all_is_well(npm: None, away: str) -> None:
    with knowing() as url:
        found = audited(*((NOWHERE, url) if away == "python" else (url, NOWHERE)))
    assert found.returncode == 2, found.stdout
    assert f"NOT AUDITED: whoever knows the vulnerabilities of {away} " in found.stdout
    assert found.stdout.count("NOT AUDITED") == 1
