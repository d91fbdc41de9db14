#!/bin/sh
# What checks the files of deploy/: nginx, shellcheck, Docker Compose and kubectl, out of Debian's
# packages, unpacked into .tools/deploy: nothing is installed and nothing starts.
# Where they cannot be had the tests that need them skip and say so.
FOLDER="$PWD/.tools/deploy"
# Debian 12 has Compose 1 and no kubectl. Both of Debian 13 are single files that run anywhere.
NEWER="$FOLDER/newer.list"

has() {
  PATH="$PATH:$FOLDER/usr/sbin:$FOLDER/usr/bin" command -v "$1" >/dev/null
}

is_complete() {
  has nginx && has shellcheck && has kubectl && [ -x "$FOLDER/usr/bin/docker-compose" ]
}

# With folders of its own, which needs no root.
apt() {
  program=$1
  shift
  "$program" -qq -o Dir::State="$FOLDER/apt" -o Dir::State::status=/dev/null \
    -o Dir::Cache="$FOLDER/apt/cache" "$@" 2>/dev/null
}

# fetch "PACKAGE ..." [OPTION ...]: out of the machine's own sources, or those that options name.
fetch() {
  packages=$1
  shift
  mkdir -p "$FOLDER/apt/lists/partial" "$FOLDER/apt/cache/archives/partial" "$FOLDER/debs"
  apt apt-get "$@" update || return 1
  # Several words.
  # shellcheck disable=SC2086
  (cd "$FOLDER/debs" && apt apt-get "$@" download $packages) || return 1
  for package in "$FOLDER"/debs/*.deb; do
    dpkg-deb -x "$package" "$FOLDER" || return 1
  done
  rm -rf "$FOLDER/apt" "$FOLDER/debs"
}

fetch_all() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  echo "Fetching nginx, shellcheck, Docker Compose and kubectl ..."
  fetch "nginx shellcheck" || return 1
  keys=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keys] http://deb.debian.org/debian trixie main" >"$NEWER"
  fetch "docker-compose kubectl" -o Dir::Etc::sourcelist="$NEWER" -o Dir::Etc::sourceparts=-
  mv "$FOLDER/usr/libexec/docker/cli-plugins/docker-compose" "$FOLDER/usr/bin/"
}

is_complete && exit 0
fetch_all
is_complete && exit 0
echo "Some of nginx, shellcheck, Docker Compose 2 and kubectl are not here: their tests will be" \
  "skipped (apt-get install nginx shellcheck docker-compose kubectl)."
