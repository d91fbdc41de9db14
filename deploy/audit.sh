#!/bin/sh
# Known vulnerabilities of all that is locked: Python's packages, and the JavaScript clients of the tests.
#   sh deploy/audit.sh UV [OPTION ...]    the options are those of uv audit
# It ends with 0 where none is known, with 1 where some are, and with 2 where whoever knows them could not be asked:
# what nobody looked at is not well.
uv=$1
shift
worst=0

javascript() {
  command -v npm >/dev/null || PATH="$PWD/.tools/node/bin:$PATH"
  command -v npm >/dev/null || { echo "There is no npm here: sh deploy/node.sh $uv fetches it."; return 2; }
  said=$(npm audit --prefix tests/protocol/js --audit-level=low 2>&1)
  code=$?
  echo "$said"
  case $said in *"audit endpoint returned an error"*) return 2 ;; esac
  return "$code"
}

note() {
  [ "$2" -lt 2 ] || echo "NOT AUDITED: whoever knows the vulnerabilities of $1 could not be asked."
  [ "$2" -le "$worst" ] || worst=$2
}

echo "== python"
"$uv" audit --locked --preview-features audit "$@"
note python $?
echo "== javascript"
javascript
note javascript $?
exit "$worst"
