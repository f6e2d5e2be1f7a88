#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The kill matrix from outside: every act is killed by strace at each system call that changes something, and recovered.
#   tools/matrix.sh [PYTEST OPTIONS]
# Ends with the number of points of each act.
set -eu
cd "$(dirname "$0")/.."
rm -rf tests/output/matrix
.venv/bin/python -m pytest tests/integration/checkpoint/test_matrix.py "$@"
cat tests/output/matrix/*
cat tests/output/matrix/* | awk '{ sum += $2 } END { print "Kill matrix: " sum " points, each recovered" }'
