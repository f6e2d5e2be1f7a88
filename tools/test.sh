#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every kind of test, also after one has failed, and ends with a table: result, seconds and closing line of each.
# There are two lanes, because what waits for hosts and windows leaves a processor to what compiles. The first lane writes to its logs
# only; the second one is shown. No test may change a sysctl of this machine: the last row compares them all.
set -u
cd "$(dirname "$0")/.." || exit 1
quiet_lane='lint unit sanity targets'
shown_lane='integration molecule build'
stages="$quiet_lane $shown_lane"
logs=tests/output/test

closing_line() { # pytest's closing line, else the last line
    line=$(grep -E '[0-9]+ (passed|failed|errors?|skipped).* in [0-9.]+s' "$1" | tail -n 1 | tr -d '=')
    [ -n "$line" ] || line=$(grep -v '^make' "$1" | tail -n 1)
    echo "$line" | sed 's/^ *//; s/ *$//'
}

row() { # row STAGE CODE SECONDS
    if [ "$2" = 0 ]; then result=ok; else result=FAILED; fi
    printf '%-12s %-6s %4ss  %s\n' "$1" "$result" "$3" "$(closing_line "$logs/$1.log")" >"$logs/$1.row"
}

run_stage() { # run_stage STAGE: its output to its log and to stdout
    started=$(date +%s)
    { "${MAKE:-make}" --no-print-directory "$1" 2>&1; echo $? >"$logs/$1.code"; } | tee "$logs/$1.log"
    row "$1" "$(cat "$logs/$1.code")" $(($(date +%s) - started))
    echo "== $(cat "$logs/$1.row")"
}

if [ "${1:-}" = quiet-lane ]; then
    for stage in $quiet_lane; do
        echo "== make $stage, in the background ($logs/$stage.log)"
        run_stage "$stage" | tail -n 1
    done
    exit
fi

rm -rf "$logs"
mkdir -p "$logs"
started_all=$(date +%s)
setsid sh tools/test.sh quiet-lane & # a process group of its own, so that all of it can be ended
quiet=$!
trap 'kill -TERM -$quiet 2>/dev/null; echo "Interrupted; make test starts again at any time" >&2; exit 130' INT TERM HUP

.venv/bin/python tools/machine_keys.py save "$logs/keys.json"
for stage in $shown_lane; do
    echo "== make $stage"
    run_stage "$stage"
done
echo '== waiting for what runs in the background'
wait "$quiet"
.venv/bin/python tools/machine_keys.py compare "$logs/keys.json" >"$logs/sysctls.log"
row sysctls $? 0

failed=''
for stage in $stages sysctls; do
    grep -q '^[a-z]* *ok ' "$logs/$stage.row" && continue
    failed="$failed $stage"
    case " $quiet_lane sysctls " in *" $stage "*) printf '== what %s said last\n' "$stage"; tail -n 40 "$logs/$stage.log" ;; esac
done
echo "== summary ($(($(date +%s) - started_all)) s)"
for stage in $stages sysctls; do cat "$logs/$stage.row"; done
grep -h '^NOT TESTED' "$logs"/*.log | sort -u
[ -z "$failed" ] || { echo "Failed:$failed (logs in $logs)" >&2; exit 1; }
