/* SPDX-License-Identifier: BSD-2-Clause */
#include "ovpn_mbuf.h"

#include <netinet/in.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>

#include "../core/wire.h"

/* Bytes of the outer headers, but for those of the link. */
#define OUTER_MAX ((int)(sizeof(struct ip6_hdr) + sizeof(struct udphdr) + DCO_OVERHEAD))

static bool
is_shared(struct mbuf *m)
{
    while (m != NULL && M_WRITABLE(m))
        m = m->m_next;
    return m != NULL;
}

/* NULL: no memory, or the packet is too long for one piece; m is still the caller's. */
static struct mbuf *
copy_in_one_piece(struct mbuf *m)
{
    int room = (int)max_linkhdr + OUTER_MAX;
    int len = m->m_pkthdr.len;
    struct mbuf *copy = m_get2(room + len, M_NOWAIT, MT_DATA, M_PKTHDR);

    if (copy == NULL)
        return NULL;
    m_move_pkthdr(copy, m);
    copy->m_flags &= ~M_RDONLY; /* which concerned the storage of m */
    copy->m_data += room;
    copy->m_len = len;
    m_copydata(m, 0, len, mtod(copy, caddr_t));
    m_freem(m);
    return copy;
}

struct mbuf *
ovpn_mbuf_own(struct mbuf *m)
{
    struct mbuf *copy;

    if (!is_shared(m))
        return m;
    copy = copy_in_one_piece(m);
    return copy != NULL ? copy : m_unshare(m, M_NOWAIT);
}
