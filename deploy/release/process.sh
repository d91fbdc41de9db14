#!/bin/sh
# One colour as a plain process, on a server without containers: process.sh STEP COLOUR
#
# In the folder TRIA_COLOURS lie the settings of each colour, COLOUR.env: its TRIA_PORT, where its
# version lies (TRIA_HOME) and what runs it (TRIA_PYTHON). Its process id and its log come beside.
# TRIA_NGINX is how nginx is called, with its options.
set -eu
step=$1
colour=$2
set -a
# Which file it is, only the server knows.
# shellcheck disable=SC1090
. "$TRIA_COLOURS/$colour.env"
set +a
cd "${TRIA_HOME:-.}"
python=${TRIA_PYTHON:-.venv/bin/python}
pid=$TRIA_COLOURS/$colour.pid

is_there() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
answer() { curl -sSf --max-time 5 "http://127.0.0.1:$TRIA_PORT$1"; }
# shellcheck disable=SC2086
proxy() { ${TRIA_NGINX:-nginx} "$@"; }

case $step in
build) ;;
migrate) "$python" -m graph.migrate ;;
start)
  ! is_there || { echo "$colour runs already" >&2; exit 1; }
  setsid "$python" -m "${TRIA_MODULE:-api}" </dev/null >>"$TRIA_COLOURS/$colour.log" 2>&1 &
  echo $! >"$pid"
  ;;
ready) is_there && answer /health/ready >/dev/null ;;
smoke) "$python" -m api.smoke ;;
metrics) answer /metrics ;;
check) proxy -t ;;
reload) proxy -s reload ;;
stop)
  is_there || exit 0
  kill "$(cat "$pid")"
  left=60
  while is_there && [ $left -gt 0 ]; do
    sleep 1
    left=$((left - 1))
  done
  ! is_there || kill -9 "$(cat "$pid")"
  rm "$pid"
  ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
esac
