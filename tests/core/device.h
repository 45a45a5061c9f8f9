/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device for tests of its peers: peer n has id n, 10.8.x.n and 2001:db8::n, and is reached at
 * 192.0.x.n port 1000.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "addresses.h"
#include "events.h"
#include "harness.h"
#include "keys_private.h"
#include "peers_private.h"
#include "platform.h"
#include "timers.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

extern struct platform platform;
extern struct dco_peers *p;

void begin(enum dco_mode mode);
/* Checks that nothing is left alive. */
void end(void);

struct dco_peer_new request(uint32_t n);
struct dco_peer *add(uint32_t n, uint64_t now);
/* By remote address; by inner destination. */
struct dco_peer *at(uint32_t host, uint16_t port);
struct dco_peer *to(struct dco_ip ip);
bool seen(struct dco_peer *peer, struct dco_path path, uint64_t now);

/* The next event; kind 0 if there is none. */
struct dco_event take(void);
/* Takes it, and checks that it is this one. */
void check_event(uint32_t kind, uint32_t peer_id);
/* dco_peers_tick() until it has no more; how many keepalives were due. */
unsigned tick(uint64_t now, uint64_t *next);

#endif
