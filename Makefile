# SPDX-License-Identifier: BSD-2-Clause
#
# Builds OpenDCO. All output goes to $(BUILD).
#
#   make                 builds build/opendco and build/libopendco.so
#   sudo make demo       compares openvpn with and without OpenDCO in two namespaces
#   sudo make check      runs all tests; ends with "N passed, N failed"
#   make help            lists every target
#
# To build a single object or run one unit test in your own build folder:
#   make BUILD=/tmp/b /tmp/b/obj/pic/core/replay.o
#   make BUILD=/tmp/b check-unit T=replay

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

all: binaries
	@scripts/own-build $(BUILD)

include mk/config.mk
include mk/product.mk
include mk/tests.mk
include mk/analyze.mk
include mk/install.mk

.PHONY: all binaries deps clean help demo bench bench-quick dist deb

binaries: $(PRODUCTS)

deps:
	@scripts/install-deps all

# The demo installs what the build needs before it builds, so it runs make itself.
demo:
	@BUILD=$(BUILD) MAKE="$(MAKE)" demo/demo; status=$$?; scripts/own-build $(BUILD); exit $$status

bench:
	@BUILD=$(BUILD) MAKE="$(MAKE)" bench/run full; status=$$?; scripts/own-build $(BUILD); exit $$status

bench-quick:
	@BUILD=$(BUILD) MAKE="$(MAKE)" bench/run quick; status=$$?; scripts/own-build $(BUILD); exit $$status

# The committed files, as they are released.
dist:
	@scripts/dist $(BUILD)

# Packages for Debian of the committed files, in the build folder.
deb:
	@scripts/deb $(BUILD)/deb; status=$$?; scripts/own-build $(BUILD); exit $$status

clean:
	rm -rf $(BUILD)

help:
	@scripts/make-help
