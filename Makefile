# SPDX-License-Identifier: GPL-2.0
#
# What a person types. Two ways lead to the module:
#
#   make              for a kernel whose build directory has Rust metadata: the
#                     running one, or KDIR=
#   everything else   in a Debian root file system with the compilers of a
#                     stock kernel, which "make setup" makes once; SUITE= says
#                     of which suite. KERNEL=debug takes, for the module, the
#                     debug kernel, which is built once as well
#
# The module itself is described in Kbuild. All outputs are under build/.

SUITE ?= trixie-backports
KERNEL ?= stock
PREFIX ?= /usr/local
TESTS ?=
CASES ?=
HOST_KDIR := /lib/modules/$(shell uname -r)/build

build := $(CURDIR)/build
out := $(build)/$(SUITE)
out_debug := $(build)/$(SUITE)-debug

# Where the tools that need a kernel tree work: natively if a KDIR was given
# or the host's is fit, else in the suite's root file system.
ifneq ($(KDIR),)
  native := yes
else ifneq ($(filter clippy fmt fmt-check doc rust-analyzer check checkpatch shellcheck man-lint,$(MAKECMDGOALS)),)
  native := $(shell scripts/check-kdir '$(HOST_KDIR)' 2>/dev/null && echo yes)
endif

ifeq ($(native),yes)
  KDIR ?= $(HOST_KDIR)
  kdir := $(KDIR)
  ksrc := $(or $(realpath $(KDIR)/source),$(KDIR))
  work := $(build)/native
  in :=
  ready := check-kdir
else
  KDIR ?= $(HOST_KDIR)
  kdir := /usr/src/linux-obj
  ksrc := /usr/src/linux
  work := $(out)
  in := scripts/enter --suite $(SUITE) --
  ready := setup
endif

# $(call kbuild,PREFIX,KDIR,OUT): the kernel's build system, objects in OUT
kbuild = $(1) $(MAKE) -C $(2) M=$(CURDIR) MO=$(3) --no-print-directory
enter := scripts/enter --suite $(SUITE) --
cargo := $(enter) env CARGO_TARGET_DIR=$(out)/cargo cargo
manifest := --manifest-path crates/Cargo.toml --locked

.PHONY: all
all: native

## On this machine's kernel, or another by KDIR=
.PHONY: native modules_install check-kdir
check-kdir:
	@scripts/check-kdir '$(KDIR)'

native: check-kdir			## the module for the running kernel (plain "make"), or KDIR=
	@mkdir -p $(build)/native/module
	+$(call kbuild,,$(KDIR),$(build)/native/module) modules
	@cp $(build)/native/module/zxvmo.ko $(build)/native/
	@echo 'built build/native/zxvmo.ko'

modules_install: native			## install it for that kernel (INSTALL_MOD_PATH= to stage)
	+$(call kbuild,,$(KDIR),$(build)/native/module) modules_install

## On a stock Debian kernel, by SUITE=trixie-backports or sid
.PHONY: setup module module-stock module-debug lib programs tests crate-tests
.PHONY: demo test quick test-debug test-faults bench shell
setup:					## set up what the rest needs, once (UPDATE=1: look for a newer kernel)
	@scripts/setup --suite $(SUITE) $(if $(UPDATE),--update)

module: module-$(KERNEL)			## the module for the suite's kernel (KERNEL=debug: for the debug kernel)

module-stock: setup
	@mkdir -p $(out)/module
	@+$(call kbuild,$(enter),/usr/src/linux-obj,$(out)/module) modules
	@cmp -s $(out)/module/zxvmo.ko $(out)/zxvmo.ko || cp $(out)/module/zxvmo.ko $(out)/zxvmo.ko

module-debug: setup
	@mkdir -p $(out_debug)/module
	@scripts/debug-kernel --suite $(SUITE) -- M=$(CURDIR) MO=$(out_debug)/module modules
	@cmp -s $(out_debug)/module/zxvmo.ko $(out_debug)/zxvmo.ko || cp $(out_debug)/module/zxvmo.ko $(out_debug)/zxvmo.ko

