"""Backups: whole or not there at all, kept for as long as they are needed, and told of."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from evals.bench.restore_site import SCRIPT, Archived
from tests.deploy.scripts import run_script

ARCHIVED = "select coalesce(last_archived_wal, '') from pg_stat_archiver"
SEGMENT = "000000010000000000000001"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    """A Postgres with a table of its own, whose log is kept."""
    found = Archived(tmp_path_factory.mktemp("archived"), 60)
    found.start()
    execute(found, "create table messages (n integer, created_at timestamptz default now())")
    yield found
    found.server.stop()


def execute(archived: Archived, statement: str) -> None:
    with psycopg.connect(archived.url, autocommit=True) as connection:
        connection.execute(statement.encode())


def hand_on(archived: Archived) -> str:
    """Everything until now is in the archive; the name of its last piece."""
    execute(archived, "select pg_logical_emit_message(true, 'test', 'now')")  # else nothing ends
    [(piece,)] = archived.rows("select pg_walfile_name(pg_switch_wal())")
    end = time.monotonic() + 30
    while archived.rows(ARCHIVED)[0][0] < piece:
        assert time.monotonic() < end, "it is not archived"
        time.sleep(0.05)
    return str(piece)


def bases(archived: Archived) -> list[Path]:
    return sorted((archived.backups / "base").glob("*Z"))


def done(archived: Archived, *words: str, **more: str) -> str:
    ended = archived.script(*words, **more)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_piece_of_the_log_comes_back_as_it_was(tmp_path: Path) -> None:
    piece, back = tmp_path / "piece", tmp_path / "back"
    piece.write_bytes(b"log" * 5_000_000)
    for _ in range(2):  # after a crash Postgres hands the same piece on again
        assert run_script(SCRIPT, "archive", piece, SEGMENT, BACKUPS=tmp_path).returncode == 0
    assert run_script(SCRIPT, "fetch", SEGMENT, back, BACKUPS=tmp_path).returncode == 0
    assert back.read_bytes() == piece.read_bytes()
    assert (tmp_path / "wal" / f"{SEGMENT}.gz").stat().st_size < 100_000


def test_another_piece_of_the_same_name_is_refused(tmp_path: Path) -> None:
    """Two servers that write into one archive would ruin both their logs."""
    piece = tmp_path / "piece"
    piece.write_bytes(b"ours")
    run_script(SCRIPT, "archive", piece, SEGMENT, BACKUPS=tmp_path)
    piece.write_bytes(b"theirs")
    assert run_script(SCRIPT, "archive", piece, SEGMENT, BACKUPS=tmp_path).returncode != 0


def test_a_full_disk_leaves_no_half_a_piece(tmp_path: Path) -> None:
    piece = tmp_path / "piece"
    piece.write_bytes(b"log")
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / f"{SEGMENT}.gz.draft").mkdir()  # nothing can be written there
    assert run_script(SCRIPT, "archive", piece, SEGMENT, BACKUPS=tmp_path).returncode != 0
    assert not (tmp_path / "wal" / f"{SEGMENT}.gz").exists()


def test_what_is_not_kept_is_not_given_back(tmp_path: Path) -> None:
    ended = run_script(SCRIPT, "fetch", SEGMENT, tmp_path / "back", BACKUPS=tmp_path)
    assert ended.returncode == 1
    assert not (tmp_path / "back").exists()


def test_the_oldest_go_with_their_log_and_the_newest_stay(archived: Archived) -> None:
    for _ in range(3):
        done(archived, "base", KEEP="2")
        execute(archived, "insert into messages values (1)")
        hand_on(archived)
        time.sleep(1)  # they are named by the second
    assert len(bases(archived)) == 2
    label = (bases(archived)[0] / "backup_label").read_text()
    first = label.split("(file ")[1].split(")")[0]
    kept = sorted(file.name for file in (archived.backups / "wal").glob(f"{'?' * 24}.gz"))
    assert kept[0] == f"{first}.gz"  # the log from the oldest base on, and nothing before it
    told = archived.textfiles / "tria_backup_last_success_timestamp_seconds.prom"
    assert time.time() - float(told.read_text().split()[-1]) < 120


def test_a_drill_reads_everything_and_says_so(archived: Archived) -> None:
    done(archived, "base")
    execute(archived, "insert into messages select generate_series(1, 1000)")
    rows = archived.rows("select count(*) from messages")[0][0]
    hand_on(archived)
    assert f"restored: {rows} messages" in done(archived, "drill")
    told = archived.textfiles / "tria_restore_verified_timestamp_seconds.prom"
    assert time.time() - float(told.read_text().split()[-1]) < 120


@pytest.mark.parametrize("what", ["base", "log", "gap"])
def test_a_drill_finds_what_is_spoilt(archived: Archived, what: str) -> None:
    done(archived, "base")
    execute(archived, "insert into messages select generate_series(1, 1000)")
    piece = hand_on(archived)
    execute(archived, "insert into messages select generate_series(1, 1000)")
    hand_on(archived)
    told = archived.textfiles / "tria_restore_verified_timestamp_seconds.prom"
    told.unlink(missing_ok=True)
    [(place,)] = archived.rows("select pg_relation_filepath('messages')")
    kept = archived.backups / "wal" / f"{piece}.gz"
    target = bases(archived)[-1] / place if what == "base" else kept
    whole = target.read_bytes()
    target.write_bytes(b"\xff" * len(whole))
    if what == "gap":
        target.unlink()
    ended = archived.script("drill", DRILL_SECONDS="20")
    target.write_bytes(whole)
    assert ended.returncode != 0, ended.stdout
    assert ("one between is missing" in ended.stderr) == (what == "gap"), ended.stderr
    assert not told.exists()


def test_nothing_is_restored_over_something(archived: Archived, tmp_path: Path) -> None:
    done(archived, "base")
    (tmp_path / "PG_VERSION").write_text("18")
    ended = archived.script("restore", str(tmp_path))
    assert ended.returncode != 0
    assert "is not empty" in ended.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["PG_VERSION"]


def test_without_a_backup_of_before_a_time_nothing_is_restored(
    archived: Archived, tmp_path: Path
) -> None:
    done(archived, "base")
    ended = archived.script("restore", str(tmp_path / "data"), "2020-01-01T00:00:00Z")
    assert ended.returncode != 0
    assert "no base backup" in ended.stderr


def test_a_backup_that_fails_leaves_nothing_that_looks_like_one(archived: Archived) -> None:
    before = bases(archived)
    ended = archived.script("base", PGPASSWORD="not this one")
    assert ended.returncode != 0
    assert bases(archived) == before


def test_the_container_does_it_by_the_clock_and_what_fails_an_hour_later(
    archived: Archived, tmp_path: Path
) -> None:
    own = {"BACKUPS": str(tmp_path), "TEXTFILES": str(tmp_path / "nowhere")}
    keeping = archived.begin("keep", **own, DRILL_SECONDS="-1")  # which no drill can keep
    marks = {name: tmp_path / f".{name}" for name in ("base", "drill")}
    end = time.monotonic() + 120
    while not marks["drill"].exists():
        assert time.monotonic() < end, "it does nothing"
        time.sleep(0.1)
    keeping.terminate()
    _, complained = keeping.communicate(timeout=60)
    assert "cannot be written to" in complained  # and a backup is none the worse
    assert len(list((tmp_path / "base").glob("*Z"))) == 1
    assert time.time() - marks["base"].stat().st_mtime < 120
    assert 6 * 86400 < time.time() - marks["drill"].stat().st_mtime < 7 * 86400


def test_how_far_the_log_is_kept_is_told_though_nothing_happens(archived: Archived) -> None:
    """Each minute something small is written, so that silence means that something is wrong."""
    before = hand_on(archived)
    told = archived.textfiles / "tria_wal_archived_timestamp_seconds.prom"
    done(archived, "watch")
    assert hand_on(archived) > before
    done(archived, "watch")
    assert time.time() - float(told.read_text().split()[-1]) < 60
    shutil.rmtree(archived.textfiles)
    archived.textfiles.mkdir()
