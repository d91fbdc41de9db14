"""The machine, and the service that runs on it."""

import resource
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.installation import Installation
from tools.synthetic import LED_SECONDS, READ

MB = 1 << 20
LATE = 3  # times the time between two synthetic conversations, as /health has it
LEAST_DISK, LEAST_MEMORY, LEAST_FILES = 1024, 512, 1024
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")

MACHINE: Checks[Installation] = Checks()
add = MACHINE.add


@add(
    "machine.disk",
    f"whether the disk of the data has room: at least {LEAST_DISK} MB",
    "Free some, or move TRIA_DATA: a database on a full disk stops in the middle of a write.",
)
async def disk(here: Installation) -> Finding:
    """Of the data folder's file system."""
    free = shutil.disk_usage(here.folder if here.folder.exists() else Path()).free // MB
    return verdict(f"{free} MB free", ok=free >= LEAST_DISK)


@add(
    "machine.memory",
    f"whether memory is left: at least {LEAST_MEMORY} MB",
    "See what takes it; a replica of the service needs about 400 MB.",
)
async def memory(here: Installation) -> Finding:
    """Of the machine, or of the container where that has less."""
    left = min([_of_machine(), *_of_container()]) // MB
    return verdict(f"{left} MB left", ok=left >= LEAST_MEMORY)


@add(
    "machine.files",
    f"whether a process may hold many streams open: at least {LEAST_FILES} files",
    "Raise the limit (ulimit -n, LimitNOFILE, ulimits in compose): each stream is a file.",
)
async def files(here: Installation) -> Finding:
    """Of processes that are started as this one."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return verdict(f"{most} files", ok=most == resource.RLIM_INFINITY or most >= LEAST_FILES)


@add(
    "service.ready",
    "whether it takes messages",
    "Start it (make run, docker compose up -d); its log says why it does not.",
)
async def ready(here: Installation) -> Finding:
    """At its own address, past every proxy."""
    answer = await here.get("/health/ready")
    return verdict(f"/health/ready: {answer.status_code}", ok=answer.status_code == 200)


@add(
    "service.parts",
    "whether it finds each of its parts well",
    "See /health for what stops and what still works, then the runbook.",
)
async def parts(here: Installation) -> Finding:
    """Those that are not well, with their state."""
    found = (await _page(here))["parts"]
    unwell = [f"{name} {part['state']}" for name, part in found.items() if part["status"] != "pass"]
    return verdict(", ".join(unwell) or f"all {len(found)} are well", ok=not unwell)


@add(
    "service.version",
    "whether what runs is what is installed here",
    "Start the service again, or look at the machine that you meant.",
)
async def release(here: Installation) -> Finding:
    """Its version, and ours."""
    theirs, ours = (await _page(here))["version"], version("tria")
    return verdict(f"{theirs} runs, {ours} is installed", ok=theirs == ours)


@add(
    "service.orders",
    "whether the synthetic customer could order lately",
    "See the steps under orders on /health.",
)
async def orders(here: Installation) -> Finding:
    """From its own row in Postgres."""
    every = here.settings.tria_synthetic_seconds
    if not every:
        raise NotRun("no synthetic conversations are held: TRIA_SYNTHETIC_SECONDS is 0")
    row = next(iter(await here.rows(READ)), None)
    if row is None or row["is_working"] is None:
        raise NotRun("none was held yet")
    is_lately = row["age_s"] <= LATE * every + LED_SECONDS
    failed = ", ".join(step["step"] for step in row["steps"] or [] if not step["ok"])
    evidence = f"{row['age_s'] / 60:.0f} min ago" + (f", failed: {failed}" if failed else "")
    return verdict(evidence, ok=is_lately and row["is_working"])


async def _page(here: Installation) -> dict[str, Any]:
    try:
        page: dict[str, Any] = (await here.get("/health")).json()
    except httpx.HTTPError as error:
        raise NotRun("the service does not run here") from error
    return page


def _of_machine() -> int:
    lines = dict(line.split(":") for line in MEMINFO.read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _of_container() -> list[int]:
    most, used = CGROUP / "memory.max", CGROUP / "memory.current"
    if not most.exists() or not (limit := most.read_text().strip()).isdigit():
        return []
    return [int(limit) - int(used.read_text())]