lib: setup				## the Rust crates, and libzircon for C
	@mkdir -p $(out)
	$(cargo) build $(manifest) --release --workspace --exclude zxvmo-tools

.PHONY: tools
tools: setup				## the command zxvmo
	$(cargo) build $(manifest) --release --package zxvmo-tools

programs: lib				## the C test programs and the demo
	@mkdir -p $(out)/tests
	$(enter) make -j"$$(nproc)" -C userspace-tests OUT=$(out)/tests KSRC=/usr/src/linux \
		LIBZIRCON=$(out)/cargo/release CC=gcc --no-print-directory

tests: module programs crate-tests	## all that "make test" runs

crate-tests: lib
	@$(cargo) test $(manifest) --no-run --message-format=json-render-diagnostics >$(out)/cargo-tests.json
	@sed -n -e '/"kind":\["bin"\].*"overflow_checks":[a-z]*,"test":false/d' \
		-e 's/.*"executable":"\([^"]*\)".*/\1/p' $(out)/cargo-tests.json >$(out)/cargo-tests

demo: module programs			## build all and run the demo in a guest
	@scripts/demo --suite $(SUITE)

test: tests				## build all and run every test in a guest (TESTS='test_a* ...' picks, PARAMETERS='fault_around=0' are the module's)
	@PARAMETERS='$(PARAMETERS)' scripts/test --suite $(SUITE) $(TESTS)

# Those that take their time to find races and leaks.
slow := test_model test_attack_depth test_leaks test_reload test_regressions_* test_spec_accounting_model cargo_local
quick: tests				## the same without the tests that take long
	@PARAMETERS='$(PARAMETERS)' scripts/test --suite $(SUITE) $(patsubst %,'!%',$(slow))

test-debug: module-debug programs crate-tests	## the same on a debug kernel: KASAN, lockdep, kmemleak (see docs/testing.md)
	@PARAMETERS='$(PARAMETERS)' scripts/test --suite $(SUITE) --kernel debug $(TESTS)

test-faults: module-debug programs	## every call on a debug kernel with each allocation and copy failing once
	@PARAMETERS='$(PARAMETERS)' scripts/test --suite $(SUITE) --kernel debug 'test_faults*'

bench: module lib			## build all and measure, beside memfd and fork() (see bench/README.md)
	@$(enter) make -C bench OUT=$(out)/bench LIBZIRCON=$(out)/cargo/release CC=gcc --no-print-directory
	@$(cargo) build --manifest-path bench/charts/Cargo.toml --locked --release
	@PARAMETERS='$(PARAMETERS)' scripts/bench --suite $(SUITE) $(if $(WALL),--wall) $(if $(CGROUP),--cgroup) \
		$(if $(MEMORY),--memory $(MEMORY)) $(if $(PROFILE),--profile) -- $(CASES)

shell: module				## a shell in a guest with the module loaded
	@scripts/guest --suite $(SUITE) --kernel $(KERNEL) --interactive

## Fuzzing and soaking (see docs/testing-fuzz.md), by KERNEL=stock or debug
.PHONY: fuzz fuzz-build fuzz-replay fuzz-shrink soak
SECONDS ?= 300
MINUTES ?= 30
fuzz := PARAMETERS='$(PARAMETERS)' scripts/fuzz --suite $(SUITE) --kernel $(KERNEL) $(if $(SEED),--seed $(SEED))

fuzz-build: module			## the fuzzer, and its own tests
	@mkdir -p $(out)
	$(cargo) build --manifest-path fuzz/Cargo.toml --locked --release
	$(cargo) test --manifest-path fuzz/Cargo.toml --locked --quiet

fuzz: fuzz-build			## look for new programs for SECONDS=300 (SEED=)
	@$(fuzz) --seconds $(SECONDS) run

fuzz-replay: fuzz-build			## execute the programs of fuzz/corpus once, or FILE=
	@$(fuzz) replay $(FILE)

