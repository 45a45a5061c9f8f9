/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mbuf chains that may be changed in place.
 */
#ifndef OVPN_MBUF_H
#define OVPN_MBUF_H

#include <sys/param.h>
#include <sys/mbuf.h>

/* The same packet in storage that nobody else sees. If any part of m is shared, the whole packet is
 * copied once, into one piece with room for all outer headers in front: software crypto is fastest
 * on one piece. Takes m. NULL: no memory. */
struct mbuf *ovpn_mbuf_own(struct mbuf *m);

#endif
