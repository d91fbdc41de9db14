"""Certificates and versions of TLS, as a server really shows them."""

import ssl
from pathlib import Path

import pytest

from api.doctor.findings import run_all
from api.doctor.installation import installation
from api.doctor.lists import INSTALLATION
from api.doctor.prometheus import Prometheus
from api.doctor.tls import certificate as certificate_of
from api.doctor.tls import speaks
from graph.settings import read_settings
from tests.api.doctor.certificates import certificate, showing
from tests.conftest import SECRET

V1, V2, V3 = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
HOST = "127.0.0.1"
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "TRIA_SECRET": SECRET,
    "XERO_CLIENT_ID": "nobody",
    "XERO_CLIENT_SECRET": "nothing",
}
CHECK = next(check for check in INSTALLATION if check.id == "address.certificate")


async def test_a_certificate_that_is_trusted(tmp_path: Path) -> None:
    trusted = certificate(tmp_path, 30)
    with showing(tmp_path, V2, V3) as port:
        found = await certificate_of(HOST, port, str(trusted))
        stranger = await certificate_of(HOST, port)
    assert (round(found.days_left), found.fault) == (30, "")
    assert "self-signed" in stranger.fault


@pytest.mark.parametrize(("days", "why"), [(-1, "expired"), (5, "5 days left, at least 14")])
async def test_a_certificate_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, why: str
) -> None:
    trusted = certificate(tmp_path / "certificates", days + 0.1)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))  # as if an authority had signed it
    with showing(trusted.parent, V2, V3) as port:
        settings = read_settings(NOWHERE | {"TRIA_PUBLIC_URL": f"https://{HOST}:{port}"})
        async with installation(tmp_path, lambda: settings, Prometheus(None)) as here:
            [found] = await run_all([CHECK], here, {})
    assert found.finding.result == "fail"
    assert why in found.finding.evidence


async def test_the_versions_that_a_server_takes(tmp_path: Path) -> None:
    certificate(tmp_path, 30)
    with showing(tmp_path, V2, V3) as port:
        assert [await speaks(HOST, port, v) for v in (V1, V2, V3)] == [False, True, True]
    with showing(tmp_path, V1, V2) as port:
        assert [await speaks(HOST, port, v) for v in (V1, V2, V3)] == [True, True, False]
