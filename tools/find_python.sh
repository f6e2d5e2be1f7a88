#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints "VERSION PATH" of the newest Python >= 3.10 on PATH that really runs and can make virtual environments.
# The name alone proves nothing: version managers put shims on PATH for Pythons that are not switched on, and Debian ships
# Python without ensurepip. $PYTHON, when set, is the only candidate.
# Where there is none: one sentence with the command that installs one, and exit code 1.
set -u

PROBE='
import sys
import ensurepip, venv
if sys.version_info < (3, 10):
    sys.exit(1)
print("%d.%d.%d" % sys.version_info[:3], getattr(sys, "_base_executable", None) or sys.executable)
'

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    echo "$PATH" | tr ':' '\n' | while IFS= read -r folder; do
        for file in "$folder"/python3.[0-9]*; do
            name=${file##*/}
            case ${name#python3.} in *[!0-9]*) continue ;; esac
            [ -x "$file" ] && printf '%s %s\n' "${name#python3.}" "$file"
        done
    done | sort -s -rn -k1,1 | cut -d' ' -f2-
    command -v python3
}

runs() {
    "$1" -c "$PROBE" 2>/dev/null
}

how_to_install() {
    ID='' ID_LIKE='' VERSION_ID=''
    # shellcheck source=/dev/null
    [ -r "${OS_RELEASE:-/etc/os-release}" ] && . "${OS_RELEASE:-/etc/os-release}"
    sudo=''
    [ "$(id -u)" = 0 ] || sudo='sudo '
    case " $ID $ID_LIKE " in
        *" debian "* | *" ubuntu "*)
            case "$ID $VERSION_ID" in
                'debian 10' | 'debian 11' | 'ubuntu 18.04' | 'ubuntu 20.04')
                    echo "this release of $ID packages no Python 3.10; put one on PATH and run: make venv PYTHON=/path/to/python3" ;;
                *) echo "run: ${sudo}apt-get install python3-venv" ;;
            esac ;;
        *" rhel "* | *" centos "*) echo "run: ${sudo}dnf install python3.12" ;;
        *" fedora "*) echo "run: ${sudo}dnf install python3" ;;
        *) echo "install one with your package manager, then run: make venv PYTHON=/path/to/python3" ;;
    esac
}

found=$(candidates | while IFS= read -r python; do
    if answer=$(runs "$python"); then
        echo "$answer"
        break
    fi
done)
if [ -n "$found" ]; then
    echo "$found"
    exit 0
fi
echo "No Python 3.10 or newer with the venv and ensurepip modules is on PATH; $(how_to_install)" >&2
exit 1
