#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# tools/workspace.sh FOLDER: copies the tracked and new files to FOLDER/ansible_collections/netops/listen_queue and prints
# that path. ansible-test and ansible-lint insist on such a path, and ansible-test does not accept a link.
set -eu
cd "$(dirname "$0")/.."
target=$1/ansible_collections/netops/listen_queue
rm -rf "$target"
mkdir -p "$target"
if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -z
else # an unpacked archive
    find . \( -name '.venv*' -o -name .ansible -o -name reports -o -name __pycache__ -o -path ./tests/output \) -prune -o -type f -print0
fi | tar --null --ignore-failed-read -T - -cf - 2>/dev/null | tar -xf - -C "$target"
# A repository of its own: else ansible-test asks the one around it, which ignores this folder, and tests nothing.
[ ! -e "$target/.git" ] && command -v git >/dev/null && git init -q "$target"
(cd "$target" && pwd)
