#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every kind of test, also after one has failed, and ends with a table: result, seconds and closing line of each.
set -u
cd "$(dirname "$0")/.." || exit 1
stages='lint unit sanity targets integration build'
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

for stage in $stages; do
    number=$((number + 1))
    echo "== [$number/$total] make $stage"
    started=$(date +%s)
    { "${MAKE:-make}" --no-print-directory "$stage" 2>&1; echo $? >"$logs/$stage.code"; } | tee "$logs/$stage.log"
    if [ "$(cat "$logs/$stage.code")" = 0 ]; then result=ok; else result=FAILED failed="$failed $stage"; fi
    printf '%-12s %-6s %4ss  %s\n' "$stage" "$result" "$(($(date +%s) - started))" "$(closing_line "$logs/$stage.log")" >>"$table"
done
echo '== summary'
cat "$table"
[ -z "$failed" ] || { echo "Failed:$failed (logs in $logs)" >&2; exit 1; }
