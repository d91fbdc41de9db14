"""Postgres, Redis and Chroma: whether they answer, and are kept as the service needs them."""

import asyncio
import time

from api.doctor.findings import Checks, Finding, NotRun, verdict
from api.doctor.installation import Installation
from tools.database import migrations
from tools.errors import TriaError

OLDEST_POSTGRES = 16
MOST_USED, MOST_SKEW = 0.8, 2.0
SEAL_MINUTES = 10
ROLE = """
select current_user as name, rolsuper,
  (select count(*) from pg_tables
    where schemaname = 'public' and tableowner = current_user) as owns,
  has_table_privilege('audit', 'update') or has_table_privilege('audit', 'delete') as may_change
from pg_roles where rolname = current_user"""
SEALS = """
select (select count(*) from audit where at < now() - make_interval(mins => %s)
    and audit_id > coalesce((select max(through_id) from audit_seals), 0)) as unsealed,
  (select count(*) from audit_seals where pruned_at is null) as seals"""

STORES: Checks[Installation] = Checks()
add = STORES.add


@add(
    "postgres.reachable",
    "whether it answers",
    "Start Postgres or correct DATABASE_URL; see the runbook's section on the database.",
)
async def postgres(here: Installation) -> Finding:
    """One round trip after the first connection."""
    await asyncio.shield(here.postgres_answers)
    started = time.monotonic()
    await here.row("select 1")
    return verdict(f"in {(time.monotonic() - started) * 1000:.0f} ms", ok=True)


@add(
    "postgres.version",
    f"whether it is version {OLDEST_POSTGRES} or newer",
    "Upgrade it with pg_upgrade, on a copy first.",
)
async def version(here: Installation) -> Finding:
    """As the server says."""
    row = await here.row("select current_setting('server_version_num')::int / 10000 as found")
    return verdict(f"version {row['found']}", ok=row["found"] >= OLDEST_POSTGRES)


@add(
    "postgres.migrations",
    "whether the schema is what this version needs",
    "Run: python -m graph.migrate",
)
async def migrated(here: Installation) -> Finding:
    """A newer schema is good as well."""
    needed = {name for name, _ in migrations()}
    if not (await here.row("select to_regclass('migrations') is not null as ok"))["ok"]:
        return Finding("fail", f"none of {len(needed)} is applied")
    done = {row["name"] for row in await here.rows("select name from migrations")}
    missing = sorted(needed - done)
    evidence = f"missing: {', '.join(missing[:3])}" if missing else f"all {len(needed)} are applied"
    return verdict(evidence, ok=not missing)


@add(
    "postgres.role",
    "whether the service works as a role that owns nothing",
    "Give the tables an owner of their own: set DATABASE_OWNER_URL, run python -m graph.migrate.",
)
async def role(here: Installation) -> Finding:
    """Who owns the tables can change the audit trail."""
    found = await here.row(ROLE)
    evidence = f"{found['name']} owns {found['owns']} tables"
    evidence += ", is superuser" * found["rolsuper"] + ", may change audit" * found["may_change"]
    return verdict(evidence, ok=not (found["owns"] or found["rolsuper"] or found["may_change"]))


@add(
    "postgres.checksums",
    "whether a page that the disk damaged would be noticed",
    "Stop Postgres and run: pg_checksums --enable",
)
async def checksums(here: Installation) -> Finding:
    """Checksums of pages."""
    found = (await here.row("select current_setting('data_checksums') as is"))["is"]
    return verdict(f"data_checksums is {found}", ok=found == "on")


