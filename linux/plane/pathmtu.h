/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU of the path to each peer, asked from the kernel again and again. Without it a train could
 * be larger than the path, and the kernel would refuse it.
 */
#ifndef DCO_PLANE_PATHMTU_H
#define DCO_PLANE_PATHMTU_H

#include "linux/plane/port_private.h"

/* The sockets that ask, with mark and device of port->fd[0]. openvpn's thread. */
void path_mtu_open(struct plane_port *port);
void path_mtu_close(struct plane_port *port);
/* Fresh path MTU in bytes of the route from port to remote, 0 if unknown. Housekeeping. */
unsigned path_mtu_get(const struct plane_port *port, const struct dco_path *path);
/* Updates peer->path_mtu of every peer of dev that is due (new, floated, older than 10 s).
 * Housekeeping, four times a second. */
void path_mtu_refresh(struct plane_dev *dev, uint64_t now_ns);

#endif
