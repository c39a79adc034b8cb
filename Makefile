# Every target installs what it needs; `make dev` and `make test` are all a newcomer types.
PYTHON ?= $(shell command -v python3.11 || command -v python3.13)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt
TORCH := torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
COMPILED_STAMP := $(VENV)/.compiled
NPM_STAMP := tests/clients/node_modules/.installed
PUBLISHED_STAMP := .cache/preinstalls/.installed
SLITHER_STAMP := .cache/slither/.installed
WEBSDK_STAMP := .cache/websdk/.installed
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
# Long runs write .cache/logs/TARGET.log and, when stopped, go on where they were (tests/resuming.py).
LONG = @mkdir -p .cache/logs; $(PYTEST) --resume
LOGGED = 2>&1 | tee .cache/logs/$@.log
SHELL := bash
.SHELLFLAGS := -o pipefail -c
ARGS ?=

.PHONY: install dev demo test test-all test-demo test-rollup test-economy test-conformance bench-execution bench-storage bench-derivation soak bench-precompiles bench-disputes fuzz-evm bench-attribution bench-serving test-python313 check format contracts clean

install: $(STAMP) $(COMPILED_STAMP)

# torch first: with its CPU build in place no later requirement draws in CUDA's packages (3 GB). The build is taken from
# where pip looks anyway, else from TORCH_INDEX, else it is the platform's default.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.13 is needed: install one and run make again"; exit 1; }
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)+$(notdir $(TORCH_INDEX)) 2>/dev/null || $(PIP) --extra-index-url $(TORCH_INDEX) $(TORCH)+$(notdir $(TORCH_INDEX)) || $(PIP) $(TORCH)
	$(PIP) -e '.[workers]'
	@touch $@

# Cython and gcc make the interpreter several times faster; without them its source runs as it is.
$(COMPILED_STAMP): $(STAMP) openledger_node/evm/interpreter.py openledger_node/evm/interpreter.pxd
	-$(PIP) cython
	$(BIN)/python -m openledger_node.evm.compile
	@touch $@

$(DEV_STAMP): $(STAMP) | $(COMPILED_STAMP)
	$(PIP) -e '.[workers,dev]'
	@touch $@

$(NPM_STAMP): tests/clients/package.json tests/clients/package-lock.json tests/clients/hardhat/package-lock.json
	npm ci --silent --no-audit --no-fund --prefix tests/clients
	@touch $@

# Contracts that others publish and an L2 starts with: their code is compared with what is committed.
$(PUBLISHED_STAMP): genesis/contracts/published/package-lock.json
	@mkdir -p .cache/preinstalls
	cp genesis/contracts/published/package*.json .cache/preinstalls/
	npm ci --silent --ignore-scripts --omit=peer --omit=optional --legacy-peer-deps --no-audit --no-fund --prefix .cache/preinstalls
	@touch $@

# What the viem package is compiled with and against.
$(WEBSDK_STAMP): web/sdk/package-lock.json
	@mkdir -p .cache/websdk
	cp web/sdk/package*.json .cache/websdk/
	npm ci --silent --ignore-scripts --legacy-peer-deps --no-audit --no-fund --prefix .cache/websdk
	@touch $@

# slither pins libraries of its own.
$(SLITHER_STAMP):
	$(PYTHON) -m venv .cache/slither
	.cache/slither/bin/python -m pip --disable-pip-version-check install -q slither-analyzer==0.11.6
	@touch $@

dev: install
	$(BIN)/openledger-node dev $(ARGS)

demo: install
	@$(BIN)/openledger-node demo $(ARGS)

# Two processes, a file at a time: half of the suite's time is spent waiting for blocks.
test: $(DEV_STAMP) $(NPM_STAMP) $(PUBLISHED_STAMP)
	$(PYTEST) -m 'not slow' -n 2 --dist loadfile --max-worker-restart 0 $(ARGS)

test-all: $(DEV_STAMP) $(NPM_STAMP) $(PUBLISHED_STAMP)
	$(LONG) $(ARGS) $(LOGGED)

