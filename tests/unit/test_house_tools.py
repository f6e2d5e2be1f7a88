# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""tools/test.sh and tools/molecule.sh fail when anything they ran has failed, run the rest all the same, and end what they started.

Each runs in a folder of its own, with stages and scenarios that end as the test says.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"

pytestmark = pytest.mark.skipif(not TOOLS.exists(), reason="an installed collection has no tools")

STAGES = ("lint", "unit", "sanity", "targets", "integration", "molecule", "build")
MAKE = """#!/bin/sh
case " $BROKEN " in *" $2 "*) echo "$2 broke"; exit 2 ;; esac
case " $SLOW " in *" $2 "*) touch "begun.$2"; sleep 60 ;; esac
[ "$2" != "$LATE" ] || sleep 1
[ "$2" != "$KILLED" ] || kill -KILL 0
[ "$2" != unit ] || echo '== 3 passed, 1 skipped in 0.10s =='
[ "$2" != targets ] || echo 'NOT TESTED: Python 3.6'
echo "the end of $2"
"""
KEYS = """import os, sys
broken = sys.argv[1] == "compare" and "sysctls" in os.environ.get("BROKEN", "")
print("sysctls broke" if broken else "the sysctls")
sys.exit(broken)
"""
MOLECULE = """#!/bin/sh
echo "$3 on $TEST_SUITE_ADMIN and $TEST_SUITE_PLAIN" >>begun
case " $SLOW " in *" $3 "*) trap 'touch stopped; exit 1' TERM; sleep 60 & wait ;; esac
case " $BROKEN " in *" $3 "*) echo "$3 broke"; exit 1 ;; esac
"""
ENGINE = """#!/bin/sh
touch asked
sleep 0.3
echo "the-hosts-of-${6#name=}"
"""
HOST = """#!/bin/sh
echo "$@" >>ended
"""
SCENARIOS = ("alpha", "beta", "gamma")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture(autouse=True)
def heeds_interrupts():
    """What the shell starts in the background ignores SIGINT, and so would all that it starts; a handler of Python is not inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def checkout(tmp_path):
    """A folder with the scripts, whose programs are ours."""
    (tmp_path / "tools").mkdir()
    for name in ("test.sh", "molecule.sh"):
        shutil.copy(TOOLS / name, tmp_path / "tools")
    programs = {"make": MAKE, "tools/machine_keys.py": KEYS, ".venv/bin/molecule": MOLECULE, "tools/engine.sh": ENGINE, "tools/host.sh": HOST}
    for name, text in {**programs, "tools/images.sh": "#!/bin/sh\n"}.items():
        write(tmp_path / name, text)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for name in SCENARIOS:
        write(tmp_path / "molecule" / name / "molecule.yml", "---\n")
    return tmp_path


def started(checkout, script, *arguments, **variables):
    return subprocess.Popen(
        ["sh", str(checkout / "tools" / script), *arguments],
        env={"PATH": os.environ["PATH"], "MAKE": str(checkout / "make"), "TMPDIR": str(checkout), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(checkout, script, *arguments, **variables):
    """(exit code, output)"""
    program = started(checkout, script, *arguments, **variables)
    output = program.communicate(timeout=60)[0]
    return program.returncode, output


def wait_for(program, *files):
    """Wait until the files are there; `program` has to run until then."""
    ends = time.monotonic() + 30
    while not all(file.exists() for file in files):
        assert (program is None or program.poll() is None) and time.monotonic() < ends
        time.sleep(0.01)


def output_of(program):
    """What is left of the output. It ends when the last program has ended that the script had started."""
    return program.communicate(timeout=30)[0]


def table(output):
    """{stage: result} of the summary of make test."""
    rows = [line.split() for line in output.split("== summary")[1].splitlines()[1:]]
    return {row[0]: row[1] for row in rows if row[0] in (*STAGES, "sysctls")}


def test_all_stages_are_run_and_told(checkout):
    code, output = run(checkout, "test.sh", LATE="targets")
    assert (code, table(output)) == (0, dict.fromkeys((*STAGES, "sysctls"), "ok"))
    summary = output.split("== summary")[1]
    assert "3 passed, 1 skipped in 0.10s\n" in summary and "  the end of build\n" in summary and "\nNOT TESTED: Python 3.6\n" in summary


@pytest.mark.parametrize("stage", [*STAGES, "sysctls"])
def test_stage_that_fails_is_named_and_the_others_are_run(checkout, stage):
    code, output = run(checkout, "test.sh", BROKEN=stage)
    assert (code, table(output)) == (1, {**dict.fromkeys((*STAGES, "sysctls"), "ok"), stage: "FAILED"})
    assert output.endswith("Failed: %s (logs in tests/output/test)\n" % stage)
    assert "\n%s broke\n" % stage in output


def test_stages_that_never_ended_are_named_whatever_an_earlier_run_said(checkout):
    run(checkout, "test.sh")
    code, output = run(checkout, "test.sh", KILLED="unit")
    assert code == 1 and "\nFailed: unit sanity targets (logs in tests/output/test)\n" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_tests_end_both_lanes(checkout, number):
    program = started(checkout, "test.sh", SLOW="lint integration")
    wait_for(program, checkout / "begun.integration", checkout / "begun.lint")
    os.killpg(program.pid, number)
    output = output_of(program)
    assert program.returncode == 130 and "Interrupted; make test starts again at any time\n" in output and "== summary" not in output


def test_all_scenarios_are_run(checkout):
    code, output = run(checkout, "molecule.sh")
    assert (code, output.splitlines()[-1]) == (0, "Molecule: 3 scenarios passed")
    assert sorted((checkout / "begun").read_text().splitlines()) == [name + " on trixie and noble" for name in SCENARIOS]


@pytest.mark.parametrize("jobs", ["1", "2", "4"])
def test_scenario_that_fails_is_named_and_the_others_are_run(checkout, jobs):
    code, output = run(checkout, "molecule.sh", BROKEN="alpha", TEST_JOBS=jobs)
    assert (code, output.splitlines()[-1]) == (1, "Scenarios failed: alpha")
    assert "\nalpha broke\n" in "\n" + output and len((checkout / "begun").read_text().splitlines()) == 3


def test_named_scenarios_are_run_for_each_pair_of_distributions(checkout):
    code, output = run(checkout, "molecule.sh", "beta", "gamma", TEST_SUITES="trixie noble bookworm bullseye", BROKEN="gamma")
    assert (code, output.splitlines()[-1]) == (1, "Scenarios failed: gamma gamma")
    pairs = ("bookworm and bullseye", "trixie and noble")
    assert sorted((checkout / "begun").read_text().splitlines()) == ["%s on %s" % (name, pair) for name in ("beta", "gamma") for pair in pairs]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_scenario_loses_its_hosts(checkout, number):
    """Also when it is interrupted again while it removes them."""
    program = started(checkout, "molecule.sh", "beta", SLOW="beta")
    for file in ("begun", "asked"):
        wait_for(program, checkout / file)
        os.killpg(program.pid, number)
    output_of(program)
    wait_for(None, checkout / "stopped")
    ended = (checkout / "ended").read_text().splitlines()
    assert program.returncode == 130 and len(ended) == 1 and ended[0].startswith("down the-hosts-of-listen-queue-") and ended[0].endswith("-beta-")
