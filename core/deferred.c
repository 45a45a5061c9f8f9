/* SPDX-License-Identifier: BSD-2-Clause */
#include "deferred.h"

#include "keys_private.h"
#include "peer_private.h"
#include "route.h"
#include "table.h"

void
dco_deferred_run(struct dco_deferred *d)
{
    switch (d->kind) {
    case DCO_DEFERRED_KEY:
        dco_key_end(d);
        break;
    case DCO_DEFERRED_PEER:
        dco_peer_end(d);
        break;
    case DCO_DEFERRED_TABLE:
        dco_table_array_end(d);
        break;
    case DCO_DEFERRED_ROUTES:
        dco_routes_end(d);
        break;
    default: /* not an object of the core */
        break;
    }
}
