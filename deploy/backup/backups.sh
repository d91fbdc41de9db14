#!/bin/sh
# Base backups of Postgres and the log that it writes since, kept in a folder, and the way back.
#
#   backups.sh archive PATH NAME   Postgres' archive_command: keep a finished piece of the log
#   backups.sh fetch NAME PATH     its restore_command: give one back
#   backups.sh base                make a base backup, verify it, let go of what is too old
#   backups.sh restore FOLDER [TIME]
#                                  fill an empty folder: to the latest moment, or just before TIME
#   backups.sh drill               restore beside the service, start it, and look at every table
#   backups.sh watch               how far is the log kept?
#   backups.sh keep                all of this by the clock: what the container of backups runs
#
# BACKUPS is the folder. Which Postgres is in PGHOST, PGPORT, PGUSER and PGDATABASE, its password
# in PGPASSWORD or in the file that PGPASSWORD_FILE names. With TEXTFILES, a folder of
# node-exporter, it tells Prometheus when each went well last. KEEP base backups are kept.
set -eu

BACKUPS=${BACKUPS:-/backups}
KEEP=${KEEP:-7}
BASE_HOURS=${BASE_HOURS:-24}
DRILL_DAYS=${DRILL_DAYS:-7}
DRILL_SECONDS=${DRILL_SECONDS:-900}
SELF=$(readlink -f "$0")
LAST_PIECE='select extract(epoch from last_archived_time)::bigint from pg_stat_archiver'
LAST_WORD="select 'restored: ' || count(*) || ' messages, the last of ' || max(created_at) from messages"

if [ -n "${PGPASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$PGPASSWORD_FILE")
  export PGPASSWORD
fi

say() { echo "$(date -u +%FT%TZ) $*"; }

# A number for Prometheus: the file is there as a whole or not at all. A backup is none the worse
# where it cannot be told.
tell() {
  [ -n "${TEXTFILES:-}" ] || return 0
  { printf '# TYPE %s gauge\n%s %s\n' "$1" "$1" "$2" >"$TEXTFILES/$1.draft" &&
    chmod 644 "$TEXTFILES/$1.draft" &&
    mv "$TEXTFILES/$1.draft" "$TEXTFILES/$1.prom"; } ||
    say "$TEXTFILES cannot be written to: nobody hears of $1" >&2
}

ask() { psql -X -A -t -q -v ON_ERROR_STOP=1 "$@"; }

# A piece that is there already may come again after a crash, but only with the same content.
archive() {
  kept=$BACKUPS/wal/$2.gz
  mkdir -p "$BACKUPS/wal"
  if [ -f "$kept" ]; then
    gzip -dc "$kept" | cmp -s - "$1" && return 0
    say "another $2 is kept already" >&2
    return 1
  fi
  gzip -1 <"$1" >"$kept.draft"
  sync "$kept.draft"
  mv "$kept.draft" "$kept"
  sync "$BACKUPS/wal"
}

# A piece that is not there ends the log; one that cannot be read must not: Postgres gives up.
fetch() {
  [ -f "$BACKUPS/wal/$1.gz" ] || return 1
  gzip -dc "$BACKUPS/wal/$1.gz" >"$2" || exit 127
}

# Where in the log its newest piece stands, whatever the line of history that it belongs to.
end_of_log() {
  find "$BACKUPS/wal" -name '????????????????????????.gz' | sed 's/.*\(.\{16\}\)\.gz$/\1/' | sort | tail -n 1
}

newest() { find "$BACKUPS/base" -mindepth 1 -maxdepth 1 -name '*Z' 2>/dev/null | sort | tail -n "${1:-1}"; }

# Named by when it began; under that name only once it has proved whole.
base() {
  name=$(date -u +%Y%m%dT%H%M%SZ)
  draft=$BACKUPS/base/.$name
  mkdir -p "$BACKUPS/base" "$BACKUPS/wal"
  rm -rf "$BACKUPS"/base/.2*
  pg_basebackup -D "$draft" -X stream --checkpoint=fast --no-password --label="tria $name"
  pg_verifybackup --quiet "$draft"
  sync "$draft"
  mv "$draft" "$BACKUPS/base/$name"
  tell tria_backup_last_success_timestamp_seconds "$(date +%s)"
  say "base backup $name, $(du -sm "$BACKUPS/base/$name" | cut -f1) MB"
  let_go
}

# The log is kept from the oldest base backup on that is kept.
let_go() {
  newest 1000 | head -n "-$KEEP" | while read -r old; do
    rm -rf "$old"
    say "let go of base backup $(basename "$old")"
  done
  oldest=$(newest "$KEEP" | head -n 1)
  first=$(sed -n 's/^START WAL LOCATION: .*(file \([0-9A-F]*\))$/\1/p' "$oldest/backup_label")
  pg_archivecleanup -x .gz "$BACKUPS/wal" "$first"
}

