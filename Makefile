# The commands of this repository; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
export PYTHONPATH := $(CURDIR)
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --only-binary :all:

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUNTIME) ## Install and start the whole gateway (CONFIG=, PORT=, DATA_DIR= …)
	@exec $(BIN)/python -m extproc run

.PHONY: test
test: $(DEV) ## Install and run the tests (ARGS= for pytest)
	$(BIN)/python -m pytest -q $(ARGS)

.PHONY: check
check: $(DEV) lint types generated test ## Everything CI checks

.PHONY: lint
lint: $(DEV) ## Check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

.PHONY: format
format: $(DEV) ## Put into the one format, and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: types
types: $(DEV) ## Check types
	$(BIN)/mypy

.PHONY: proto
proto: $(DEV) ## Generate extproc/_pb from proto/
	cd proto && ../$(BIN)/python -m grpc_tools.protoc -I. --python_out=../extproc/_pb --pyi_out=../extproc/_pb *.proto

.PHONY: generate
generate: $(DEV) proto ## Generate everything that is generated: extproc/_pb, envoy/, reference pages
	$(BIN)/python -m extproc.envoyconfig.samples envoy
	$(BIN)/python -m extproc.config.reference docs/reference
	$(BIN)/python -m tests.providers.matrix docs/reference

.PHONY: generated
generated: $(DEV) ## Check that generated files are up to date
	@rm -rf build/generated && mkdir -p build/generated/envoy
	@cd proto && ../$(BIN)/python -m grpc_tools.protoc -I. --python_out=../build/generated --pyi_out=../build/generated *.proto
	@$(BIN)/python -m extproc.envoyconfig.samples build/generated/envoy
	@$(BIN)/python -m extproc.config.reference build/generated/reference
	@$(BIN)/python -m tests.providers.matrix build/generated/reference
	@for file in $$(cd build/generated && ls *.py *.pyi); do \
	  cmp build/generated/$$file extproc/_pb/$$file || { echo "stale: make generate"; exit 1; }; done
	@diff -r build/generated/envoy envoy || { echo "stale: make generate"; exit 1; }
	@for file in $$(cd build/generated/reference && ls); do \
	  cmp build/generated/reference/$$file docs/reference/$$file || { echo "stale: make generate"; exit 1; }; done

.PHONY: lock
lock: $(DEV) ## Pin all dependencies anew, with hashes
	$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

LOCK := --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links

.PHONY: bench
bench: $(DEV) ## Measure the gateway against its floor (JSON=file, ROUNDS= …)
	$(BIN)/python -m bench $(ARGS)

.PHONY: bench-peers
bench-peers: $(DEV) ## The same with its peers, installed on the first run
	$(BIN)/python -m bench --peers $(ARGS)

.PHONY: soak
soak: $(DEV) ## Watch the worker's memory under long load
	$(BIN)/python -m bench --soak $(ARGS)

.PHONY: torture
torture: $(DEV) ## The proofs under load, at full size
	$(BIN)/python -m pytest -q tests/torture/torture_*.py $(ARGS)

.PHONY: clean
clean: ## Remove what was installed and built; data in DATA_DIR stay
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find extproc tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

NO_WHEEL := Could not install; Linux with glibc on x86-64 or arm64 and Python 3.11 to 3.14 have all wheels.

# Installed again when the lock has changed.

$(RUNTIME): requirements.lock | $(BIN)/python
	@echo "installing into $(VENV) …"
	@$(INSTALL) -r $< || \
	  { echo "$(NO_WHEEL)"; exit 1; }
	@touch $@

$(DEV): requirements-dev.lock | $(BIN)/python
	@echo "installing into $(VENV) …"
	@$(INSTALL) -r $< || \
	  { echo "$(NO_WHEEL)"; exit 1; }
	@touch $@ $(RUNTIME)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; choose one with PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) lacks venv or ensurepip; on Debian: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
