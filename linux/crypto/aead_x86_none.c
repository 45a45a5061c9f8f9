/* SPDX-License-Identifier: BSD-2-Clause */
/* Takes the place of aead_imb.c and aead_vaes.c on machines other than x86-64. */
#include "linux/crypto/backend.h"

static bool
never(enum dco_cipher cipher)
{
    (void)cipher;
    return false;
}

const struct aead_backend aead_imb = {
    .name = "ipsec-mb",
    .usable = never,
    .preferred = never,
};

const struct aead_backend aead_vaes = {
    .name = "vaes",
    .usable = never,
    .preferred = never,
};

/* Nothing to do: any later loop over data overwrites the registers. */
void
aead_clear_registers(void)
{
}
