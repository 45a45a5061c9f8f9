# SPDX-License-Identifier: BSD-2-Clause
#
# Tools and flags. No -march: the CPU is looked at when the program runs.

# One short line per step; V=1 shows the commands.
ifeq ($(V),)
step = @printf '  %-4s %s\n' $(1) $@;
else
step =
endif

# The one place that holds the version; tests/version finds copies that differ.
VERSION_FILE := $(dir $(lastword $(MAKEFILE_LIST)))../VERSION
VERSION := $(file <$(VERSION_FILE))

CC ?= cc
CLANG ?= clang
AR ?= ar
CLANG_FORMAT ?= clang-format

TRIPLET := $(shell $(CC) -dumpmachine)
MACHINE := $(firstword $(subst -, ,$(TRIPLET)))
# The folder of this machine's libraries where a distribution has several (Debian).
MULTIARCH := $(MACHINE)-linux-gnu

WARNINGS := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla
# For the product; test programs are spared.
STRICT_WARNINGS := -Wconversion -Wno-sign-conversion
INCLUDES := -Icore -Ilinux/os -I.
DEFINES := -D_GNU_SOURCE -DOPENDCO_VERSION='"$(VERSION)"' -DOPENDCO_MULTIARCH='"$(MULTIARCH)"'

CFLAGS ?= -O2 -g
STANDARD := -std=gnu11

# $(call takes,FLAGS): these, where the compiler knows them. What must not be initialised for nothing
# is marked UNINITIALIZED (linux/sys/compiler.h).
takes = $(shell echo 'int main(void) { return 0; }' | \
    $(CC) -Werror -O2 $(1) -x c -c -o /dev/null - 2>/dev/null && echo '$(1)')
HARDEN_CFLAGS := -fstack-protector-strong $(call takes,-fstack-clash-protection) \
    $(call takes,-fcf-protection) $(call takes,-mbranch-protection=standard) \
    $(call takes,-ftrivial-auto-var-init=zero) \
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(if $(call takes,-D_FORTIFY_SOURCE=3 -include string.h),3,2)
HARDEN_LDFLAGS := -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,defs -Wl,--as-needed

BASE_CFLAGS := $(STANDARD) $(WARNINGS) -Werror $(INCLUDES) $(DEFINES)

LIB_LIBS := -lcrypto -lmnl -lseccomp -lpthread -ldl
CLI_LIBS := -ljansson

# What one machine has is a whole file, and a file that offers nothing takes its place elsewhere.
# libipsec-mb is linked statically because its key structure changed size under one
# soname. Elsewhere, and with PORTABLE=1, the files for x86-64 are replaced as a whole.
PORTABLE ?=
ifeq ($(MACHINE)$(PORTABLE),x86_64)
IMB_LIBS := -Wl,-Bstatic -lIPSec_MB -Wl,-Bdynamic
MACHINE_OMIT := linux/crypto/aead_x86_none.c linux/plane/csum_fast_none.c
else
IMB_LIBS :=
MACHINE_OMIT := linux/crypto/aead_imb.c linux/crypto/aead_vaes.c linux/crypto/gcm_vaes.c \
    linux/plane/csum_fast_x86.c
endif
