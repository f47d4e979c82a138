# Everything that is installed goes into the checkout: .venv, .tools, .local, target.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: help demo demo-stop test check faults lighthouse load screenshots deny package deploy

VENV := .venv
SAM := .tools/sam
PYTHON := $(VENV)/bin/python
# Options of `make demo`, for example ARGS="--port 4600 --api-port 9000"; of `make lighthouse`: ARGS="--demo .local/demo.json"; of `make load`:
# ARGS="--payments 2000 --at-once 8".
ARGS ?=
# Which part of samconfig.toml `make deploy` uses: default (lunas-dev) or prod (lunas-prod).
TO ?= default
CARGO_DENY_VERSION := 0.20.2

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## Lunas on this machine, with partners' stand-ins and fresh data; prints where to click
	@$(PYTHON) infra/local/stack.py up $(ARGS)

demo-stop: ## end what `make demo` started
	@if [ -x $(PYTHON) ]; then $(PYTHON) infra/local/stack.py down; else echo "nothing was running"; fi

test: $(VENV)/ready ## everything that guards the project (first run up to 45 minutes)
	@$(PYTHON) infra/local/stages.py all

check: $(VENV)/ready ## the quick loop: format, lints, unit tests of lib/*, the template, the documents
	@$(PYTHON) infra/local/stages.py quick

# A release-like build of its own, compiled at the first run; output as it comes. One schedule, told step by step: ARGS="--only 4711".
faults: ## the fault campaign: 10,000 random schedules of payments, refunds, crashes and faults; nothing lost, nothing doubled
	@FAULTS="--schedules 10000 $(ARGS)" cargo test --profile faults --package flows --test faults --locked -- --exact nothing_is_lost_and_nothing_is_doubled --nocapture

lighthouse: $(VENV)/ready ## Lighthouse's mobile scores of the portal, at least 95 each; not in `make test`, since they depend on the machine
	@$(PYTHON) infra/local/browser.py lighthouse $(ARGS)

load: ## 20,000 payments from link to apply on an embedded DynamoDB, payments per second and CPU, and an audit of every customer
	@cargo test --profile faults --locked --package flows --test load -- --payments 20000 $(ARGS)

screenshots: $(VENV)/ready ## the README's picture of the dashboard, docs/dashboard.png
	@$(PYTHON) infra/local/browser.py screenshots $(ARGS)

deny: .tools/bin/cargo-deny ## licences, banned crates and sources of all dependencies (first run compiles cargo-deny)
	@.tools/bin/cargo-deny --workspace --all-features --locked check licenses bans sources

package: $(VENV)/package-ready ## release zips of all functions for arm64, with their sizes
	@$(PYTHON) infra/local/package.py

deploy: package $(SAM)/ready ## package, then deploy to AWS; TO=prod for production
	@$(SAM)/bin/sam deploy --config-env $(TO)

$(VENV)/ready: infra/local/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed; python3 here is $$(python3 --version)" >&2; exit 1; }
	@echo "- installing the Python tools into $(VENV) ..."
	@python3 -m venv --clear $(VENV) || { echo "python3 cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/package-ready: infra/local/requirements-package.txt $(VENV)/ready
	@echo "- installing cargo-lambda and its linker into $(VENV) ..."
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# In an environment of its own: the SAM CLI wants another botocore than ministack.
$(SAM)/ready: infra/local/requirements-deploy.txt
	@echo "- installing the AWS SAM CLI into $(SAM) ..."
	@python3 -m venv --clear $(SAM)
	@$(SAM)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.tools/bin/cargo-deny:
	@echo "- compiling cargo-deny (several minutes, once) ..."
	@cargo install cargo-deny --version $(CARGO_DENY_VERSION) --locked --root .tools