fuzz-shrink: fuzz-build			## leave out of FILE= what a finding does not need
	@$(fuzz) $(if $(REPEAT),--repeat $(REPEAT)) shrink $(FILE)

soak: programs fuzz-build			## everything at once for MINUTES=30, and then nothing may be left
	@PARAMETERS='$(PARAMETERS)' scripts/soak --suite $(SUITE) --kernel $(KERNEL) --minutes $(MINUTES)

# The module's logic on the host, where no kernel is needed: see docs/testing.md.
logic := --manifest-path logic-tests/Cargo.toml --locked
.PHONY: test-logic test-logic-miri
test: test-logic
test-logic: setup			## the module's logic beside models, without a guest (LOGIC_TESTS_CASES=)
	$(enter) env CARGO_TARGET_DIR=$(out)/logic $(if $(LOGIC_TESTS_CASES),LOGIC_TESTS_CASES=$(LOGIC_TESTS_CASES)) \
		cargo test $(logic) --quiet

# Miri is part of nightly toolchains of rustup only, so this uses the host's.
test-logic-miri:			## the same under Miri, with a nightly toolchain of rustup
	CARGO_TARGET_DIR=$(build)/miri MIRIFLAGS='-Zmiri-disable-isolation $(MIRIFLAGS)' \
		cargo +nightly miri test $(logic)

