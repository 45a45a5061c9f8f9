/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"): the hash of tables whose
 * keys a stranger can choose, and the fingerprint by which used keys are remembered.
 */
#ifndef DCO_SIPHASH_H
#define DCO_SIPHASH_H

#include "dco_os.h"

struct dco_siphash_key {
    uint64_t k[2];
};

uint64_t dco_siphash(const struct dco_siphash_key *key, const void *data, size_t len);

#endif
