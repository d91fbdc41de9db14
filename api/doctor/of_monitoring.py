"""Whether somebody would be told: Prometheus, its rules, Alertmanager, and what they hear of."""

import time

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.prometheus import Watched
from monitoring.prometheus.rules import alerts

HOUR, DAY = 3600, 86_400
BACKUP_HOURS, RESTORE_DAYS, WAL_MINUTES = 26, 8, 15
SYNTHETIC = "tria_canary_last_success_timestamp_seconds"

MONITORING: Checks[Watched] = Checks()
add = MONITORING.add


@add(
    "monitoring.scraped",
    "whether Prometheus gets the service's metrics, from each replica",
    "Look at /targets of Prometheus: it says why not.",
)
async def scraped(here: Watched) -> Finding:
    """At least one replica, and none that is down."""
    found = [value for _, value in await here.prometheus.values('up{job="tria"}')]
    up = sum(value == 1 for value in found)
    return verdict(f"{up} of {len(found)} replicas", ok=bool(found) and up == len(found))


@add(
    "monitoring.targets",
    "whether everything else that is to be scraped is reached",
    "Start the exporters that are named, or correct their addresses.",
)
async def targets(here: Watched) -> Finding:
    """Exporters, Alertmanager, Prometheus itself."""
    found = await here.prometheus.values("up")
    down = sorted({labels["job"] for labels, value in found if value != 1})
    evidence = f"down: {', '.join(down)}" if down else f"all {len(found)} are up"
    return verdict(evidence, ok=bool(found) and not down)


@add(
    "monitoring.rules",
    "whether every alert of this version is loaded and can be evaluated",
    "Give Prometheus this version's rules.yml, then reload it; see /rules for what is wrong.",
)
async def rules(here: Watched) -> Finding:
    """By name, against the tables that the rules are written from."""
    groups = (await here.prometheus.ask("rules", type="alert"))["groups"]
    found = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    wanted = {alert.name for alert in alerts()}
    missing = sorted(wanted - set(found))
    broken = sorted(name for name, health in found.items() if health == "err")
    evidence = f"{len(wanted) - len(missing)} of {len(wanted)} alerts are loaded"
    faults = [f"missing: {', '.join(missing[:3])}"] * bool(missing)
    faults += [f"broken: {', '.join(broken[:3])}"] * bool(broken)
    return verdict("; ".join((evidence, *faults)), ok=not faults)


@add(
    "monitoring.quiet",
    "whether no alert that pages somebody fires now",
    "Follow the alert's section in the runbook before anything else.",
)
async def quiet(here: Watched) -> Finding:
    """What fires with the severity that wakes people."""
    query = 'ALERTS{alertstate="firing",severity="page"}'
    firing = sorted({labels["alertname"] for labels, _ in await here.prometheus.values(query)})
    return verdict(f"fires: {', '.join(firing)}" if firing else "none fires", ok=not firing)


@add(
    "monitoring.alertmanager",
    "whether Prometheus has somebody to hand alerts to",
    "Start Alertmanager and give it the secrets of at least one receiver.",
)
async def alertmanager(here: Watched) -> Finding:
    """Those that Prometheus reaches."""
    found = len((await here.prometheus.ask("alertmanagers"))["activeAlertmanagers"])
    return verdict(f"{found} reached", ok=found > 0)


@add(
    "monitoring.synthetic",
    "when the synthetic customer's conversation last went well",
    "See the steps under orders on /health; TRIA_SYNTHETIC_SECONDS must be above 0.",
)
async def synthetic(here: Watched) -> Finding:
    """Within three times what is meant to lie between two."""
    every = await here.prometheus.number("max(tria_canary_interval_seconds)")
    if not every:
        raise NotRun("no synthetic conversations are held: TRIA_SYNTHETIC_SECONDS is 0")
    return _age(await here.stamp(SYNTHETIC), 3 * every + 300, "conversation that went well")


@add(
    "monitoring.backup",
    f"how old the last good backup of Postgres is: at most {BACKUP_HOURS} hours",
    "See the log of the backups; make one by hand now.",
)
async def backup(here: Watched) -> Finding:
    """As the backup itself told it."""
    told = await here.stamp("tria_backup_last_success_timestamp_seconds")
    return _age(told, BACKUP_HOURS * HOUR, "backup")


@add(
    "monitoring.wal",
    f"when the last piece of the write-ahead log was kept: at most {WAL_MINUTES} minutes ago",
    "See archive_command in Postgres's log: its disk or target is not reached.",
)
async def wal(here: Watched) -> Finding:
    """What a restore to the latest moment stands on."""
    told = await here.stamp("tria_wal_archived_timestamp_seconds")
    return _age(told, WAL_MINUTES * 60, "kept piece")


@add(
    "monitoring.restore",
    f"when a restore was last tried and found whole: at most {RESTORE_DAYS} days ago",
    "Run the restore drill; a backup that nobody restored is a hope.",
)
async def restore(here: Watched) -> Finding:
    """As the drill told it."""
    told = await here.stamp("tria_restore_verified_timestamp_seconds")
    return _age(told, RESTORE_DAYS * DAY, "restore")


def _age(told: float | None, most: float, what: str) -> Finding:
    if told is None:
        raise NotRun(f"no {what} has ever been told of here")
    age = time.time() - told
    return verdict(f"the last {what} is {_long(age)} old, at most {_long(most)}", ok=age <= most)


def _long(seconds: float) -> str:
    if seconds < 2 * HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} days"
