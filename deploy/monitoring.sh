#!/bin/sh
# Prometheus, Alertmanager and the exporters, out of Debian's packages. They are installed by root
# where that starts no services, as in a container; else unpacked into .tools/monitoring, where
# Alertmanager lacks its own templates and does not start.
# Where they cannot be had the tests that need them skip and say so.
FOLDER="$PWD/.tools/monitoring"
PROGRAMS="promtool amtool prometheus prometheus-alertmanager prometheus-node-exporter
  prometheus-postgres-exporter prometheus-redis-exporter prometheus-blackbox-exporter"
PACKAGES="prometheus prometheus-alertmanager prometheus-node-exporter
  prometheus-postgres-exporter prometheus-redis-exporter prometheus-blackbox-exporter"

is_complete() {
  for program in $PROGRAMS; do
    command -v "$program" >/dev/null || [ -x "$FOLDER/usr/bin/$program" ] || return 1
  done
}

# With folders of its own, which needs no root.
apt() {
  program=$1
  shift
  "$program" -qq -o Dir::State="$FOLDER/apt" -o Dir::State::status=/var/lib/dpkg/status \
    -o Dir::Cache="$FOLDER/apt/cache" "$@" 2>/dev/null
}

install() {
  [ "$(id -u)" = 0 ] && [ -x /usr/sbin/policy-rc.d ] && command -v apt-get >/dev/null || return 1
  echo "Installing Prometheus, Alertmanager and exporters ..."
  apt-get update -qq
  # Several words.
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $PACKAGES >/dev/null
}

fetch() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  echo "Fetching Prometheus, Alertmanager and exporters ..."
  mkdir -p "$FOLDER/apt/lists/partial" "$FOLDER/apt/cache/archives/partial" "$FOLDER/debs"
  apt apt-get update || return 1
  # Debian has promtool in a package of its own since version 13.
  apt apt-cache show promtool >/dev/null && PACKAGES="$PACKAGES promtool"
  # Several words.
  # shellcheck disable=SC2086
  (cd "$FOLDER/debs" && apt apt-get download $PACKAGES) || return 1
  for package in "$FOLDER"/debs/*.deb; do
    dpkg-deb -x "$package" "$FOLDER" || return 1
  done
  rm -rf "$FOLDER/apt" "$FOLDER/debs"
}

is_complete && exit 0
install && is_complete && exit 0
fetch && is_complete && exit 0
echo "There is no Prometheus here: its tests will be skipped (apt-get install prometheus" \
  "prometheus-alertmanager prometheus-node-exporter prometheus-postgres-exporter" \
  "prometheus-redis-exporter prometheus-blackbox-exporter)."
