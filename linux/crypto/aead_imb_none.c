/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of aead_imb.c where libipsec-mb does not exist. */
#include "backend.h"

static bool
never(enum dco_cipher cipher)
{
    (void)cipher;
    return false;
}

const struct dco_aead_backend dco_aead_imb = {
    .name = "ipsec-mb",
    .usable = never,
    .preferred = never,
};
