/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum with vector instructions: the same results as dco_csum() for every length
 * and alignment.
 */
#ifndef DCO_PLANE_CSUM_FAST_H
#define DCO_PLANE_CSUM_FAST_H

#include "core/csum.h"

/* The fastest implementation for this processor, dco_csum() if there is no other. Any thread. */
dco_csum_fn *csum_best(void);

/* For tests and benchmarks: implementation i of those that this processor supports, and its name.
 * The first is dco_csum(), the last is the fastest; NULL beyond it. */
dco_csum_fn *csum_nth(unsigned i, const char **name);

#endif
