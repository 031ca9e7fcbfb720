# SPDX-License-Identifier: MIT
# A thin front of CMake; everything is built below build/.
#
#   make              the library, datalyr and datalyrd      make test
#   make demo         installs, builds, shows it at work     make bench
#   make install      PREFIX=/usr/local DESTDIR=             make bench-peers
#   make check        style, layers, format                  make format
#   make clean
#
# Only `make demo`, `make test` and `make bench-peers` install packages
# (tools/install-deps.sh).

BUILD ?= build
PREFIX ?= /usr/local
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# Users of a newer compiler are not stopped by its newer warnings; CI is.
WERROR ?= $(if $(CI),ON,OFF)
CMAKE_ARGS ?=

# Asked for when it is needed: make demo may just have installed ninja.
generator = $$([ -e $(BUILD)/CMakeCache.txt ] || ! command -v ninja >/dev/null || echo -G Ninja)
configure = cmake -S . -B $(BUILD) $(generator) \
	-DCMAKE_INSTALL_PREFIX=$(PREFIX) -DDATALYR_WERROR=$(WERROR) $(CMAKE_ARGS) >/dev/null
# The outer make's job server is not the inner one's.
build = env -u MAKEFLAGS -u MAKELEVEL cmake --build $(BUILD) --parallel $(JOBS)

.PHONY: all demo test bench bench-peers install check format clean

all:
	@tools/install-deps.sh --check --build
	@$(configure) -DDATALYR_TESTS=OFF -DDATALYR_BENCH=OFF
	@$(build)

demo:
	@tools/install-deps.sh --demo
	@$(configure) -DDATALYR_EXAMPLES=ON
	@$(build)
	@tools/demo.sh $(BUILD)

test:
	@tools/install-deps.sh --test
	@$(configure) -DDATALYR_TESTS=ON -DDATALYR_EXAMPLES=ON
	@$(build)
	@tools/run-tests.py --build $(BUILD) --exclude-label slow $(TESTFLAGS)

bench:
	@tools/install-deps.sh --check --build
	@$(configure) -DDATALYR_BENCH=ON
	@$(build)
	@bench/run.py $(BUILD)

bench-peers:
	@tools/install-deps.sh --peers
	@$(configure) -DDATALYR_BENCH=ON
	@$(build)
	@bench/run.py --peers $(BUILD)

install: all
	@cmake --install $(BUILD) --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || /sbin/ldconfig

check:
	@status=0; \
	for check in style.sh layers.py format.sh; do \
		tools/check-$$check || status=1; \
	done; exit $$status

format:
	@tools/check-format.sh --fix

# What was fetched stays; it has not changed.
clean:
	@[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 \
		! -name third_party -exec rm -rf {} +
