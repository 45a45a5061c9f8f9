/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a debugger would do to the module: reach a key, read and turn its counters. */
#include "ovpn_softc.h"

#include "../core/keys_private.h"

struct dco_key *test_primary_key(struct ifnet *ifp, uint32_t peer);
void test_set_packet_id(struct dco_key *key, uint64_t next);
uint64_t test_opened(const struct dco_key *key);

struct dco_key *
test_primary_key(struct ifnet *ifp, uint32_t peer)
{
    struct ovpn_softc *sc = ifp->if_softc;

    return dco_peer_key_tx(dco_peers_by_id(sc->active, peer));
}

void
test_set_packet_id(struct dco_key *key, uint64_t next)
{
    key->tx_next = next;
}

uint64_t
test_opened(const struct dco_key *key)
{
    return key->rx_blocks;
}
