#!/bin/sh
# Node and the JavaScript clients for tests/protocol. Where they cannot be had those tests skip and say so.
uv=$1 suites=tests/protocol/js tools=.tools/node
is_recent() { "$1" -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null; }
install() {
  if ! is_recent node && ! is_recent $tools/bin/node; then
    echo "Fetching Node for the protocol's tests ..."
    UV_PROJECT_ENVIRONMENT=$tools "$uv" sync --quiet --locked --only-group javascript || return 1
  fi
  is_recent node || PATH="$PWD/$tools/bin:$PATH"
  echo "Installing the JavaScript clients for the protocol's tests ..."
  npm ci --prefix $suites --no-audit --no-fund --ignore-scripts --loglevel=error
}
install && exit 0
rm -rf $suites/node_modules
echo "The JavaScript clients cannot be installed here: their tests will be skipped (npm ci --prefix $suites)."