## Code
.PHONY: clippy fmt fmt-check doc rust-analyzer check checkpatch shellcheck man-lint conformance conformance-check
rust_files = zxvmo.rs $(shell find src -name '*.rs' 2>/dev/null)
rustfmt = $(in) rustfmt --edition 2021 --config-path $(ksrc)/.rustfmt.toml
shell_scripts = $(shell grep -lE '^\#!.*(bash|sh)$$' scripts/* packaging/dkms-build packaging/debian/tests/* packaging/debian/*.p* bench/in-guest .ci/run userspace-tests/*.sh 2>/dev/null) scripts/lib.sh

clippy: $(ready)			## lint the module and the crates
	@mkdir -p $(work)/clippy
	+$(call kbuild,$(in),$(kdir),$(work)/clippy) CLIPPY=1 W=e modules
	$(in) env CARGO_TARGET_DIR=$(work)/cargo cargo clippy $(manifest) --all-targets -- -D warnings
	$(in) env CARGO_TARGET_DIR=$(work)/cargo cargo clippy --manifest-path bench/charts/Cargo.toml --locked -- -D warnings
	$(in) env CARGO_TARGET_DIR=$(work)/cargo cargo clippy --manifest-path fuzz/Cargo.toml --locked --all-targets -- -D warnings
	$(in) env CARGO_TARGET_DIR=$(work)/logic cargo clippy --manifest-path logic-tests/Cargo.toml --locked --workspace --all-targets -- -D warnings

fmt: $(ready)				## format all Rust code
	$(rustfmt) $(rust_files)
	$(in) cargo fmt --manifest-path crates/Cargo.toml --all
	$(in) cargo fmt --manifest-path bench/charts/Cargo.toml
	$(in) cargo fmt --manifest-path fuzz/Cargo.toml
	$(in) cargo fmt $(pool)
	$(in) cargo fmt --manifest-path logic-tests/Cargo.toml --all

fmt-check: $(ready)			## say where "make fmt" would change something
	$(rustfmt) --check $(rust_files)
	$(in) cargo fmt --manifest-path crates/Cargo.toml --all -- --check
	$(in) cargo fmt --manifest-path bench/charts/Cargo.toml -- --check
	$(in) cargo fmt --manifest-path fuzz/Cargo.toml -- --check
	$(in) cargo fmt $(pool) -- --check
	$(in) cargo fmt --manifest-path logic-tests/Cargo.toml --all -- --check

# In programs errno is positive, attributes have no kernel macro, and volatile
# is what it takes to touch memory.
checkpatch = $(in) $(ksrc)/scripts/checkpatch.pl --no-tree --terse --show-types \
	--no-summary --ignore SPDX_LICENSE_TAG$(1) -f
user_rules := ,MACRO_WITH_FLOW_CONTROL,USE_NEGATIVE_ERRNO,ENOSYS,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE,CAMELCASE

checkpatch: $(ready)
	@echo checkpatch of the module, the tests, the benchmark and the examples
	@$(call checkpatch) $(shell find src uapi -name '*.[ch]')
	@$(call checkpatch,$(user_rules)) $(shell find userspace-tests bench examples packaging -name '*.[ch]')

shellcheck: $(ready)
	$(in) shellcheck -x -P SCRIPTDIR $(shell_scripts)

man-lint: $(ready)			## check the manual with mandoc, and against the headers
	$(in) scripts/man-lint

conformance: $(ready)			## write docs/conformance.md, the table of edge cases, anew
	$(in) scripts/conformance

conformance-check: $(ready)
	$(in) scripts/conformance --check

check: fmt-check clippy checkpatch shellcheck man-lint conformance-check	## fmt-check, clippy, checkpatch, shellcheck, man-lint

doc: $(ready)				## the module's and the crates' documentation, into build/
	@mkdir -p $(work)/module
	@+$(call kbuild,$(in),$(kdir),$(work)/module) modules
	$(in) scripts/rustdoc $(kdir) $(work)/module $(work)/doc
	$(in) env CARGO_TARGET_DIR=$(work)/cargo cargo doc $(manifest) --no-deps

rust-analyzer: $(ready)			## rust-project.json for editors
	@mkdir -p $(work)/module
	@+$(call kbuild,$(in),$(kdir),$(work)/module) rust-analyzer
	@scripts/rust-project $(work)/module/rust-project.json $(if $(in),$(SUITE)) >rust-project.json
	@echo 'wrote rust-project.json'

## Examples (see the README.md of each)
.PHONY: examples test-examples
pool := --manifest-path examples/instance-pool/Cargo.toml
examples: module			## build those of examples/ (wasmtime, for one of them, takes minutes)
	@$(enter) make -C examples OUT=$(out)/examples CC=gcc --no-print-directory
	$(enter) env CARGO_TARGET_DIR=$(out)/examples/cargo cargo build $(pool) --locked --release
	@cp $(out)/examples/cargo/release/instance-pool $(out)/examples/

test-examples: examples			## run them in a guest
	@scripts/guest --suite $(SUITE) --timeout 600 -- scripts/run-examples $(out)/examples

## Packages for Debian, and DKMS (see docs/installing.md)
.PHONY: deb test-packages install-dkms
deb:					## zxvmo-dkms, libzircon0 and libzircon-dev for Debian 13, into build/deb
	@scripts/deb

test-packages: deb			## try them on a clean Debian 13: install, boot, upgrade, remove (KERNEL_UPDATE=1)
	@scripts/test-packages

install-dkms:				## what DKMS builds the module from, into /usr/src (DESTDIR=)
	scripts/install-dkms '$(DESTDIR)'

## Installing and cleaning
.PHONY: install-lib install-tools install-man clean help
install-lib: lib install-man		## libzircon for C and C++ programs, and the manual (DESTDIR=, PREFIX=)
	$(enter) scripts/static-lib $(out)/cargo/release/libzircon.a $(out)/libzircon.a
	scripts/install-lib $(out)/libzircon.a $(out)/cargo/release/libzircon.so '$(DESTDIR)' '$(PREFIX)'

install-tools: tools install-man		## the command zxvmo, its completions, and the manual (DESTDIR=, PREFIX=)
	scripts/install-tools $(out)/cargo/release '$(DESTDIR)' '$(PREFIX)' $(enter)

install-man:				## the manual alone
	scripts/install-man '$(DESTDIR)' '$(PREFIX)'

clean:					## remove build/ (the cache of "make setup" stays)
	rm -rf build rust-project.json

help:					## this list
	@awk -F':.*\t## ' '/^## /{ print "\n" substr($$0, 4) } /^[a-z-]+:.*\t## /{ printf "  make %-16s %s\n", $$1, $$2 }' Makefile
