#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs Molecule's scenarios one after the other, also after one has failed.
#   tools/molecule.sh [SCENARIO ...]
#   TEST_SUITES    pairs of distributions, of a host with and one without CAP_SYS_ADMIN ("trixie noble"; all scenarios for each pair)
# Ends the hosts when it is interrupted. For a look at a host in between: molecule converge -s SCENARIO, molecule login -s SCENARIO.
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
failed='' running=''

end_hosts() { # those of the scenario that was interrupted: another run in this checkout may have others
    [ -n "$running" ] || return 0
    hosts=$(tools/engine.sh ps --all --format '{{.Names}}' --filter "name=listen-queue-$TEST_RUN-$running-")
    # shellcheck disable=SC2086
    tools/host.sh down $hosts
}

run() { # run SCENARIO: its output is a file, of which a failure shows the end
    started=$(date +%s) running=$1
    log=$logs/$1-$TEST_SUITE_ADMIN-$TEST_SUITE_PLAIN.log
    if molecule test -s "$1" >"$log" 2>&1 </dev/null; then
        echo "ok      $1 on $TEST_SUITE_ADMIN and $TEST_SUITE_PLAIN, $(($(date +%s) - started)) s"
    else
        tail -n 100 "$log"
        echo "FAILED  $1 on $TEST_SUITE_ADMIN and $TEST_SUITE_PLAIN ($log)"
        failed="$failed $1"
    fi
    running=''
}

trap end_hosts EXIT
trap 'exit 130' INT TERM HUP
count=0
pairs=${TEST_SUITES:-trixie noble}
while [ -n "$pairs" ]; do
    # shellcheck disable=SC2086
    TEST_SUITE_ADMIN=$(echo $pairs | cut -d' ' -f1) TEST_SUITE_PLAIN=$(echo $pairs | cut -d' ' -f2)
    export TEST_SUITE_ADMIN TEST_SUITE_PLAIN
    tools/images.sh "$TEST_SUITE_ADMIN" "$TEST_SUITE_PLAIN" >/dev/null
    for scenario; do
        run "$scenario"
        count=$((count + 1))
    done
    # shellcheck disable=SC2086
    pairs=$(echo $pairs | cut -s -d' ' -f3-)
done
[ -z "$failed" ] || { echo "Scenarios failed:$failed" >&2; exit 1; }
echo "Molecule: $count scenarios passed"
