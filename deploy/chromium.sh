#!/bin/sh
# Debian's Chromium for the browser tests. Where it cannot be had those tests skip and say so.
command -v chromium >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium for the browser tests ..."
  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "There is no chromium here: the browser tests will be skipped (apt-get install chromium)."
