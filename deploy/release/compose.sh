#!/bin/sh
# One colour, all its replicas, with Docker Compose: compose.sh STEP COLOUR
set -eu
step=$1
colour=$2
URL=http://127.0.0.1:8003

# In each replica; there must be one.
each() {
  found=$(docker compose ps --quiet "$colour")
  [ -n "$found" ] || { echo "no container of $colour runs" >&2; return 1; }
  for container in $found; do
    docker exec "$container" "$@" || return 1
  done
}
page() { each python -c "import urllib.request as u; print(u.urlopen('$URL$1', timeout=5).read().decode())"; }

case $step in
build) docker compose build "$colour" ;;
migrate) docker compose run --rm migrate ;;
start) docker compose up --detach --no-deps "$colour" ;;
ready) page /health/ready >/dev/null ;;
smoke) each python -m api.smoke ;;
metrics) page /metrics ;;
check) docker compose exec -T proxy nginx -t -c /etc/nginx/tria/nginx.conf ;;
reload) docker compose exec -T proxy nginx -s reload -c /etc/nginx/tria/nginx.conf ;;
stop) docker compose stop "$colour" ;;
*) sed -n '2s/^# //p' "$0" >&2; exit 64 ;;
esac
