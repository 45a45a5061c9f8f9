# SPDX-License-Identifier: BSD-2-Clause
#
# The programs of the bench, under $(BUILD)/bench. The tunnels are linked from the product's own
# objects, without its preload layer. tunnel-null has aead_null.c in the place of linux/crypto.
#
#   make -f bench/bench.mk BUILD=build

BUILD ?= build

programs:

include mk/config.mk
include mk/product.mk

BENCH := $(BUILD)/bench
TRAFFIC := $(addprefix $(BENCH)/,blast sink stream rtt order tunbridge)
TUNNELS := $(addprefix $(BENCH)/,tunnel tunnel-null swarm swarm-bare)

programs: binaries $(TRAFFIC) $(TUNNELS) $(BENCH)/stages
binaries: $(PRODUCTS)
.PHONY: programs binaries

# What a tunnel needs besides its own file: the plane.
PLANE_OBJ := \
    $(filter-out $(addprefix $(BUILD)/obj/pic/linux/,preload/% openvpn/% netlink/% status/%),$(LIB_OBJ))
NULL_OBJ := $(filter-out $(BUILD)/obj/pic/linux/crypto/%,$(PLANE_OBJ)) \
    $(BUILD)/obj/bench/bench/aead_null.o

$(BUILD)/obj/bench/bench/%.o: bench/%.c
	@mkdir -p $(@D)
	$(call step,CC) $(CC) $(BASE_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(TRAFFIC): $(BENCH)/%: $(BUILD)/obj/bench/bench/%.o
	@mkdir -p $(@D)
	$(call step,LD) $(CC) $(LDFLAGS) -o $@ $^ -lpthread

$(BENCH)/tunnel $(BENCH)/swarm: $(BENCH)/%: $(BUILD)/obj/bench/bench/%.o $(PLANE_OBJ)
	@mkdir -p $(@D)
	$(call step,LD) $(CC) $(LDFLAGS) -o $@ $^ $(IMB_LIBS) $(LIB_LIBS)

$(BENCH)/tunnel-null: $(BUILD)/obj/bench/bench/tunnel.o $(NULL_OBJ)
	@mkdir -p $(@D)
	$(call step,LD) $(CC) $(LDFLAGS) -o $@ $^ $(IMB_LIBS) $(LIB_LIBS)

# stages has no platform: of the core it takes only what needs no memory.
STAGE_OBJ := $(addprefix $(BUILD)/obj/pic/core/,addr.o coalesce.o coalesce_csum.o csum.o drop.o inner.o segment.o) \
    $(filter $(BUILD)/obj/pic/linux/crypto/% $(BUILD)/obj/pic/linux/plane/csum_fast_%,$(LIB_OBJ)) \
    $(addprefix $(BUILD)/obj/pic/linux/sys/,calls.o log.o outer_filter.o setting_rules.o)
$(BENCH)/stages: $(BUILD)/obj/bench/bench/stages.o $(STAGE_OBJ)
	@mkdir -p $(@D)
	$(call step,LD) $(CC) $(LDFLAGS) -o $@ $^ $(IMB_LIBS) -lcrypto -lpthread

# For callgrind: see nosandbox.c.
$(BENCH)/swarm-bare: $(addprefix $(BUILD)/obj/bench/bench/,swarm.o nosandbox.o) \
    $(filter-out %/linux/sys/sandbox.o,$(PLANE_OBJ))
	@mkdir -p $(@D)
	$(call step,LD) $(CC) $(LDFLAGS) -o $@ $^ $(IMB_LIBS) $(LIB_LIBS)

-include $(wildcard $(BUILD)/obj/bench/*/*.d $(BUILD)/obj/bench/*/*/*.d)

.SECONDARY:
