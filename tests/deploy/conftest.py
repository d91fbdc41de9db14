"""What the files of deploy/ are tried out with."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.edge import echoing
from tests.deploy.programs import ROOT, found
from tools.embedded.nginx import ROOMY, TEMPLATE, Nginx


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder after `sh deploy/secrets.sh`, with a certificate for this machine."""
    found("openssl")
    folder = tmp_path_factory.mktemp("installation")
    command = ["sh", str(ROOT / "deploy" / "secrets.sh"), "--self-signed", "127.0.0.1"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def certificates(installation: Path) -> Path:
    return installation / ".tria" / "certificates"


@pytest.fixture(scope="session")
def trust(certificates: Path) -> ssl.SSLContext:
    """Of a client who trusts that certificate."""
    return ssl.create_default_context(cafile=str(certificates / "certificate.pem"))


@pytest.fixture
def echo() -> Iterator[str]:
    """Where a server listens that answers with the headers that it was sent."""
    with echoing() as server:
        yield f"127.0.0.1:{server.server_port}"


@contextmanager
def proxied(
    folder: Path,
    certificates: Path,
    upstream: str,
    template: Path = TEMPLATE,
    **variables: str,
) -> Iterator[Nginx]:
    """nginx before a service at `host:port`."""
    found("nginx")
    proxy = Nginx(folder, certificates, {**ROOMY, **variables}, template)
    proxy.start(upstream)
    try:
        yield proxy
    finally:
        proxy.stop()
