/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum with vector instructions: the same results as dco_csum() for every length
 * and alignment.
 */
#ifndef DCO_PLANE_CSUM_FAST_H
#define DCO_PLANE_CSUM_FAST_H

#include "csum.h"

/* The fastest on this processor; dco_csum where there is nothing better. Any thread. */
dco_csum_fn *csum_best(void);

/* For tests: the i-th implementation that works on this processor, best last, with its name; NULL
 * beyond the last. 0 is dco_csum. */
dco_csum_fn *csum_nth(unsigned i, const char **name);

#endif
