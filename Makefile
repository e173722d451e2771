# Everything a newcomer or CI runs. State lives in a cache folder outside the checkout, so that the checkout may lie anywhere.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CHECKOUT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
PYTHON3 ?= python3
export TENANTMAIL_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tenantmail.stalwart

# A changed requirement makes a new environment; checkouts with the same requirements share one.
REQUIREMENTS := requirements.txt tests/requirements.txt tests/simulator/requirements.txt
VENV := $(TENANTMAIL_CACHE)/venv/$(shell cd '$(CHECKOUT)' && cat $(REQUIREMENTS) 2>/dev/null | sha256sum | cut -c1-12)
PY := $(VENV)/bin/python
# Ansible's tools need the path ansible_collections/tenantmail/stalwart: a link to this checkout.
TREE := $(TENANTMAIL_CACHE)/tree/$(shell printf '%s' '$(CHECKOUT)' | sha256sum | cut -c1-12)
LINK := $(TREE)/ansible_collections/tenantmail/stalwart

export ANSIBLE_COLLECTIONS_PATH := $(TREE)
export PYTHONPATH := $(CHECKOUT):$(TREE)
export PATH := $(VENV)/bin:$(PATH)
export TENANTMAIL_LINK := $(LINK)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

INVENTORY ?= inventories/example
PLAYBOOK = cd '$(LINK)' && ansible-playbook
SANDBOX = $(PY) -m tests.sandbox
# The sandbox's host names are known to processes that it starts, and to no other on this machine.
ON_SANDBOX = cd '$(LINK)' && $(SANDBOX) exec
ARGS ?=

.PHONY: help plan demo verify test sandbox sandbox-down lint unit sanity contract molecule live breakages lifecycle shell clean setup

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' '$(CHECKOUT)/Makefile' | sed -E 's/:.*## /\t/' | expand -t 16

plan: setup ## Show what an inventory's tenants would get: no servers, no root, no writes (INVENTORY=path, by default inventories/example; ARGS='--limit acme')
	@$(PLAYBOOK) playbooks/provision_tenant.yml -i '$(if $(wildcard $(abspath $(INVENTORY))),$(abspath $(INVENTORY)),$(INVENTORY))' --check --diff -e '{"tenant_offline": true}' $(ARGS)

demo: sandbox ## As root: start the sandbox and provision its two tenants for real (3/4 hour of builds on a new machine, then two minutes)
	@$(ON_SANDBOX) ansible-playbook playbooks/provision_tenant.yml -i inventories/sandbox $(ARGS)

verify: setup ## Prove that mail of the sandbox's tenants works, without changing anything
	@$(ON_SANDBOX) ansible-playbook playbooks/verify_tenant.yml -i inventories/sandbox $(ARGS)

test: setup ## As root: every gate and test, ending with those on the sandbox (a good half hour with the builds there, 1 1/4 hours on a new machine)
	@# On a new machine the sandbox's builds need both cores, and the tests on it only one.
	@cd '$(CHECKOUT)' && $(PY) -m tests.tools.stages 'lint unit sanity:sandbox contract' 'sandbox molecule live'

sandbox: setup ## As root: install, build and start the sandbox's real servers (3/4 hour of builds on a new machine)
	@cd '$(CHECKOUT)' && $(SANDBOX) up

sandbox-down: setup ## Stop the sandbox's servers (their data stays)
	@cd '$(CHECKOUT)' && $(SANDBOX) down

lint: setup ## ruff, mypy, yamllint, ansible-lint, docs, changelog, galaxy-importer
	@cd '$(CHECKOUT)' && $(PY) -m tests.tools.lint

unit: setup ## Pure functions, property tests, examples against their argument specs
	@cd '$(LINK)' && $(PY) -m pytest -q -n 2 tests/unit $(ARGS)

sanity: setup ## ansible-test sanity on every ansible-core that runs here
	@cd '$(CHECKOUT)' && $(PY) -m tests.tools.sanity

contract: setup ## The Stalwart contract and the modules on the simulator, and on real servers given by STALWART_BINARY_0_16, STALWART_BINARY_0_15
	@cd '$(LINK)' && $(PY) -m pytest -q --ignore tests/contract/powerdns tests/contract tests/product $(ARGS)

molecule: sandbox ## As root: Molecule scenarios on the sandbox (three minutes)
	@$(ON_SANDBOX) $(PY) -m tests.tools.molecule

live: sandbox ## As root, half an hour: tests on real servers, PowerDNS, chart, roles, drift, breaks, tokens, DNS, request counts, proof of mail
	@cd '$(LINK)' && $(PY) -m pytest -v --durations 15 -m '(not breakage and not lifecycle) or usual' tests/contract/powerdns tests/chart tests/roles tests/live $(ARGS)

breakages: sandbox ## As root: break a tenant's mail in every known way, one at a time: verify must name layer and fix (twenty minutes)
	@cd '$(LINK)' && $(PY) -m pytest -v -m breakage tests/live/test_verify.py $(ARGS)

lifecycle: sandbox ## As root: upgrade a release from older charts, delete its parts, let runs die: one run repairs each (a quarter of an hour)
	@cd '$(LINK)' && $(PY) -m pytest -v -m lifecycle tests/live $(ARGS)

shell: setup ## A shell in which the documentation's `python -m tests.…` and `ansible-playbook` work as they stand
	@cd '$(LINK)' && bash

clean: ## Stop the sandbox; remove its data, tool caches and the environments, which all checkouts share (server binaries stay)
	@if [ -x '$(PY)' ]; then cd '$(CHECKOUT)' && $(SANDBOX) down --wipe; fi
	@rm -rf '$(TENANTMAIL_CACHE)/venv' '$(TENANTMAIL_CACHE)/tree' '$(TENANTMAIL_CACHE)/ansible-test'
	@cd '$(CHECKOUT)' && rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .ansible report inventories/sandbox tests/output

setup: $(VENV)/.complete $(LINK)

$(VENV)/.complete:
	@echo "setup: creating the virtual environment (once, about a minute)"
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: python3 >= 3.11 is needed, $$($(PYTHON3) --version) was found; name another with PYTHON3=…" >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || { echo "setup: python3-venv is missing; installing it needs root"; apt-get update -q && apt-get install -qy python3-venv; }
	@rm -rf '$(VENV)' && $(PYTHON3) -m venv '$(VENV)'
	@cd '$(CHECKOUT)' && $(PY) -m pip install -q $(addprefix -r ,$(REQUIREMENTS))
	@touch '$@'

$(LINK):
	@mkdir -p '$(dir $@)' && ln -sfn '$(CHECKOUT)' '$@'
