# SPDX-License-Identifier: BSD-2-Clause
#
# The library and the command. Sources are found, not listed.

CORE_SRC := $(wildcard core/*.c)
LINUX_SRC := $(filter-out $(MACHINE_OMIT),$(wildcard linux/*.c linux/*/*.c))
CLI_SRC := $(wildcard cli/*.c)

PRODUCTS := $(BUILD)/opendco $(BUILD)/libopendco.so $(BUILD)/10-opendco.conf

# $(call objects,VARIANT,SOURCES)
objects = $(patsubst %.c,$(BUILD)/obj/$(1)/%.o,$(2))

# The self-checks of validate.c are for tests.
LIB_OBJ := $(call objects,pic,$(filter-out core/validate.c,$(CORE_SRC)) $(LINUX_SRC))
# What the command shares with the library: the sentences for drop reasons, the rules for settings,
# the folder of the status sockets, the build id in a file.
CLI_OBJ := $(call objects,cli,$(CLI_SRC) core/drop.c linux/sys/setting_rules.c \
    linux/sys/runtime_dir.c linux/sys/build_id.c)

PIC_CFLAGS := $(BASE_CFLAGS) $(STRICT_WARNINGS) $(HARDEN_CFLAGS) -fPIC -fvisibility=hidden

$(BUILD)/obj/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC) $(CC) $(PIC_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# They define functions whose fortified forms the headers define inline.
$(addprefix $(BUILD)/obj/pic/linux/preload/,hooks.o file_hooks.o): override CFLAGS += -U_FORTIFY_SOURCE

$(BUILD)/obj/cli/%.o: %.c
	@mkdir -p $(@D)
	$(call step,CC) $(CC) $(BASE_CFLAGS) $(STRICT_WARNINGS) $(HARDEN_CFLAGS) -fPIE $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libopendco.so: $(LIB_OBJ)
	$(call step,LD) $(CC) -shared -Wl,-soname,libopendco.so $(HARDEN_LDFLAGS) $(LDFLAGS) -o $@ $^ \
	    -Wl,--exclude-libs,ALL $(IMB_LIBS) $(LIB_LIBS)

$(BUILD)/opendco: $(CLI_OBJ)
	$(call step,LD) $(CC) -pie $(HARDEN_LDFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

# "opendco enable" expects it beside the library.
$(BUILD)/10-opendco.conf: packaging/systemd/10-opendco.conf
	@mkdir -p $(@D)
	$(call step,COPY) cp $< $@

# The preloaded library stands in front of entry points that only glibc has (__read_chk, open64), and
# its sandbox lets through what glibc does to change the user of every thread.
.PHONY: glibc-only
glibc-only:
	@echo "OpenDCO for Linux needs the GNU C library: $(CC) builds for $(TRIPLET)." >&2
	@echo "The library intercepts functions of glibc, so openvpn has to be built with glibc, too." >&2
	@exit 1
ifneq ($(findstring musl,$(TRIPLET)),)
$(LIB_OBJ) $(CLI_OBJ): | glibc-only
endif

# The version reaches them by a flag and not by a header.
$(LIB_OBJ) $(CLI_OBJ): $(VERSION_FILE)

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d)
