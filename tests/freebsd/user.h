/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's side: requests as openvpn makes them, and the far end of a tunnel, written apart from
 * core/ so that the two check each other.
 */
#ifndef USER_H
#define USER_H

#include "world.h"
#undef malloc
#undef free

struct user_peer {
    uint32_t id;
    int fd;
    const char *remote, *local; /* "192.0.2.2", "2001:db8::2", "::ffff:192.0.2.2"; local: or NULL */
    uint16_t remote_port, local_port; /* host order */
    uint32_t scope_id;
    const char *vpn4, *vpn6; /* or NULL */
};

/* Each returns 0 or the errno. */
int user_request(struct ifnet *ifp, unsigned long cmd, nvlist_t *nvl); /* destroys nvl */
int user_new_peer(struct ifnet *ifp, const struct user_peer *p);
nvlist_t *user_new_peer_list(const struct user_peer *p);
int user_del_peer(struct ifnet *ifp, uint32_t id);
int user_set_peer(struct ifnet *ifp, uint32_t id, uint64_t interval, uint64_t timeout);
int user_swap_keys(struct ifnet *ifp, uint32_t id);
int user_del_key(struct ifnet *ifp, uint32_t id, uint64_t slot);
int user_start(struct ifnet *ifp);
int user_set_ifmode(struct ifnet *ifp, uint64_t mode);

/* The driver's encrypt is out, its decrypt is in; seed makes keys that are alike for both ends. */
struct user_key {
    uint8_t id;
    const char *cipher;
    uint8_t out[32], in[32], out_iv[8], in_iv[8];
    int len; /* bytes */
};
void user_key_make(struct user_key *key, uint8_t id, const char *cipher, unsigned seed);
struct user_key user_key_mirror(const struct user_key *key); /* the far end's */
nvlist_t *user_key_list(uint32_t peer, uint64_t slot, const struct user_key *key);
int user_new_key(struct ifnet *ifp, uint32_t peer, uint64_t slot, const struct user_key *key);

/* SIOCGDRVSPEC into a buffer of so many bytes. *reply is NULL on errors. */
int user_get(struct ifnet *ifp, unsigned long cmd, size_t room, nvlist_t **reply);
uint64_t user_pending(struct ifnet *ifp);

struct user_event {
    uint64_t peer, kind, reason; /* reason: ~0 if absent */
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
    uint64_t af, port; /* float; port in host order */
    uint8_t address[16];
};
int user_event(struct ifnet *ifp, struct user_event *e);

uint64_t user_stat(struct ifnet *ifp, const char *name, const char *direction);
/* Counted drops of one reason; the text of the sysctl is searched. */
uint64_t user_drops(struct ifnet *ifp, const char *reason);

/* "192.0.2.1" and such to bytes; the family is 4 or 6. */
int user_addr(const char *text, uint8_t *bytes);

/* A datagram of the far end, sealed under its key (out), from and to those addresses. */
void far_seal(struct world_datagram *d, const struct user_key *key, uint32_t peer, uint32_t id,
              const void *inner, int len);
/* Opens what the driver sent with key (in). Returns the inner length or -1; *id: packet id. */
int far_open(const struct world_datagram *d, const struct user_key *key, uint32_t *id,
             uint8_t *inner);
void far_address(struct world_datagram *d, const char *src, uint16_t sport, const char *dst,
                 uint16_t dport);

/* Inner packets: IPv4 or IPv6 by the addresses, UDP, so many bytes in all. Returns len. */
int inner_packet(uint8_t *pkt, const char *src, const char *dst, int len);
/* A TCP SYN with an MSS option; and what it says. */
int inner_syn(uint8_t *pkt, const char *src, const char *dst, uint16_t mss);
uint16_t inner_mss(const uint8_t *pkt);
bool inner_tcp_checksum_ok(const uint8_t *pkt, int len);

#endif
