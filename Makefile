# SPDX-License-Identifier: BSD-2-Clause
#
# OpenDCO: everything is built out of tree, under $(BUILD).
#
#   make                 build/opendco and build/libopendco.so
#   sudo make demo       two namespaces, stock openvpn through OpenDCO beside stock openvpn alone
#   sudo make check      all tests; ends with "N passed, N failed"
#   make help            every target
#
# A single object, or one unit test, in a build folder of your own:
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
include mk/install.mk

.PHONY: all binaries deps clean help demo bench bench-quick

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

clean:
	rm -rf $(BUILD)

help:
	@scripts/make-help