@add(
    "postgres.durable",
    "whether what was acknowledged survives a crash",
    "Set fsync, full_page_writes and synchronous_commit to on.",
)
async def durable(here: Installation) -> Finding:
    """The three settings that trade it for speed."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    row = await here.row("select " + ", ".join(f"current_setting('{n}') as {n}" for n in names))
    off = [name for name in names if row[name] == "off"]
    return verdict(f"off: {', '.join(off)}" if off else "nothing is traded for speed", ok=not off)


@add(
    "postgres.connections",
    f"whether connections are left: under {MOST_USED:.0%} used",
    "Raise max_connections, or end what holds them: select * from pg_stat_activity.",
)
async def connections(here: Installation) -> Finding:
    """Of everybody, not of ours alone."""
    row = await here.row(
        "select count(*) as used, current_setting('max_connections')::int as most"
        " from pg_stat_activity"
    )
    return verdict(f"{row['used']} of {row['most']}", ok=row["used"] < MOST_USED * row["most"])


@add(
    "postgres.clock",
    f"whether its clock and ours agree, within {MOST_SKEW:.0f} s",
    "Run chrony or systemd-timesyncd on both machines.",
)
async def clock(here: Installation) -> Finding:
    """Half of the round trip lies between the two."""
    await here.row("select 1")
    before = time.time()
    theirs = (await here.row("select extract(epoch from clock_timestamp())::float as t"))["t"]
    skew = theirs - (before + time.time()) / 2
    return verdict(f"{abs(skew):.2f} s apart", ok=abs(skew) <= MOST_SKEW)


@add(
    "audit.sealed",
    f"whether every row of the audit trail older than {SEAL_MINUTES} minutes is sealed",
    "See why the sweeper does not seal: its errors are in the log.",
)
async def sealed(here: Installation) -> Finding:
    """By count, without sealing anything."""
    row = await here.row(SEALS, [SEAL_MINUTES])
    evidence = f"{row['seals']} seals, {row['unsealed']} rows without one"
    return verdict(evidence, ok=row["unsealed"] == 0)


@add(
    "audit.unchanged",
    "whether every sealed row is as it was",
    "Somebody has changed the audit trail: tria audit verify names the rows. Tell the director.",
)
async def unchanged(here: Installation) -> Finding:
    """As the seals say."""
    faults = len(await here.rows("select * from audit_faults()"))
    return verdict(f"{faults} faults", ok=faults == 0)


@add("redis.reachable", "whether it answers", "Start Redis or Valkey, or correct REDIS_URL.")
async def redis(here: Installation) -> Finding:
    """One round trip after the first."""
    await asyncio.shield(here.redis_answers)
    started = time.monotonic()
    await here.parts.redis.ping()
    return verdict(f"in {(time.monotonic() - started) * 1000:.0f} ms", ok=True)


@add(
    "redis.eviction",
    "whether it would drop streams that are being read when it is full",
    "Set maxmemory-policy noeviction: what is kept here has its own end.",
)
async def eviction(here: Installation) -> Finding:
    """Without a limit nothing is dropped either."""
    found = await here.redis_info()
    policy, most = found.get("maxmemory_policy", "?"), int(found.get("maxmemory", 0))
    evidence = f"{policy}, {f'at most {most >> 20} MB' if most else 'without a limit'}"
    return verdict(evidence, ok=policy == "noeviction" or not most)


@add(
    "redis.persistence",
    "whether streams and counts outlive its restart",
    "Set appendonly yes. Without it streams under way go on from a snapshot.",
)
async def persistence(here: Installation) -> Finding:
    """The append-only file."""
    is_on = int((await here.redis_info()).get("aof_enabled", 0)) == 1
    return verdict(f"append-only file {'on' if is_on else 'off'}", ok=is_on)


@add(
    "chroma.reachable",
    "whether it answers, or belongs to the service itself",
    "Start Chroma or correct CHROMA_URL.",
)
async def chroma(here: Installation) -> Finding:
    """The embedded one is asked by the service, which alone may open its folder."""
    if here.settings.chroma_url is None:
        state = await here.state("chroma")
        return verdict(f"embedded, the service finds it {state}", ok=state == "up")
    await here.policies.ping()
    return verdict("the collection answers", ok=True)


@add(
    "chroma.index",
    "whether it holds every section of this version's policies",
    "Start the service again: it brings the index up to date.",
)
async def index(here: Installation) -> Finding:
    """By the ids of the pieces, which change with their text."""
    if here.settings.chroma_url is None:
        state = await here.state("index")
        return verdict(f"the service finds it {state}", ok=state == "whole")
    try:
        missing = await here.policies.missing()
    except TriaError as error:
        raise NotRun("Chroma does not answer") from error
    return verdict(f"{missing} pieces are missing", ok=missing == 0)
