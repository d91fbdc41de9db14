"""Where Prometheus, Alertmanager and the exporters are: installed, or fetched into .tools."""

import shutil
from pathlib import Path

FETCHED = Path(__file__).parent.parent / ".tools" / "monitoring" / "usr" / "bin"
ALERTMANAGER = "prometheus-alertmanager"


def program(name: str) -> str | None:
    """The path of a program that can be started, if there is one."""
    fetched = shutil.which(name, path=str(FETCHED))
    # Debian's Alertmanager reads its own templates where only an installation puts them.
    return shutil.which(name) or (fetched if name != ALERTMANAGER else None)
