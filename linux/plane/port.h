/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port is the set of sockets of one UDP port of openvpn, with which the workers receive and send.
 * It lives as long as there is a reference to it. openvpn's thread, unless a function says
 * otherwise.
 */
#ifndef DCO_PLANE_PORT_H
#define DCO_PLANE_PORT_H

#include <netinet/in.h>

#include "core/control.h"

struct plane_dev;
struct plane_port;

/*
 * Makes a port of fd, a bound UDP socket of openvpn, and takes fd over, also on error. server: many
 * clients use the port, so each worker gets a socket of its own to read and another one to send
 * with, if that is safe (port_group.h); the log says why if it is not. Until the port is opened,
 * every datagram goes to fd, and the plane does not read it. The caller owns the reference in
 * *port. 0 or -errno.
 */
int plane_port_new(int fd, bool server, struct plane_port **port);

/*
 * Hands the port to the plane: workers read it from plane_port_bind_dev() on. control_fd, which is
 * taken over also on error, is the plane's end of the pair whose other end openvpn reads; each
 * datagram on it starts with struct plane_control_hdr. May succeed once. 0 or -errno.
 */
int plane_port_open(struct plane_port *port, int control_fd);

/* openvpn's own socket, for calls that are meant for the port and not for the pair; -1 once closed.
 * Any thread. */
int plane_port_fd(const struct plane_port *port);
/* Like setsockopt(2), on each socket of the port. */
int plane_port_setsockopt(struct plane_port *port, int level, int name, const void *value,
                          socklen_t len);
/* The local port, network order; 0 once closed. */
uint16_t plane_port_number(const struct plane_port *port);

/* Take and give up a reference. Any thread. */
struct plane_port *plane_port_get(struct plane_port *port);
void plane_port_put(struct plane_port *port);

/* Closes every member and our end of the pair. When it returns, openvpn can bind the UDP port
 * again. Peers keep their references and can no longer send. The caller keeps its own reference. */
void plane_port_close(struct plane_port *port);

/* Ties the port to the device whose peers it serves. 0 or -errno; -EBUSY: the port already serves
 * another device. */
int plane_port_bind_dev(struct plane_port *port, struct plane_dev *dev);

/* Rewrites dst, the destination of a datagram of openvpn, to the address where the peer is now, if
 * the peer floated. Remembers dst if it belongs to a session that is no peer yet, so that no peer
 * can take over that session's address by a float. The thread that makes and ends devices. */
void plane_port_map_dest(struct plane_port *port, struct sockaddr_storage *dst);

/* Prepares the request of a new peer: sets req->origin to the address that openvpn gave and
 * req->path to the peer's real one. They differ if the address had belonged to another peer that
 * floated. The thread that makes and ends devices. */
void plane_port_peer_locate(struct plane_port *port, struct dco_peer_new *req);
/* Tells the translation of a new peer, before the peer has a key. Also ends the translation of an
 * earlier peer with the same id. The thread that makes and ends devices. */
void plane_port_peer_made(struct plane_port *port, const struct dco_peer_new *req);

/* Header of each datagram on the pair: its source and, if the socket asked for packet info, the
 * local address to which it was sent. */
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
