# SPDX-License-Identifier: GPL-3.0-or-later
# Every target is idempotent and safe to interrupt. The work is in small scripts under tools/.

export LC_ALL := C.UTF-8
# Ansible does not read ansible.cfg from a world-writable directory unless it is told to.
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export PYTHONDONTWRITEBYTECODE := 1

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Options of ansible-playbook (make audit) or of pytest (make unit, make integration, make bench).
ARGS ?=

# Without an inventory of the user's, the audit is about this machine.
THIS_MACHINE := --inventory localhost, --connection local --extra-vars ansible_python_interpreter='{{ ansible_playbook_python }}'
GIVEN_INVENTORY := $(filter -i% --inventory%,$(ARGS))

.DEFAULT_GOAL := help
.PHONY: help venv venv-dev needs audit diagnose unit lint format integration loaders sanity targets molecule bench build test test-all test-matrix test-verdicts clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1#/p' Makefile | while IFS='#' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

venv: ## Make .venv with what the audit needs
	@tools/venv.sh audit

venv-dev: ## Make .venv with what the tests need
	@tools/venv.sh dev

needs:
	@tools/needs.sh

audit: venv ## Audit this machine, or the hosts of ARGS='-i INVENTORY'; ends with a table and reports/
	@$(BIN)/ansible-playbook $(if $(GIVEN_INVENTORY),,$(THIS_MACHINE)) playbooks/audit.yml $(ARGS)

diagnose: venv ## Say why listeners of this machine, or of the hosts of ARGS, drop connections
	@$(BIN)/ansible-playbook $(if $(GIVEN_INVENTORY),,$(THIS_MACHINE)) playbooks/diagnose.yml $(ARGS)

unit: venv-dev ## Unit tests, in seconds
	@$(PYTEST) tests/unit $(ARGS)

lint: venv-dev ## ruff, mypy, shellcheck, yamllint, ansible-lint, antsibull-docs, antsibull-changelog
	@tools/lint.sh

format: venv-dev ## Let ruff format the Python files
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

integration: venv-dev needs ## Tests on the real kernel in namespaces, and of the audit playbook
	@$(PYTEST) tests/integration $(ARGS)

loaders: venv-dev needs ## Hundreds of random sysctl.d trees against the real loaders of four Debian releases
	@SYSCTL_TREES=800 SYSCTL_SEED=$$(date +%s) SYSCTL_RELEASES='bullseye trixie sid' $(PYTEST) tests/integration/sysctl/test_boot_order.py $(ARGS)

sanity: venv-dev ## ansible-test sanity under each ansible-core we support
	@$(BIN)/python tools/sanity.py

targets: venv-dev needs ## Run the module for real under every target Python that is installed
	@$(BIN)/python tests/targets/run.py

molecule: venv-dev ## Molecule's scenarios on hosts with systemd, nginx and sshd; ARGS='tune rollback' for a few
	@tools/needs.sh molecule
	@tools/molecule.sh $(ARGS)

bench: venv-dev needs ## Measure the speed goals and print them as ratios
	@$(BIN)/python tests/bench/bench.py $(ARGS)

build: venv ## Build the collection archive into build/
	@mkdir -p build
	@$(BIN)/ansible-galaxy collection build --force --output-path build

test: needs venv-dev ## Install what the tests need and run all but what takes long
	@tools/test.sh

test-all: export TEST_SUITES ?= trixie noble bookworm bullseye
test-all: export TEST_ALL ?= 1
test-all: test ## The same with Molecule's scenarios on four distributions

test-matrix: venv-dev needs ## Kill every change at each of its system calls and recover; takes minutes
	@tools/matrix.sh $(ARGS)

test-verdicts: venv-dev needs ## Make each situation of the diagnosis real 20 times in a row, and judge it
	@DIAGNOSIS_RUNS=20 $(PYTEST) tests/integration/diagnosis $(ARGS)

clean: ## Remove what the other targets made
	rm -rf .venv .venv.* .ansible .cache build reports tests/output .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
