#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes .venv:   tools/venv.sh audit   what `make audit` needs (requirements.txt)
#                tools/venv.sh dev     that and what the tests need (requirements-dev.txt)
# Idempotent: a stamp inside .venv names the interpreter, the requirements and the folder it was made for.
# Safe to interrupt: everything happens in .venv.tmp, which becomes .venv by a rename once it is complete.
set -eu
export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1
cd "$(dirname "$0")/.."
root=$(pwd -P)
level=${1:-audit}

found=$(tools/find_python.sh) || exit 1
version=${found%% *}
python=${found#* }

key() { # key LEVEL: what .venv must have been made from to be good for LEVEL
    case $1 in audit) files='requirements.txt' ;; *) files='requirements.txt requirements-dev.txt' ;; esac
    # shellcheck disable=SC2086
    echo "$1 $version $python $root $(cat $files tools/venv.sh | cksum)"
}

is_made() { # a .venv for the tests also serves the audit
    [ -x .venv/bin/python ] && [ -f .venv/stamp ] && grep -qxF "$(key "$level")" .venv/stamp && .venv/bin/python -c '' 2>/dev/null
}

lock() { # the kernel lets go of the lock when the last process that holds it ends, however it ends
    exec 9>.venv.lock
    command -v flock >/dev/null || return 0
    flock -n 9 && return
    echo 'Another make is building .venv; waiting for it ...'
    flock 9
}

forget_the_temporary_name() { # pip wrote the folder's name into every script
    for file in .venv.tmp/pyvenv.cfg .venv.tmp/bin/*; do
        if [ -f "$file" ] && [ ! -L "$file" ] && grep -qF '.venv.tmp' "$file"; then
            sed -i 's#\.venv\.tmp#.venv#g' "$file"
        fi
    done
}

link_collection() { # Ansible looks for ansible_collections on Python's path: no environment variable is needed
    site=$(.venv.tmp/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    mkdir -p "$site/ansible_collections/netops"
    ln -sfn "$root" "$site/ansible_collections/netops/listen_queue"
}

build() {
    case $level in audit) requirements='requirements.txt' ;; *) requirements='requirements-dev.txt' ;; esac
    echo "Making .venv with Python $version ($requirements), which takes up to two minutes ..."
    "$python" -m venv .venv.tmp
    .venv.tmp/bin/python -m pip install -qq -r "$requirements"
    link_collection
    forget_the_temporary_name
    key audit >.venv.tmp/stamp
    [ "$level" = audit ] || key "$level" >>.venv.tmp/stamp
}

is_made && exit 0
lock
is_made && exit 0
trap 'rm -rf .venv.tmp .venv.old' EXIT
trap 'exit 130' INT TERM HUP
rm -rf .venv.tmp .venv.old
build
[ ! -e .venv ] || mv .venv .venv.old
mv .venv.tmp .venv
echo "Made .venv: $(.venv/bin/ansible --version | sed -n 1p)"
