/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports: the sockets of one UDP port of openvpn's, which workers read and send with. openvpn's
 * thread, unless a function says otherwise. A port lives as long as somebody has a reference.
 */
#ifndef DCO_PLANE_PORT_H
#define DCO_PLANE_PORT_H

#include <netinet/in.h>

#include "core/control.h"

struct plane_dev;
struct plane_port;

/*
 * The port of fd, a bound UDP socket of openvpn's; fd is taken over, also on error. server: many
 * clients use it, so each worker gets a socket of its own to read and another one to send with,
 * where that is safe (port_group.h); the log says why where it is not. Until the port is opened,
 * every datagram goes to fd and nobody else reads it. The caller holds the reference that is
 * returned. 0 or -errno.
 */
int plane_port_new(int fd, bool server, struct plane_port **port);

/*
 * The plane takes over: workers read once the port is tied to a device. control_fd, taken over also
 * on error, is the plane's end of the pair whose other end openvpn reads; each datagram on it
 * starts with struct plane_control_hdr. Once. 0 or -errno.
 */
int plane_port_open(struct plane_port *port, int control_fd);

/* openvpn's own socket, for calls that concern the port and not the pair; -1 once closed. Any
 * thread. */
int plane_port_fd(const struct plane_port *port);
/* As setsockopt(2), on each socket of the port. */
int plane_port_setsockopt(struct plane_port *port, int level, int name, const void *value,
                          socklen_t len);
/* The local port, network order; 0 once closed. */
uint16_t plane_port_number(const struct plane_port *port);

struct plane_port *plane_port_get(struct plane_port *port);
void plane_port_put(struct plane_port *port);

/* Closes every member and the pair: when it returns the port is free. Peers that still use it keep
 * their reference and can no longer send. Does not give up the caller's reference. */
void plane_port_close(struct plane_port *port);

/* Ties the port to the device whose peers arrive on it. A port serves one device; -EBUSY. */
int plane_port_bind_dev(struct plane_port *port, struct plane_dev *dev);

/* Where a datagram of openvpn's to dst really goes: a peer that floated is reached at its new
 * address. What goes to a session that is no peer yet is remembered, so that no peer takes its name
 * by moving there. The thread that makes and ends devices. */
void plane_port_map_dest(struct plane_port *port, struct sockaddr_storage *dst);

/* For a new peer of openvpn's: its path as it really is, and as origin what openvpn said, which is
 * something else for one that came from where another peer had been before. */
void plane_port_peer_locate(struct plane_port *port, struct dco_peer_new *req);
/* The peer was made, and has no key yet: from now on that name is its own. Likewise. */
void plane_port_peer_made(struct plane_port *port, const struct dco_peer_new *req);

/* Before a datagram from the pair: where it came from and, if the socket asked for packet info,
 * which of our addresses it was sent to. */
struct plane_control_hdr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } source;
    uint32_t source_len;
    uint32_t has_pktinfo; /* 0, AF_INET or AF_INET6 */
    union {
        struct in_pktinfo in;
        struct in6_pktinfo in6;
    } pktinfo;
};

#endif
