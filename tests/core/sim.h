/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server and its clients, each a core of its own, on a simulated network with a virtual clock:
 * loss, delay, reordering, duplication, moving clients, rekeying, forged and replayed packets,
 * clients that die. Every inner packet carries a serial number and a hash of itself; its fate is
 * followed from end to end.
 *
 * The data path here is the shortest one that keeps the rules: nothing that was not authenticated
 * changes anything, one reason for each drop. The cipher is a toy; what matters is that a wrong
 * key, nonce, header or byte fails.
 */
#ifndef SIM_H
#define SIM_H

#include "addresses.h"
#include "harness.h"
#include "platform.h"

#define CLIENTS       4U
#define NODES         (CLIENTS + 1) /* node 0 is the server */
#define SERVER_HOST   1U
#define ATTACKER_HOST 250U
#define SECOND        1000000000ULL
#define MS            1000000ULL
#define DELAY_MAX     (300 * MS)
#define INTERVAL_S    2U
#define TIMEOUT_S     20U

#define PACKET_MAX  400U
#define WIRE_MAX    (PACKET_MAX + DCO_OVERHEAD)
#define FLIGHT_MAX  4096U
#define SERIALS_MAX 400000U

enum fate {
    UNUSED,
    SENT,      /* under way */
    LOST,      /* by the network */
    DELIVERED, /* intact, at the right node */
    REFUSED,   /* by the receiver, for its source address */
};

struct datagram {
    uint64_t at;
    struct dco_endpoint from, to;
    uint32_t serial; /* of what it carries; 0: nothing to follow */
    bool forged;     /* by the attacker: must not be delivered */
    size_t len;
    uint8_t data[WIRE_MAX];
};

struct node {
    struct platform platform;
    struct dco_peers *p;
    struct dco_endpoint self; /* a client's moves */
    struct dco_drops drops;
    bool down;
    bool chatting;
    uint64_t next_tick;
    uint32_t deleted, expired;
};

/* What the openvpn of both ends would do to renew a key, with times of its own for each end. */
struct rekey {
    bool running;
    bool asked;
    uint32_t number;
    uint64_t install[2], swap[2], del[2]; /* [0]: the server; 0: done */
};

struct sim {
    struct rng rng;
    uint64_t now;
    uint32_t loss, duplicates; /* percent */
    struct node node[NODES];
    uint32_t peer_id[NODES]; /* of each client's session */
    uint8_t key_id[NODES];
    struct rekey rekey[NODES];
    uint32_t keys;  /* numbers used */
    uint32_t peers; /* sessions started */
    struct datagram flight[FLIGHT_MAX];
    unsigned flying;
    uint8_t fate[SERIALS_MAX];
    uint32_t serials, keepalives, floats, steps;
    bool attacked;
    bool worn_keys; /* every key starts just below its soft limit, and only asking for it renews it
                     */
    struct datagram captured;
};

extern struct sim *sim; /* between sim_begin() and sim_end() */

/* A server with CLIENTS sessions. loss, duplicates: percent; with loss comes an attacker. round:
 * goes into the seed. */
void sim_begin(uint32_t loss, uint32_t duplicates, uint32_t round, bool worn_keys);
/* Some milliseconds. quiet: nobody starts anything new. */
void sim_step(bool quiet);
/* Ten quiet seconds. */
void sim_settle(void);
/* Settles, checks that every packet met its fate and nobody was led astray, frees everything. */
void sim_end(void);

/* Sends a packet; it claims the address of node spoof, which is from unless it lies. */
void sim_talk(uint32_t from, uint32_t to, uint32_t spoof);
/* The client's address changes. */
void sim_move(uint32_t client);
/* A new session of a client; the server may or may not have noticed that the old one died. */
void sim_start_session(uint32_t client);
uint64_t sim_within(uint64_t from, uint64_t span);

/* No node sends to the attacker. */
bool sim_nobody_at_the_attacker(void);
/* How many packets met it; what all nodes together dropped for it. */
uint32_t sim_fates(enum fate fate);
uint64_t sim_drops(enum dco_drop reason);

#endif
