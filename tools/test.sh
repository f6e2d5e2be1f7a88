#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every kind of test, also after one has failed, and ends with a table: result, seconds and closing line of each.
# No test may change a sysctl of this machine: the last row compares them all.
set -u
cd "$(dirname "$0")/.." || exit 1
stages='lint unit sanity targets integration molecule build'
total=$(echo "$stages" | wc -w | tr -d ' ')
logs=tests/output/test
rm -rf "$logs"
mkdir -p "$logs"
table=$logs/table
failed=''
number=0
trap 'echo "Interrupted during $stage; make test starts again at any time" >&2; exit 130' INT TERM HUP

closing_line() { # pytest's closing line, else the last line
    line=$(grep -E '[0-9]+ (passed|failed|errors?|skipped).* in [0-9.]+s' "$1" | tail -n 1 | tr -d '=')
    [ -n "$line" ] || line=$(grep -v '^make' "$1" | tail -n 1)
    echo "$line" | sed 's/^ *//; s/ *$//'
}

row() { # row STAGE CODE SECONDS
    if [ "$2" = 0 ]; then result=ok; else result=FAILED failed="$failed $1"; fi
    printf '%-12s %-6s %4ss  %s\n' "$1" "$result" "$3" "$(closing_line "$logs/$1.log")" >>"$table"
}

.venv/bin/python tools/machine_keys.py save "$logs/keys.json"
for stage in $stages; do
    number=$((number + 1))
    echo "== [$number/$total] make $stage"
    started=$(date +%s)
    { "${MAKE:-make}" --no-print-directory "$stage" 2>&1; echo $? >"$logs/$stage.code"; } | tee "$logs/$stage.log"
    row "$stage" "$(cat "$logs/$stage.code")" $(($(date +%s) - started))
done
.venv/bin/python tools/machine_keys.py compare "$logs/keys.json" >"$logs/sysctls.log"
row sysctls $? 0
echo '== summary'
cat "$table"
grep -h '^NOT TESTED' "$logs"/*.log | sort -u
[ -z "$failed" ] || { echo "Failed:$failed (logs in $logs)" >&2; exit 1; }
