/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MTU of the path to each peer, which the kernel is asked for regularly. Without it a packet of
 * a train could be larger than the path allows, and the kernel would refuse the train.
 */
#ifndef DCO_PLANE_PATHMTU_H
#define DCO_PLANE_PATHMTU_H

#include "linux/plane/port_private.h"

/* Opens the sockets of port that ask, with the mark and device of port->fd[0]. A question has no
 * answer if one cannot be opened. openvpn's thread. */
void path_mtu_open(struct plane_port *port);
/* Closes them. The owner of the last reference, or a child of fork(). */
void path_mtu_close(struct plane_port *port);

/* The current MTU in bytes of the path from port to path->remote, 0 if unknown. Housekeeping. */
unsigned path_mtu_get(struct plane_port *port, const struct dco_path *path);
/* Updates path_mtu of the peers of dev that are due: new ones, those that floated within the last
 * second, and each peer once in 10 s. Housekeeping, four times a second. */
void path_mtu_refresh(struct plane_dev *dev, uint64_t now_ns);

#endif
