/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of mbufs. Storage is allocated to the byte, so that an address sanitizer sees every step
 * beyond it, and may be shared by several mbufs, as clusters are.
 */
#include "world.h"

#define HEADROOM  96
#define MBUF_DATA 160

struct kern_buf {
    uint32_t refs; /* atomic */
    int size;
    char data[];
};

struct mbuf *kern_mbuf(int size, int how);

static struct kern_buf *
buf_new(int size, int how)
{
    struct kern_buf *b = kern_malloc(sizeof(*b) + (size_t)size, 16, how);

    if (b != NULL) {
        b->refs = 1;
        b->size = size;
    }
    return b;
}

static void
buf_put(struct kern_buf *b)
{
    if (__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kern_free(b, false);
}

/* An empty mbuf over size bytes of storage of its own. */
struct mbuf *
kern_mbuf(int size, int how)
{
    struct mbuf *m = kern_malloc(sizeof(*m), 16, how | M_ZERO);

    if (m == NULL)
        return NULL;
    m->buf = buf_new(size, how);
    if (m->buf == NULL) {
        kern_free(m, false);
        return NULL;
    }
    m->m_data = m->buf->data;
    return m;
}

struct mbuf *
m_gethdr(int how, int type __unused)
{
    struct mbuf *m = kern_mbuf(MBUF_DATA, how);

    if (m != NULL)
        m->m_flags = M_PKTHDR;
    return m;
}

static void
tags_free(struct mbuf *m)
{
    struct m_tag *t;

    while ((t = m->m_pkthdr.tags) != NULL) {
        m->m_pkthdr.tags = t->next;
        kern_free(t, false);
    }
}

struct mbuf *
m_freem_(struct mbuf *m)
{
    struct mbuf *next = m->m_next;

    if (m->m_flags & M_PKTHDR)
        tags_free(m);
    buf_put(m->buf);
    kern_free(m, false);
    return next;
}

void
m_freem(struct mbuf *m)
{
    while (m != NULL)
        m = m_freem_(m);
}

void
m_align(struct mbuf *m, int len)
{
    kern_assert(len <= m->buf->size);
    m->m_data = m->buf->data + m->buf->size - len;
}

static int
leading_space(struct mbuf *m)
{
    return kern_writable(m) ? (int)(m->m_data - m->buf->data) : 0;
}

void
m_copydata(const struct mbuf *m, int off, int len, caddr_t to)
{
    kern_assert(off >= 0 && len >= 0);
    while (off > 0) {
        kern_assert(m != NULL);
        if (off < m->m_len)
            break;
        off -= m->m_len;
        m = m->m_next;
    }
    while (len > 0) {
        int n;

        kern_assert(m != NULL);
        n = MIN(m->m_len - off, len);
        memcpy(to, m->m_data + off, (size_t)n);
        to += n;
        len -= n;
        off = 0;
        m = m->m_next;
    }
}

/* The module never extends a packet so; what the real one would do then is not here. */
void
m_copyback(struct mbuf *m, int off, int len, c_caddr_t from)
{
    for (; len > 0; m = m->m_next) {
        int n;

        kern_assert(m != NULL);
        if (off >= m->m_len) {
            off -= m->m_len;
            continue;
        }
        n = MIN(m->m_len - off, len);
        kern_assert(__atomic_load_n(&m->buf->refs, __ATOMIC_RELAXED) == 1);
        memcpy(m->m_data + off, from, (size_t)n);
        from += n;
        len -= n;
        off = 0;
    }
}

int max_linkhdr = 16;

bool
kern_writable(struct mbuf *m)
{
    return !(m->m_flags & M_RDONLY) && __atomic_load_n(&m->buf->refs, __ATOMIC_ACQUIRE) == 1;
}

/* As large as a page at most. */
struct mbuf *
m_get2(int size, int how, int type __unused, int flags)
{
    struct mbuf *m;

    if (size > 4096)
        return NULL;
    m = kern_mbuf(size, how);
    if (m != NULL)
        m->m_flags = flags;
    return m;
}

void
m_move_pkthdr(struct mbuf *to, struct mbuf *from)
{
    kern_assert(from->m_flags & M_PKTHDR);
    to->m_flags |= from->m_flags;
    to->m_pkthdr = from->m_pkthdr;
    from->m_flags &= ~M_PKTHDR;
    from->m_pkthdr.tags = NULL;
}

struct mbuf *
m_prepend(struct mbuf *m, int len, int how)
{
    struct mbuf *mn;

    if (leading_space(m) >= len) {
        m->m_data -= len;
        m->m_len += len;
        m->m_pkthdr.len += len;
        return m;
    }
    mn = kern_mbuf(MBUF_DATA, how);
    if (mn == NULL) {
        m_freem(m);
        return NULL;
    }
    if (m->m_flags & M_PKTHDR)
        m_move_pkthdr(mn, m);
    m_align(mn, len);
    mn->m_len = len;
    mn->m_next = m;
    mn->m_pkthdr.len += len;
    return mn;
}

struct mbuf *
m_pullup(struct mbuf *m, int len)
{
    struct mbuf *mn;

    if (m->m_len >= len)
        return m;
    if (len > MBUF_DATA || len > m->m_pkthdr.len)
        goto bad;
    mn = kern_mbuf(MBUF_DATA, M_NOWAIT);
    if (mn == NULL)
        goto bad;
    m_copydata(m, 0, len, mn->m_data);
    mn->m_len = len;
    m_move_pkthdr(mn, m);
    mn->m_next = m;
    while (len > 0) {
        int n = MIN(mn->m_next->m_len, len);

        mn->m_next->m_data += n;
        mn->m_next->m_len -= n;
        len -= n;
        if (mn->m_next->m_len == 0)
            mn->m_next = m_freem_(mn->m_next);
        if (mn->m_next == NULL)
            break;
    }
    return mn;
bad:
    m_freem(m);
    return NULL;
}

/* Replaces storage that somebody else sees too. */
struct mbuf *
m_unshare(struct mbuf *m0, int how)
{
    for (struct mbuf *m = m0; m != NULL; m = m->m_next) {
        struct kern_buf *b;
        int off;

        if (__atomic_load_n(&m->buf->refs, __ATOMIC_ACQUIRE) == 1)
            continue;
        b = buf_new(m->buf->size, how);
        if (b == NULL) {
            m_freem(m0);
            return NULL;
        }
        off = (int)(m->m_data - m->buf->data);
        memcpy(b->data + off, m->m_data, (size_t)m->m_len);
        buf_put(m->buf);
        m->buf = b;
        m->m_data = b->data + off;
    }
    return m0;
}

void
m_adj(struct mbuf *m0, int len)
{
    struct mbuf *m = m0;

    kern_assert(len >= 0);
    for (; m != NULL && len > 0; m = m->m_next) {
        int n = MIN(m->m_len, len);

        m->m_data += n;
        m->m_len -= n;
        m0->m_pkthdr.len -= n;
        len -= n;
    }
    kern_assert(len == 0);
}

void
m_adj_decap(struct mbuf *m, int len)
{
    m_adj(m, len);
    m->m_pkthdr.rsstype = 0;
}

void
m_clrprotoflags(struct mbuf *m)
{
    for (; m != NULL; m = m->m_next)
        m->m_flags &= ~M_PROTO1;
}

struct m_tag *
m_tag_alloc(uint32_t cookie, int type, int len, int how)
{
    struct m_tag *tag = kern_malloc(sizeof(*tag) + (size_t)len, 16, how);

    if (tag != NULL) {
        tag->cookie = cookie;
        tag->type = (uint16_t)type;
    }
    return tag;
}

void
m_tag_prepend(struct mbuf *m, struct m_tag *tag)
{
    kern_assert(m->m_flags & M_PKTHDR);
    tag->next = m->m_pkthdr.tags;
    m->m_pkthdr.tags = tag;
}

struct m_tag *
m_tag_locate(struct mbuf *m, uint32_t cookie, int type, struct m_tag *after)
{
    struct m_tag *t = after == NULL ? m->m_pkthdr.tags : after->next;

    while (t != NULL && (t->cookie != cookie || t->type != type))
        t = t->next;
    return t;
}

void
m_tag_delete_nonpersistent(struct mbuf *m)
{
    struct m_tag **at = &m->m_pkthdr.tags, *t;

    while ((t = *at) != NULL) {
        if (t->type & MTAG_PERSISTENT) {
            at = &t->next;
        } else {
            *at = t->next;
            kern_free(t, false);
        }
    }
}

int kern_chain_length(const struct mbuf *m);
int
kern_chain_length(const struct mbuf *m)
{
    int len = 0;

    for (; m != NULL; m = m->m_next)
        len += m->m_len;
    return len;
}

/* For world.c: a packet as a chain. */
struct mbuf *kern_chain(const uint8_t *data, int len, const struct world_chain *how);
struct mbuf *
kern_chain(const uint8_t *data, int len, const struct world_chain *how)
{
    struct mbuf *head = NULL, **tail = &head;
    int at = 0;

    do {
        int n = len - at, room;
        struct mbuf *m;

        if (how != NULL && how->cut != 0)
            n = MIN(n, how->cut);
        if (how != NULL && how->cut_at > at)
            n = MIN(n, how->cut_at - at);
        room = how == NULL && at == 0 ? HEADROOM : 0;
        m = kern_mbuf(n + room, M_WAITOK);
        m->m_data += room;
        m->m_len = n;
        memcpy(m->m_data, data + at, (size_t)n);
        if (how != NULL && how->shared)
            m->buf->refs++;
        *tail = m;
        tail = &m->m_next;
        at += n;
    } while (at < len);
    head->m_flags = M_PKTHDR | (how != NULL ? how->flags : 0);
    head->m_pkthdr.len = len;
    return head;
}

/* What a sharer does when it is done: looks whether its bytes are still there, and lets go. */
struct kern_buf **kern_chain_bufs(struct mbuf *m, unsigned *n);
struct kern_buf **
kern_chain_bufs(struct mbuf *m, unsigned *n)
{
    struct kern_buf **list = NULL;

    *n = 0;
    for (; m != NULL; m = m->m_next) {
        list = realloc(list, (*n + 1) * sizeof(struct kern_buf *));
        list[(*n)++] = m->buf;
    }
    return list;
}

void kern_buf_release(struct kern_buf **list, unsigned n, const uint8_t *data);
void
kern_buf_release(struct kern_buf **list, unsigned n, const uint8_t *data)
{
    for (unsigned i = 0; i < n; i++) {
        kern_assert(memcmp(list[i]->data, data, (size_t)list[i]->size) == 0);
        data += list[i]->size;
        buf_put(list[i]);
    }
}
