/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvlist(9), read and written: the parts from which requests and replies of the ABI are made.
 *
 * A reader returns 0, or EINVAL where the member is missing, has another type or is out of range. A
 * writer returns 0 or an errno. The getters of the library panic when a name is missing or has
 * another type, so nothing is fetched here that was not seen to exist.
 */
#ifndef OVPN_NV_H
#define OVPN_NV_H

#include <sys/param.h>
#include <sys/nv.h>

#include "../core/addr.h"

/* nvl may be NULL: then there is no such member. */
int ovpn_nv_number(const nvlist_t *nvl, const char *name, uint64_t max, uint64_t *value);
/* Not canonical. */
int ovpn_nv_endpoint(const nvlist_t *nvl, const char *name, struct dco_endpoint *endpoint);

int ovpn_nv_add_pair(nvlist_t *nvl, const char *name, uint64_t in, uint64_t out);
int ovpn_nv_add_endpoint(nvlist_t *nvl, const char *name, const struct dco_endpoint *endpoint);

#endif
