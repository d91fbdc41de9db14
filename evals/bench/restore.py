"""`make bench-restore`: everything is destroyed and restored; what is lost, and how long it takes.

A service answers customers, Postgres is backed up. Then its data, Redis and Chroma are destroyed
at once, with an order confirmed whose invoice stands in Xero and of which no backup knows. All is
restored to the latest moment, and customers go on. Then a table is dropped, and the database comes
back as it was just before that.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from evals.bench.restore_site import Site, standing_site
from evals.bench.restore_talk import ORDER, Customer, Said, Talk, go_on, missing, talking

ARCHIVE_SECONDS, TALK_SECONDS, THREADS = 60, 75.0, 10
LATE = 0.8  # of the time between two pieces of the log has passed when all is destroyed
ARRIVAL_SECONDS = 180.0
TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
PIECE = "select pg_walfile_name(pg_current_wal_lsn())"  # the one that is being written
HAND_ON = "select pg_walfile_name(pg_switch_wal())"
LAST = "select coalesce(last_archived_wal, '') from pg_stat_archiver"
METRICS = ("tria_backup_last_success", "tria_restore_verified")


def main() -> int:
    """Destroy and restore twice; 1 where more is lost than the archive was late."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--archive", type=int, default=ARCHIVE_SECONDS, help="seconds at most")
    options.add_argument("--seconds", type=float, default=TALK_SECONDS, help="customers talk for")
    chosen = options.parse_args()
    with standing_site(chosen.archive) as site:
        figures = destroyed(site, chosen.seconds, chosen.archive) | dropped(
            site, chosen.seconds / 3
        )
    print(json.dumps(figures))
    return 0 if is_whole(figures, chosen.archive) else 1


def is_whole(figures: dict[str, Any], archive_seconds: float) -> bool:
    """Whether it went as it is promised."""
    return bool(
        figures["loss_s"] <= archive_seconds + 5
        and figures["invoices_of_one_card"] == figures["invoices_of_the_next"] == 1
        and figures["number_kept"]
        and figures["sections_equal"]
        and figures["resumed"] == figures["resumable"] > 0
        and figures["to_moment_missing"] == 0
        and figures["to_moment_counts_equal"]
        and figures["verified"] == len(METRICS)
    )


def destroyed(site: Site, seconds: float, archive_seconds: float) -> dict[str, Any]:
    """The worst day: all of it at once, in the middle of the traffic, as late as may be."""
    buyer = Customer(site)
    with talking(site) as talk:
        _enough(talk, 4)
        _done(site, "base")
        time.sleep(seconds)
        order = buyer.open()
        card = buyer.say(order, ORDER)["card"]
        arrived(site, *site.postgres.rows(PIECE)[0])
        time.sleep(LATE * archive_seconds)
        committed = buyer.press(order, card)
        sections = site.sections()
        before = time.time()
        site.destroy()
    said = list(talk.said)
    began = time.monotonic()
    site.restore()
    whole_s = time.monotonic() - began
    lost = missing(site, said)
    again, after = _ordered_again(site, order, card)
    figures = {
        "acknowledged": len(said),
        "lost": len(lost),
        "loss_s": round(before - min(each.at for each in lost), 1) if lost else 0.0,
        "restored_s": round(whole_s, 1),
        "confirmed": committed["status"],
        "confirmed_again": again["status"],
        "number_kept": again["document_number"] == committed["document_number"],
        "invoices_of_one_card": len(site.invoices(committed["document_number"])),
        "invoices_of_the_next": len(site.invoices(after["document_number"])),
        "sections_equal": site.sections() == sections,
    }
    _done(site, "drill")
    print(json.dumps(figures), flush=True)
    return figures | _resumed(site, said, lost) | {"verified": verified(site)}


def _ordered_again(
    site: Site, order: str, card: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The customer sees a card that waits and says yes once more; then orders something else."""
    buyer = Customer(site)
    again = buyer.press(order, card)
    thread = buyer.open()
    following = buyer.say(thread, ORDER.replace("200", "300"))["card"]
    return again, buyer.press(thread, following)


def _resumed(site: Site, said: Sequence[Said], lost: Sequence[Said]) -> dict[str, int]:
    gone = {each.message_id for each in lost}
    kept = [each for each in said if each.message_id not in gone]
    resumed, tried = go_on(site, kept, THREADS)
    return {"resumed": resumed, "resumable": tried}


def dropped(site: Site, seconds: float) -> dict[str, Any]:
    """Somebody drops a table: back to just before that."""
    with talking(site) as talk:
        _enough(talk, 4)
        time.sleep(seconds)
    said = list(talk.said)
    site.kill_service()
    before = counts(site)
    time.sleep(1)
    moment = datetime.now(UTC).isoformat()
    time.sleep(1)
    with psycopg.connect(site.postgres.url) as connection:
        connection.execute("drop table messages cascade")
    arrived(site, *site.postgres.rows(HAND_ON)[0])
    site.postgres.destroy()
    began = time.monotonic()
    done = site.postgres.script("restore", str(site.postgres.data), moment)
    if done.returncode:
        sys.exit(f"nothing was restored: {done.stderr}")
    site.postgres.start()
    return {
        "to_moment_s": round(time.monotonic() - began, 1),
        "to_moment_acknowledged": len(said),
        "to_moment_missing": len(missing(site, said)),
        "to_moment_counts_equal": counts(site) == before,
    }


def counts(site: Site) -> dict[str, int]:
    """How many rows each table has."""
    tables = [name for [name] in site.postgres.rows(TABLES)]
    return {name: site.postgres.rows(f'select count(*) from "{name}"')[0][0] for name in tables}


def arrived(site: Site, piece: str) -> None:
    """Wait until the archive has this piece of the log."""
    end = time.monotonic() + ARRIVAL_SECONDS
    while site.postgres.rows(LAST)[0][0] < piece:
        if time.monotonic() > end:
            sys.exit("Postgres does not hand its log on")
        time.sleep(0.1)


def verified(site: Site) -> int:
    """How many numbers Prometheus would find that say that backups are well."""
    files = [site.postgres.textfiles / f"{name}_timestamp_seconds.prom" for name in METRICS]
    return sum(file.exists() for file in files)


def _done(site: Site, step: str) -> None:
    done = site.postgres.script(step)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"{step} failed: {done.stderr}")


def _enough(talk: Talk, count: int) -> None:
    end = time.monotonic() + ARRIVAL_SECONDS
    while len(talk.said) < count:
        if time.monotonic() > end:
            sys.exit("Nobody is answered")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
