# SPDX-License-Identifier: BSD-2-Clause
#
# Test programs. tests/core/X_test.c is linked with core, the harness (tests/harness) and the helpers
# beside it. It is built plain, with ASAN+UBSAN, with TSAN where its name ends in _mt_test, and for
# two foreign machines (static, run under qemu-user). tests/linux/X_test.c sees the Linux platform
# and the command too. It is built plain, with ASAN+UBSAN, and with TSAN by the same rule. The
# interposed calls of linux/preload are in no test program.
#
# Which of them run, and what is skipped with which reason, is decided by tests/run.

HARNESS_SRC := $(wildcard tests/harness/*.c)
CORE_HELPERS := $(filter-out %_test.c,$(wildcard tests/core/*.c))
LINUX_HELPERS := $(filter-out %_test.c,$(wildcard tests/linux/*.c))
CORE_TESTS := $(patsubst %.c,%,$(wildcard tests/core/*_test.c))
LINUX_TESTS := $(patsubst %.c,%,$(wildcard tests/linux/*_test.c))
MT_TESTS := $(filter %_mt_test,$(CORE_TESTS) $(LINUX_TESTS))
FUZZ_TARGETS := $(patsubst %.c,%,$(wildcard fuzz/*_fuzz.c))

OS_SRC := $(wildcard linux/os/*.c)
PLATFORM_SRC := $(filter-out $(filter-out %/status_source.c,$(wildcard linux/preload/*.c)) \
    $(OS_SRC),$(LINUX_SRC)) \
    $(filter-out cli/main.c,$(CLI_SRC))

# What the archives of a variant hold. libFuzzer brings a main() of its own.
harness = $(if $(filter fuzz,$(1)),$(filter-out %/main.c,$(HARNESS_SRC)),$(HARNESS_SRC))
core_archive = $(call objects,$(1),$(CORE_SRC) $(OS_SRC) $(CORE_HELPERS) $(call harness,$(1)))
platform_archive = $(call objects,$(1),$(PLATFORM_SRC) $(LINUX_HELPERS))

# Locks remember their owner, and functions that want one check it (dco_os.h).
CHECKS := -DDCO_LOCK_CHECKS

SAN_CFLAGS := -O1 -g -fno-omit-frame-pointer
asan_CC := $(CC)
asan_FLAGS := $(SAN_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all
tsan_CC := $(CC)
tsan_FLAGS := $(SAN_CFLAGS) -fsanitize=thread
plain_CC := $(CC)
plain_FLAGS := -O2 -g $(HARDEN_CFLAGS)
arm64_CC := aarch64-linux-gnu-gcc
arm64_FLAGS := -O2 -g
s390x_CC := s390x-linux-gnu-gcc
s390x_FLAGS := -O2 -g
fuzz_CC := $(CLANG)
fuzz_FLAGS := $(SAN_CFLAGS) -fsanitize=fuzzer-no-link,address,undefined \
    -fno-sanitize-recover=all -Wno-error
cov_CC := $(CC)
cov_FLAGS := -O0 -g --coverage -Wno-error
VARIANTS := plain asan tsan arm64 s390x fuzz cov

# $(eval $(call variant,NAME)): objects and archives of one variant. Archives let a program take
# only what it calls.
define variant
$(BUILD)/obj/$(1)/core/%.o: core/%.c
	@mkdir -p $$(@D)
	$$(call step,CC) $$($(1)_CC) $$(BASE_CFLAGS) $$(STRICT_WARNINGS) $$(CHECKS) $$($(1)_FLAGS) \
	    -MMD -MP -c -o $$@ $$<

$(BUILD)/obj/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call step,CC) $$($(1)_CC) $$(BASE_CFLAGS) $$(CHECKS) -Itests/harness -Itests/core \
	    $$($(1)_FLAGS) \
	    -MMD -MP -c -o $$@ $$<

$(call objects,$(1),$(PLATFORM_SRC) $(addsuffix .c,$(LINUX_TESTS))): $(VERSION_FILE)

$(BUILD)/lib/$(1)/core.a: $(call core_archive,$(1))
	@mkdir -p $$(@D)
	$$(call step,AR) rm -f $$@ && $$(AR) rcs $$@ $$^

$(BUILD)/lib/$(1)/platform.a: $(call platform_archive,$(1))
	@mkdir -p $$(@D)
	$$(call step,AR) rm -f $$@ && $$(AR) rcs $$@ $$^

-include $(patsubst %.o,%.d,$(call core_archive,$(1)) $(call platform_archive,$(1)) \
    $(call objects,$(1),$(addsuffix .c,$(CORE_TESTS) $(LINUX_TESTS) $(FUZZ_TARGETS))))
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))

# $(eval $(call core_tests,VARIANT,LINK FLAGS))
define core_tests
$(BUILD)/test/$(1)/core/%: $(BUILD)/obj/$(1)/tests/core/%.o $(BUILD)/lib/$(1)/core.a
	@mkdir -p $$(@D)
	$$(call step,LD) $$($(1)_CC) $$($(1)_FLAGS) $(2) -o $$@ $$^ -lpthread
endef
$(foreach v,plain asan tsan cov,$(eval $(call core_tests,$(v),)))
$(foreach v,arm64 s390x,$(eval $(call core_tests,$(v),-static)))

define linux_tests
$(BUILD)/test/$(1)/linux/%: $(BUILD)/obj/$(1)/tests/linux/%.o $(BUILD)/lib/$(1)/platform.a \
    $(BUILD)/lib/$(1)/core.a
	@mkdir -p $$(@D)
	$$(call step,LD) $$($(1)_CC) $$($(1)_FLAGS) -o $$@ $$^ $$(IMB_LIBS) $$(LIB_LIBS) $$(CLI_LIBS)
endef
$(foreach v,plain asan tsan cov,$(eval $(call linux_tests,$(v))))

$(BUILD)/fuzz/%: $(BUILD)/obj/fuzz/fuzz/%.o $(BUILD)/lib/fuzz/platform.a $(BUILD)/lib/fuzz/core.a
	@mkdir -p $(@D)
	$(call step,LD) $(CLANG) -g -fsanitize=fuzzer,address,undefined -o $@ $^ $(IMB_LIBS) $(LIB_LIBS) $(CLI_LIBS)

# What tests/run asks for, one goal per suite.
test_programs = $(patsubst tests/%,$(BUILD)/test/$(1)/%,$(2))
.PHONY: build-plain build-asan build-tsan build-arm64 build-s390x build-fuzz build-cov
build-plain: $(call test_programs,plain,$(CORE_TESTS) $(LINUX_TESTS))
build-asan: $(call test_programs,asan,$(CORE_TESTS) $(LINUX_TESTS))
build-tsan: $(call test_programs,tsan,$(MT_TESTS))
build-cov: $(call test_programs,cov,$(CORE_TESTS) $(LINUX_TESTS))
build-arm64: $(call test_programs,arm64,$(CORE_TESTS))
build-s390x: $(call test_programs,s390x,$(CORE_TESTS))
build-fuzz: $(patsubst fuzz/%,$(BUILD)/fuzz/%,$(FUZZ_TARGETS))

# The core as a kernel would take it: freestanding, and one object whose undefined symbols tests/run
# compares with what a platform has to supply.
FREESTANDING_OBJ := $(call objects,freestanding,$(CORE_SRC))
$(BUILD)/obj/freestanding/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC) $(CC) $(BASE_CFLAGS) $(STRICT_WARNINGS) -O2 -ffreestanding -fno-stack-protector \
	    -MMD -MP -c -o $@ $<
$(BUILD)/obj/freestanding/core.o: $(FREESTANDING_OBJ)
	$(call step,LD) $(CC) -r -nostdlib -o $@ $^
.PHONY: build-freestanding
build-freestanding: $(BUILD)/obj/freestanding/core.o

.SECONDARY:

# T=word runs only the programs and scripts whose name holds the word.
T ?=
run_suite = @BUILD=$(BUILD) MAKE="$(MAKE)" tests/run $(if $(T),-m $(T))
SUITES := analyze cli unit asan tsan cross compilers fuzz style docs freebsd packaging integration
.PHONY: check $(addprefix check-,$(SUITES)) fuzz
check:
	$(run_suite)
$(addprefix check-,$(SUITES)): check-%:
	$(run_suite) $*

# Line coverage of the unit tests, per folder.
.PHONY: coverage
coverage: build-cov
	@scripts/coverage $(BUILD)

# FUZZ_SECONDS is per target.
FUZZ_SECONDS ?= 600
fuzz:
	$(run_suite) -s $(FUZZ_SECONDS) fuzz