test-demo: $(DEV_STAMP)
	$(LONG) tests/demo $(ARGS) $(LOGGED)

test-rollup: $(DEV_STAMP) $(NPM_STAMP) $(PUBLISHED_STAMP)
	$(LONG) tests/rollup_bridge tests/contracts tests/l1 tests/node tests/chain/test_snapshot.py tests/integration $(ARGS) $(LOGGED)

test-economy: $(DEV_STAMP) $(NPM_STAMP) $(PUBLISHED_STAMP) $(SLITHER_STAMP) $(WEBSDK_STAMP)
	$(LONG) tests/economy tests/precompiles tests/contracts tests/samples tests/slither tests/sdk tests/cli tests/agents tests/gateway tests/jobs tests/validator tests/workers/attribution tests/workers/jobs tests/chain/test_fork_watch.py tests/node/test_deadlines.py $(ARGS) $(LOGGED)

# Ethereum's own execution tests, all of them; goes on where it was stopped, log in .cache/conformance.
test-conformance: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.conformance $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.conformance --steps $(ARGS)

bench-execution: $(DEV_STAMP) $(NPM_STAMP)
	$(BIN)/python -m benchmarks.execution $(ARGS)

bench-storage: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.storage.growth $(ARGS)

# Ten minutes of load, L1 reorganisations and kill -9; `make soak ARGS='--seed 20261120'` repeats a plan.
soak: $(DEV_STAMP) $(NPM_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.soak $(ARGS)

bench-derivation: $(DEV_STAMP) $(NPM_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.derivation $(ARGS)

# EELS pins older libraries than ours, so it lives in an environment of its own.
EELS_STAMP := .cache/eels/.installed
ETHEREUMJS_STAMP := .cache/ethereumjs/.installed

$(EELS_STAMP):
	$(PYTHON) -m venv .cache/eels
	.cache/eels/bin/python -m pip --disable-pip-version-check install -q ethereum-execution==2.20.0
	@touch $@

$(ETHEREUMJS_STAMP): tests/differential/ethereumjs/package-lock.json tests/differential/ethereumjs/run.mjs
	@mkdir -p .cache/ethereumjs
	cp tests/differential/ethereumjs/* .cache/ethereumjs/
	npm ci --silent --no-audit --no-fund --prefix .cache/ethereumjs
	@touch $@

# `make fuzz-evm ARGS='--transactions 10000 --seed 1'` takes about ten minutes.
fuzz-evm: $(DEV_STAMP) $(EELS_STAMP) $(ETHEREUMJS_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.differential $(ARGS)

bench-disputes: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.disputes

bench-precompiles: $(DEV_STAMP)
	OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 $(BIN)/python -m benchmarks.precompiles $(ARGS)

bench-serving: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.serving $(ARGS)

bench-attribution: $(DEV_STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attribution $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attribution.public
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attribution.attacks
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attribution.checking
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.attribution.language_lds

# Without workers. plyvel has no wheel for 3.13: building it needs Debian's libleveldb-dev and g++.
test-python313:
	@command -v python3.13 >/dev/null || { echo "python3.13 is not installed"; exit 1; }
	$(MAKE) VENV=.venv313 PYTHON=python3.13 .venv313/.installed-dev
	OMP_NUM_THREADS=1 .venv313/bin/python -m pytest -m 'not slow and not npm' tests/genesis tests/evm tests/chain tests/storage tests/sequencer tests/rollup_bridge tests/precompiles tests/rpc tests/workers $(ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contracts: $(DEV_STAMP) $(NPM_STAMP) $(PUBLISHED_STAMP)
	$(BIN)/python -m tests.precompiles.gas_tables
	$(BIN)/python -m genesis.contracts.compile
	$(BIN)/python -m tests.contracts.construct
	$(BIN)/python -m tests.precompiles.package
	$(BIN)/python -m tests.sdk.web

clean:
	rm -rf $(VENV) tests/clients/node_modules .mypy_cache .ruff_cache .pytest_cache
