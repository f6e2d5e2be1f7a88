#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs every linter and names those that found something. No rule is switched off for the occasion: settings are in
# pyproject.toml, .ansible-lint and .yamllint.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$(pwd)/.venv/bin:$PATH
export PATH
workspaces=$(pwd)/.ansible/workspaces/lint
copy=$(tools/workspace.sh "$workspaces") || exit 1
export NO_COLOR=1
failed=''

check() { # check NAME COMMAND ...
    name=$1
    shift
    if "$@" >"$workspaces/$name.log" 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        cat "$workspaces/$name.log"
        failed="$failed $name"
    fi
}

in_copy() { # the linters of collections want the path ansible_collections/netops/listen_queue
    (cd "$copy" && ANSIBLE_COLLECTIONS_PATH=$workspaces "$@")
}

check ruff ruff check .
check ruff-format ruff format --check .
check mypy mypy
if command -v shellcheck >/dev/null; then check shellcheck shellcheck tools/*.sh .ci/run; else echo 'not run shellcheck (not installed)'; fi
check yamllint yamllint --strict .
check antsibull-changelog in_copy antsibull-changelog lint
# A release turns the fragments into the changelog that the production profile asks for: do that in the copy.
check changelog-release in_copy antsibull-changelog release
check ansible-lint in_copy ansible-lint --offline --profile production
check antsibull-docs in_copy antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
if [ -n "$failed" ]; then
    echo "Lint found faults:$failed" >&2
    exit 1
fi
echo 'Lint found nothing'
