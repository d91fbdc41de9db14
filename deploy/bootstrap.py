"""Put the uv that uv.lock pins into .tools/, with nothing but Python's standard library.

Needed where neither uv nor pip is installed. The address and the hash come from the lock file.
"""

import hashlib
import io
import platform
import shutil
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def pinned_wheel() -> tuple[str, str]:
    """Address and SHA-256 of the pinned uv wheel for this machine."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    package = next(p for p in lock["package"] if p["name"] == "uv")
    machine = MACHINES.get(platform.machine().lower())
    for wheel in package["wheels"]:
        if machine and f"manylinux_2_17_{machine}" in wheel["url"]:
            return wheel["url"], wheel["hash"].removeprefix("sha256:")
    sys.exit(f"There is no pinned uv for {platform.machine()}: install uv and run make again.")


def download(url: str, sha256: str) -> bytes:
    """Return the wheel's bytes after checking them."""
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            content: bytes = answer.read()
    except OSError as error:
        sys.exit(f"Could not download uv ({error}). Check the network, or install uv yourself.")
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit("The downloaded uv does not match uv.lock. Try again on a network you trust.")
    return content


def install(content: bytes, target: Path) -> None:
    """Unpack the one binary from the wheel."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith("/scripts/uv"))
        with wheel.open(name) as source, partial.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    partial.chmod(0o755)
    partial.replace(target)


if __name__ == "__main__":
    print("Fetching uv, the package installer ...", flush=True)
    install(download(*pinned_wheel()), Path(sys.argv[1]))