# The newest base backup of before the time; without a time the newest of all.
base_before() {
  newest 1000 | while read -r each; do
    at=$(basename "$each" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z$/\1-\2-\3T\4:\5:\6Z/')
    [ -z "${1:-}" ] || [ "$(date -d "$at" +%s)" -lt "$(date -d "$1" +%s)" ] || continue
    echo "$each"
  done | tail -n 1
}

# Postgres itself reads the log, once somebody starts it there.
restore() {
  target=$1
  time=${2:-}
  if [ -n "$(ls -A "$target" 2>/dev/null)" ]; then
    say "$target is not empty: nothing is written over" >&2
    return 1
  fi
  from=$(base_before "$time")
  if [ -z "$from" ]; then
    say "there is no base backup in $BACKUPS/base${time:+ of before $time}" >&2
    return 1
  fi
  mkdir -p "$target"
  cp -a "$from/." "$target"
  chmod 700 "$target"
  {
    echo "restore_command = 'BACKUPS=$BACKUPS sh $SELF fetch \"%f\" \"%p\"'"
    echo "recovery_target_timeline = 'latest'"
    [ -z "$time" ] || echo "recovery_target_time = '$time'"
    [ -z "$time" ] || echo "recovery_target_inclusive = off"
    [ -z "$time" ] || echo "recovery_target_action = 'promote'"
  } >>"$target/postgresql.auto.conf"
  touch "$target/recovery.signal"
  say "restored $(basename "$from") to $target: start Postgres there${time:+, it stops at $time}"
}

# Into a folder of its own, on a socket that nobody else sees; nothing of it reaches the archive.
drill() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/drill.XXXXXX")
  trap 'pg_ctl -D "$scratch/data" -m immediate stop >/dev/null 2>&1 || :; rm -rf "$scratch"' EXIT
  started=$(date +%s)
  until=$(end_of_log)
  restore "$scratch/data"
  pg_ctl -D "$scratch/data" -l "$scratch/log" -t "$DRILL_SECONDS" -w start >/dev/null -o \
    "-c listen_addresses='' -k $scratch -p 5432 -c archive_mode=off -c hot_standby=off" || :
  export PGHOST="$scratch" PGPORT=5432
  until [ "$(ask -c 'select pg_is_in_recovery()' 2>/dev/null)" = f ]; do
    if ! pg_ctl -D "$scratch/data" status >/dev/null ||
      [ $(($(date +%s) - started)) -gt "$DRILL_SECONDS" ]; then
      tail -n 5 "$scratch/log" >&2
      return 1
    fi
    sleep 0.2
  done
  reached=$(ask -c "select right(pg_walfile_name(pg_current_wal_lsn()), 16)")
  if [ "$(printf '%s\n%s\n' "$until" "$reached" | sort | head -n 1)" != "$until" ]; then
    say "the log ends at $reached, though pieces up to $until are kept: one between is missing" >&2
    return 1
  fi
  pg_amcheck --all --install-missing --heapallindexed
  ask -c "$LAST_WORD"
  tell tria_restore_verified_timestamp_seconds "$(date +%s)"
  say "drill went well in $(($(date +%s) - started)) s"
}

# What we write each minute makes even an idle server hand on a piece of its log, so that silence
# means that something is wrong.
watch() {
  ask -c "select pg_logical_emit_message(true, 'tria', 'still there')" >/dev/null
  at=$(ask -c "$LAST_PIECE")
  [ -z "$at" ] || tell tria_wal_archived_timestamp_seconds "$at"
}

# What fails is tried again after an hour: each minute it would be a burden of its own.
by_the_clock() {
  [ -z "$(find "$BACKUPS" -maxdepth 1 -name ".$1" -mmin "-$2")" ] || return 0
  if sh "$SELF" "$1"; then
    touch "$BACKUPS/.$1"
  else
    touch -d "-$(($2 - 60)) minutes" "$BACKUPS/.$1"
  fi
}

keep() {
  trap 'kill "${!:-}" 2>/dev/null; exit 0' TERM INT
  while :; do
    sh "$SELF" watch || say "Postgres was not asked" >&2
    by_the_clock base $((BASE_HOURS * 60))
    by_the_clock drill $((DRILL_DAYS * 1440))
    sleep 60 &
    wait $!
  done
}

step=${1:-}
[ $# -eq 0 ] || shift
case $step in
archive | fetch | base | restore | drill | watch | keep) "$step" "$@" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$SELF" >&2; exit 64 ;;
esac
