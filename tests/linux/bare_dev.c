/* SPDX-License-Identifier: BSD-2-Clause */
#include "bare_dev.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/peers.h"
#include "harness.h"
#include "linux/plane/grace.h"
#include "linux/plane/platform.h"

struct plane_dev *
bare_dev_new(const char *name, enum dco_mode mode, uint32_t ifindex)
{
    static const struct dco_siphash_key secret = {{1, 2}};
    struct plane_dev *dev = platform_alloc(sizeof(*dev));

    CHECK(dev != NULL);
    snprintf(dev->name, sizeof(dev->name), "%s", name);
    dev->mode = mode;
    dev->ifindex = ifindex;
    dev->peers = platform_alloc(dco_peers_size());
    CHECK(dev->peers != NULL);
    dco_peers_init(dev->peers, &plane_env, mode, &secret);
    return dev;
}

void
bare_dev_free(struct plane_dev *dev)
{
    dco_peers_fini(dev->peers);
    free(dev->peers);
    grace_synchronize();
    free(dev);
}
