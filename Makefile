# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. Each of them first runs scripts/setup.sh, which installs what is missing.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-print-directory

# Offstage runs off-chain workers. The variable is the one that users of Integritee's SDK know.
WORKER_MODE ?= offchain-worker
ifneq ($(WORKER_MODE),offchain-worker)
$(error WORKER_MODE=$(WORKER_MODE) is not supported: Offstage runs off-chain workers only; use WORKER_MODE=offchain-worker or leave it out)
endif

# The build folder belongs to the clone. A folder that clones share is one that you name here; scripts/in-target.sh makes it safe.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export OFFSTAGE_CACHE ?= $(HOME)/.cache/offstage
in-target := scripts/in-target.sh
-include $(OFFSTAGE_CACHE)/env.mk

BINARIES := offstage-node offstage-worker offstage-enclave offstage

.PHONY: build
build: setup ## Build all binaries into bin/
	@$(in-target) scripts/build.sh $(BINARIES)
	@echo "built: $(addprefix bin/,$(BINARIES))"

.PHONY: setup
setup: ## Install what a Debian or Ubuntu machine with rustup lacks
	@scripts/setup.sh

.PHONY: demo
demo: build ## Run the whole system on this machine: node, two workers, client
	@$(in-target) "$(CARGO_TARGET_DIR)/release/offstage-demo"

.PHONY: test
test: build ## Run all tests, the end-to-end tests included
	$(in-target) cargo nextest run --release --locked --workspace
	$(in-target) cargo test --release --locked --workspace --doc

.PHONY: crash-matrix
crash-matrix: build ## Kill node, hosts and enclaves at 100 random instants (OFFSTAGE_CRASHES); `make test` does it a few times
	OFFSTAGE_CRASHES=$${OFFSTAGE_CRASHES:-100} $(in-target) cargo nextest run --release --locked --workspace --no-capture -E 'binary(crash_matrix)'

.PHONY: attacks
attacks: build ## Do again to the real system what was seen of attacks, and print the figures; kill a validator of four. `make test` has the short ones
	$(in-target) cargo nextest run --release --locked --workspace --no-capture --no-fail-fast --run-ignored all -E 'binary(attacks) or binary(local_network)'

.PHONY: templates
templates: build ## Make a crate of each template of `offstage new`, and run its tests
	$(in-target) cargo nextest run --release --locked --workspace --no-capture --run-ignored only -E 'binary(new)'

.PHONY: test-javascript
test-javascript: build ## Run Integritee's published JavaScript client and @polkadot/api against node and worker; it downloads them from npm
	@scripts/javascript.sh
	$(in-target) cargo nextest run --release --locked --workspace --no-capture --run-ignored only -E 'binary(ecosystem)'

.PHONY: vectors
vectors: setup ## Let @polkadot/api sign anew the extrinsics that tests execute, after a change of the default logic's runtime; it downloads from npm
	@scripts/javascript.sh
	UPDATE=1 $(in-target) cargo nextest run --release --locked -p offstage-client -E 'test(the_saved_metadata_is_the_templates) or test(what_the_wallet_was_told)'
	node tests/javascript/polkadot-api/vectors.mjs

.PHONY: fmt
fmt: setup ## Check the formatting
	cargo fmt --all --check
	@scripts/check-lines.sh

.PHONY: lint
# Clippy would build the runtime's wasm a second time, over the first, and the next build would find it changed.
lint: setup ## Run clippy with warnings denied
	SKIP_WASM_BUILD=1 $(in-target) cargo clippy --release --locked --workspace --all-targets -- -D warnings

.PHONY: docs
docs: setup ## Build the API documentation with warnings denied
	RUSTDOCFLAGS="-D warnings" $(in-target) cargo doc --release --locked --workspace --no-deps

.PHONY: pr
pr: fmt test lint docs ## Run what continuous integration runs

.PHONY: fuzz-smoke
fuzz-smoke: setup ## Fuzz every decoder of the trusted code that untrusted bytes reach, 30 s each (FUZZ_SECONDS)
	@scripts/fuzz-smoke.sh

.PHONY: mutants
mutants: setup ## Change what decides in light client and attestation in every way that cargo-mutants knows, and see which test notices (hours)
	@cargo mutants --version >/dev/null 2>&1 || env -u CARGO_TARGET_DIR cargo install cargo-mutants --locked
	CARGO_TARGET_DIR="$(OFFSTAGE_CACHE)/mutants" cargo mutants --package offstage-light-client --package offstage-attestation --output "$(OFFSTAGE_CACHE)"

.PHONY: bench
bench: build ## Measure the enclave's speed, as ratios within one run
	$(in-target) cargo bench --locked --workspace --bench pipeline

.PHONY: images
images: ## Build the container images without a daemon, and run the demo from them (root; PROGRAMS=bin takes what `make` built)
	@scripts/images.sh $(if $(PROGRAMS),--programs $(PROGRAMS))

.PHONY: weights
# Rare and by hand. It builds in a folder of its own.
weights: setup ## Run the FRAME benchmarks of our pallets on the runtime's wasm, and compare with their weights; UPDATE=1 writes them
	@scripts/weights.sh

.PHONY: pallets
# It builds in a folder of its own, tests/pallets/target.
pallets: setup ## Run polkadot-sdk's pallets in a shard, each as its users do
	env -u CARGO_TARGET_DIR cargo test --release --locked --manifest-path tests/pallets/Cargo.toml

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin book "$(CARGO_TARGET_DIR)"

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
