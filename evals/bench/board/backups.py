"""A Postgres whose log is kept, and beside it what the container of backups runs."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from evals.bench.drill.stand import Stand
from evals.bench.restore_site import SCRIPT, Archived
from tools.embedded.postgres import Postgres, as_ordinary_user, programs
from tools.embedded.process import spawn, stop

PIECE_SECONDS = 5  # until Postgres hands on a piece of its log that is not full


def archiving(folder: Path) -> Postgres:
    """The exporter of the machine reads what backups say where it looks anyway."""
    archived = Archived(folder / "archived", PIECE_SECONDS)
    (folder / "monitoring").mkdir()
    (folder / "monitoring" / "textfiles").symlink_to(archived.textfiles)
    return archived.server


@contextmanager
def backups(stand: Stand) -> Iterator[None]:
    """By the clock, until the end of the `with`."""
    folder, server = stand.folder / "archived", urlsplit(stand.database_url)
    variables = {
        "PATH": f"{programs()}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "BACKUPS": str(folder / "backups"),
        "TEXTFILES": str(folder / "textfiles"),
        "PGHOST": str(server.hostname),
        "PGPORT": str(server.port),
        "PGUSER": str(server.username),
        "PGPASSWORD": str(server.password),
        "PGDATABASE": server.path.lstrip("/"),
    }
    command = as_ordinary_user(["sh", str(SCRIPT), "keep"])
    process = spawn(command, stand.folder / "backups.log", signal.SIGTERM, variables)
    try:
        yield
    finally:
        stop(process, signal.SIGTERM)
