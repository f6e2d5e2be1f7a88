#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs Molecule's scenarios, also after one has failed.
#   tools/molecule.sh [SCENARIO ...]
#   TEST_SUITES    pairs of distributions, of a host with and one without CAP_SYS_ADMIN ("trixie noble"; all scenarios for each pair)
#   TEST_JOBS      how many scenarios run at the same time (2; a scenario waits most of its time)
# Ends the hosts when it is interrupted. CONTRIBUTING.md says how to have a look at one.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
TEST_RUN=$(pwd -P | cksum | cut -d' ' -f1)
export PATH TEST_RUN LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
unset ANSIBLE_CONFIG
logs=tests/output/molecule
mkdir -p "$logs"
if [ $# = 0 ]; then
    for file in molecule/*/molecule.yml; do
        set -- "$@" "$(basename "$(dirname "$file")")"
    done
fi
work=$(mktemp -d) lanes='' running='' group=''
if [ -n "${TEST_ENGINE:-}" ]; then # testinfra calls it by the name podman
    engine=$(command -v "$TEST_ENGINE") || { echo "There is no program $TEST_ENGINE; set TEST_ENGINE to a podman, or leave it out" >&2; exit 1; }
    mkdir "$work/bin"
    ln -s "$engine" "$work/bin/podman"
    PATH=$work/bin:$PATH
fi

stop() { # a second signal does not keep the hosts of the first one
    trap '' INT TERM HUP
    exit 130
}

end_scenario() { # only the hosts of this scenario: another run in this checkout may have others
    [ -n "$running" ] || return 0
    kill -TERM "-$group" 2>/dev/null || true
    hosts=$(tools/engine.sh ps --all --format '{{.Names}}' --filter "name=listen-queue-$TEST_RUN-$running-")
    # shellcheck disable=SC2086
    tools/host.sh down $hosts
}

run() { # run SCENARIO: its output is a file, of which a failure shows the end
    started=$(date +%s) running=$1 name="$1 on $TEST_SUITE_ADMIN and $TEST_SUITE_PLAIN"
    log=$logs/$1-$TEST_SUITE_ADMIN-$TEST_SUITE_PLAIN.log
    setsid molecule test -s "$1" >"$log" 2>&1 </dev/null &
    group=$!
    if wait "$group"; then
        echo "ok      $name, $(($(date +%s) - started)) s"
    else
        tail -n 100 "$log"
        echo "FAILED  $name ($log)"
        echo "$1" >>"$work/failed"
    fi
    echo "$1" >>"$work/done"
    running=''
}

lane() { # takes one scenario after the other that no other lane has taken
    trap end_scenario EXIT
    trap stop INT TERM HUP
    for scenario; do
        mkdir "$work/$TEST_SUITE_ADMIN-$scenario" 2>/dev/null || continue
        run "$scenario"
    done
}

end_lanes() {
    for lane in $lanes; do kill -TERM "$lane" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}

trap end_lanes EXIT
trap stop INT TERM HUP
pairs=${TEST_SUITES:-trixie noble}
while [ -n "$pairs" ]; do
    # shellcheck disable=SC2086
    TEST_SUITE_ADMIN=$(echo $pairs | cut -d' ' -f1) TEST_SUITE_PLAIN=$(echo $pairs | cut -d' ' -f2)
    export TEST_SUITE_ADMIN TEST_SUITE_PLAIN
    tools/images.sh "$TEST_SUITE_ADMIN" "$TEST_SUITE_PLAIN" >/dev/null
    job=0
    while [ "$job" -lt "${TEST_JOBS:-2}" ]; do
        lane "$@" &
        lanes="$lanes $!" job=$((job + 1))
    done
    # shellcheck disable=SC2086
    wait $lanes
    lanes=''
    # shellcheck disable=SC2086
    pairs=$(echo $pairs | cut -s -d' ' -f3-)
done
[ ! -e "$work/failed" ] || { echo "Scenarios failed: $(paste -sd' ' "$work/failed")" >&2; exit 1; }
echo "Molecule: $(wc -l <"$work/done") scenarios passed"
