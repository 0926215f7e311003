# Sori. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.8
PYTHON ?= python3
PACKAGES := proto libs/kit $(sort $(wildcard services/*)) deploy/local sample cli
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1
# Where it is set, each of the many processes here would compile everything anew, which takes longer than what it does.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.ready: requirements.lock Makefile $(addsuffix /pyproject.toml,$(PACKAGES))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
# Compiled here once, commands start in half the time, also where Python may not keep what it compiles.
	for each in ingest classify journey notify; do $(BIN)/python -m sori_$$each.offline --help > /dev/null; done
	$(BIN)/sori --help > /dev/null
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready  ## make the virtual environment from the lock

.PHONY: lock
lock:  ## pin what changed: one lock for development, one for each image; UPGRADE=1 takes the newest of all
	$(UV) pip compile --quiet $(if $(UPGRADE),--upgrade) $(addsuffix /pyproject.toml,$(PACKAGES)) --group pyproject.toml:dev \
	  --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  $(foreach p,proto kit ingest classify journey notify ee-feedback insight console local sample cli,--no-emit-package sori-$(p)) \
	  --output-file requirements.lock
	for service in $(notdir $(wildcard services/*)); do \
	  $(UV) pip compile --quiet services/$$service/pyproject.toml libs/kit/pyproject.toml proto/pyproject.toml \
	    --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints requirements.lock \
	    --no-emit-package sori-kit --no-emit-package sori-proto --output-file services/$$service/requirements.lock; \
	done

PROTOS := $(shell find proto/sori -name '*.proto' | sort)
PROTOC = $(BIN)/python -m grpc_tools.protoc -Iproto

.PHONY: proto
proto: setup  ## generate the protocol code
	$(MAKE) --no-print-directory proto-into INTO=proto/gen

.PHONY: proto-into
proto-into:
	rm -rf $(INTO)/sori && mkdir -p $(INTO)
	$(PROTOC) --python_out=$(INTO) --mypy_out=quiet:$(INTO) $(PROTOS)
	$(PROTOC) --grpc_python_out=$(INTO) --mypy_grpc_out=quiet,only_async:$(INTO) $(filter %_service.proto,$(PROTOS))

.PHONY: proto-check
proto-check: setup
	buf lint && buf format --diff --exit-code
	@if git rev-parse --quiet --verify origin/main >/dev/null; then buf breaking --against '.git#branch=origin/main,subdir=.'; \
	 else echo 'buf breaking: skipped, there is no origin/main to compare with'; fi
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && $(MAKE) --no-print-directory proto-into INTO=$$made >/dev/null && \
	 diff -r -x __pycache__ proto/gen/sori $$made/sori && echo 'proto/gen is what proto/ makes'

.PHONY: fmt
fmt: setup  ## format everything
	ruff format . && ruff check --fix . && buf format -w

.PHONY: check
check: setup proto-check  ## lint, types, import contracts, protocol, events, manifests
	ruff format --check . && ruff check .
	mypy
	lint-imports
	hadolint deploy/Dockerfile
	$(MAKE) --no-print-directory manifests
	$(BIN)/python tests/contract/event_catalogue.py --check docs/events.md
	$(BIN)/python tests/contract/channel_catalogue.py --check docs/channels.md

.PHONY: manifests
manifests: setup  ## render the manifests and check them against Kubernetes and the services
	$(BIN)/python -m pytest -q tests/contract/test_manifests.py

.PHONY: test
test: setup  ## every test that this machine can run
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

.PHONY: run
run: setup  ## bring the platform up with the sample company; ONCE=1 ends when all has reached the feed
	$(BIN)/sori up --sample $(if $(ONCE),--once)

.PHONY: bench
bench: setup  ## run the benchmarks; NAME=line runs one
	@for each in $(or $(NAME),$(filter-out _%,$(basename $(notdir $(wildcard benchmarks/*.py))))); do \
	  echo "== $$each"; $(BIN)/python benchmarks/$$each.py $(ARGS); done

.PHONY: migration
migration: setup  ## write a migration: SERVICE=journey MESSAGE="Add segments"
	$(BIN)/python tests/migration.py $(SERVICE) "$(MESSAGE)"
	ruff format services/$(SERVICE) && ruff check --fix services/$(SERVICE)

# PyTorch asks for the same large blocks again and again: kept, not given back, they cost a third less time.
TRAINING = cd services/classify && MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184 \
  OMP_WAIT_POLICY=passive PYTHONPATH=src:.:../../libs/kit/src:../../proto/gen

.PHONY: train
train: setup  ## train classify's model from SORI_TRAINING_DATA (an environment of its own, with PyTorch)
	test -x .venv-train/bin/python || $(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r services/classify/requirements.lock
	.venv-train/bin/python -m pip install --quiet --disable-pip-version-check -r services/classify/training/requirements.txt
	$(TRAINING) ../../.venv-train/bin/python -m training train $(ARGS)

.PHONY: lexicons
lexicons: setup  ## conjugate the words of classify's topics and urgency again, after an edit
	$(BIN)/sori-classify compile --lexicons services/classify/lexicons

.PHONY: evaluate
evaluate: setup  ## print the model's figures beside baselines; MODEL=folder, DATA=folder of TSV files to judge on those
	$(if $(DATA),,@test -x .venv-train/bin/python || { echo "run make train once, or give DATA=folder"; exit 1; })
	$(TRAINING) $(if $(DATA),$(abspath $(BIN))/python,../../.venv-train/bin/python) -m training evaluate \
	  $(if $(MODEL),--model $(abspath $(MODEL))) $(if $(DATA),--texts $(abspath $(DATA))) $(ARGS)
