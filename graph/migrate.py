"""`python -m graph.migrate`: bring the database up to date before this version starts."""

import asyncio
import sys
from collections.abc import Mapping

import psycopg
import structlog

from graph.checkpoints import migrate_checkpoints
from graph.settings import environment
from tools.database import make_pool, migrate
from tools.errors import SettingsInvalid
from tools.outlets import Outlets
from tools.restores import step_over
from tools.service_role import OWNER_URL, let_in
from tools.store import migrate_store

log = structlog.get_logger()


async def prepare_database(complete: Mapping[str, str]) -> None:
    """Migrate; and where the demo company is served, store its outlets.

    Where the tables have an owner of their own, the service's role is let in to them.
    """
    service_url = complete["DATABASE_URL"]
    url = complete.get(OWNER_URL) or service_url
    try:
        await migrate(url)
    except psycopg.errors.LockNotAvailable as error:
        raise SettingsInvalid(
            "A table stayed locked, and nothing of this migration was done: end the long statement"
            " that pg_stat_activity shows, and try again."
        ) from error
    except psycopg.OperationalError as error:
        raise SettingsInvalid(
            f"Postgres does not answer at {OWNER_URL if url != service_url else 'DATABASE_URL'}:"
            " start it, or correct the setting."
        ) from error
    await migrate_checkpoints(url)
    await migrate_store(url)
    if left_out := await step_over(url):
        first, last = (f"TRIA-{number:06}" for number in left_out)
        # What Xero holds among them was made after the moment that was restored.
        log.warning("the database was restored: numbers left out", first=first, last=last)
    if url != service_url:
        await let_in(url, service_url)
    if not is_demo(complete):
        return
    from tools.sandbox.company import demo_customers  # noqa: PLC0415 (only with the sandbox)

    async with make_pool(url, max_size=2) as pool:
        await Outlets(pool).store([o for c in demo_customers() for o in c.outlets])


def is_demo(complete: Mapping[str, str]) -> bool:
    """Whether the demo company is there to sign in to."""
    return complete.get("TRIA_DEMO", "").lower() == "true"


if __name__ == "__main__":
    found = environment()
    if not found.get("DATABASE_URL"):
        sys.exit("Set DATABASE_URL to the Postgres to bring up to date.")
    try:
        asyncio.run(prepare_database(found))
    except SettingsInvalid as problem:
        sys.exit(str(problem))
