# SPDX-License-Identifier: BSD-2-Clause
#
# Programs that read the sources: the compilation database for editors and for clang-tidy, and one
# stamp per analysed file, so that only what changed is read again.

CLANG_TIDY ?= clang-tidy
CPPCHECK ?= cppcheck

# For editors: with the compiler of the build.
.PHONY: compile_commands.json
compile_commands.json:
	@MAKE="$(MAKE)" scripts/compile-commands $@ BUILD=$(BUILD) CC=$(CC)

ANALYZE := $(BUILD)/analyze
ANALYZE_SRC := $(wildcard core/*.c linux/*.c linux/*/*.c cli/*.c freebsd/*.c)
ANALYZE_HDR := $(wildcard core/*.h linux/*.h linux/*/*.h cli/*.h freebsd/*.h tests/freebsd/kern/*.h)

# clang's, because clang-tidy reads the flags as clang does. Made anew each time, replaced if it differs.
$(ANALYZE)/compile_commands.json: force
	@mkdir -p $(@D)
	@MAKE="$(MAKE)" scripts/compile-commands $@.now BUILD=$(BUILD) CC=$(CLANG)
	@cmp -s $@.now $@ || mv $@.now $@
.PHONY: force analyze-stubs build-clang-tidy build-cppcheck
analyze-stubs:
	@$(MAKE) --no-print-directory -s -C tests/freebsd OUT=$(abspath $(BUILD))/freebsd-tests stubs

$(ANALYZE)/%.tidy: %.c $(ANALYZE_HDR) .clang-tidy $(ANALYZE)/compile_commands.json | analyze-stubs
	@mkdir -p $(@D)
	$(call step,TIDY) $(CLANG_TIDY) --quiet -p $(ANALYZE) $< >$@.log 2>/dev/null || \
	    { cat $@.log; exit 1; }
	@touch $@
build-clang-tidy: $(ANALYZE_SRC:%.c=$(ANALYZE)/%.tidy)

# What cppcheck has to know of macros that it sees no definition of.
CPPCHECK_DEFINES := $(DEFINES) -D'json_array_foreach(a,i,v)=while (next_item(a, i, v))' \
    -D'json_object_foreach(o,k,v)=while (next_member(o, k, v))'
CPPCHECK_KERNEL := -D'caddr_t=char *'
CPPCHECK_FLAGS := -q -j 2 --error-exitcode=1 --std=c11 --platform=unix64 --inconclusive \
    --enable=warning,performance,portability --suppressions-list=.cppcheck-suppressions
build-cppcheck: | analyze-stubs
	@mkdir -p $(ANALYZE)/cppcheck
	$(call step,SCAN) $(CPPCHECK) $(CPPCHECK_FLAGS) --library=posix -D__linux__ $(CPPCHECK_DEFINES) \
	    --cppcheck-build-dir=$(ANALYZE)/cppcheck $(INCLUDES) core linux cli
	$(call step,SCAN) $(CPPCHECK) $(CPPCHECK_FLAGS) -D__FreeBSD__ -D_KERNEL $(CPPCHECK_KERNEL) -Ifreebsd \
	    -Itests/freebsd/kern -I$(BUILD)/freebsd-tests/include freebsd
