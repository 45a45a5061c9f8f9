/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netisr and what lies behind it: IP input, which gives datagrams for a socket of ours to UDP, and
 * forwards where a route leads into an interface. All of it runs on the stack of whoever
 * dispatched, or from the queue on a fresh one; a stack is as small as the kernel's.
 */
#include "world.h"
#undef malloc
#undef free

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FRAMES 8 /* a sanitizer's frames are so much larger */
#elif defined(__SANITIZE_THREAD__)
#define FRAMES 2
#else
#define FRAMES 1
#endif
#define STACK_TOTAL ((size_t)FRAMES * 16384) /* four pages, as on amd64 and arm64 */

void *kern_stack_enter(void);
void kern_stack_leave(void *before);
void kern_stack_check(void);
void kern_to_stack(struct world_packet *p);
bool kern_udp_input(struct mbuf *m);
struct ifnet *kern_route_ifp(int family, const void *dst);
int kern_if_output(struct ifnet *ifp, struct mbuf *m, int family, const void *dst);

/* Stacks */

static __thread char *stack_top; /* NULL: this thread is not in the kernel */
size_t world_stack_taken;

/* Where a thread comes into the kernel; what was before goes to kern_stack_leave(). */
void *
kern_stack_enter(void)
{
    void *before = stack_top;

    if (stack_top == NULL)
        stack_top = __builtin_frame_address(0);
    return before;
}

void
kern_stack_leave(void *before)
{
    stack_top = before;
    if (before == NULL)
        world_netisr_run();
}

void
kern_stack_usage(size_t *total, size_t *used)
{
    *total = STACK_TOTAL;
    *used = world_stack_taken * FRAMES;
    if (stack_top != NULL)
        *used += (size_t)(stack_top - (char *)__builtin_frame_address(0));
}

void
kern_stack_check(void)
{
    size_t total, used;

    kern_stack_usage(&total, &used);
    kern_assert(used <= total);
}

/* IP input */

static bool
forwards(struct mbuf *m, unsigned proto)
{
    int family = proto == NETISR_IP ? AF_INET : AF_INET6;
    uint8_t dst[16], ttl;
    struct ifnet *ifp;

    if (!world_forwarding)
        return false;
    m_copydata(m, proto == NETISR_IP ? 16 : 24, family == AF_INET ? 4 : 16, (caddr_t)dst);
    ifp = kern_route_ifp(family, dst);
    if (ifp == NULL || ifp->if_output == NULL)
        return false;
    m_copydata(m, proto == NETISR_IP ? 8 : 7, 1, (caddr_t)&ttl);
    if (ttl-- <= 1) {
        m_freem(m);
        return true;
    }
    m_copyback(m, proto == NETISR_IP ? 8 : 7, 1, (c_caddr_t)&ttl);
    (void)kern_if_output(ifp, m, family, dst);
    return true;
}

/* With a flow hash by the flow, otherwise by the interface: all of them by one. */
static unsigned
stream_of(const struct mbuf *m)
{
    return M_HASHTYPE_GET(m) != M_HASHTYPE_NONE ? m->m_pkthdr.flowid % WORLD_STREAMS : 0;
}

static void
keep(unsigned proto, struct mbuf *m, bool queued)
{
    struct world_packet *p = calloc(1, sizeof(*p));

    p->proto = proto;
    p->queued = queued;
    p->stream = stream_of(m);
    p->rcvif = m->m_pkthdr.rcvif;
    p->verified = m->m_pkthdr.csum_flags != 0;
    p->len = m->m_pkthdr.len;
    m_copydata(m, 0, p->len, (caddr_t)p->data);
    m_freem(m);
    kern_to_stack(p);
}

static void
input(unsigned proto, struct mbuf *m, bool queued)
{
    kern_stack_check();
    kern_assert(kern_in_epoch() && curvnet != NULL && m->m_pkthdr.rcvif->if_vnet == curvnet);
    if (world_crypto_null)
        m_freem(m);
    else if (!kern_udp_input(m) && !forwards(m, proto))
        keep(proto, m, queued);
}

/* netisr */

struct waiting {
    struct waiting *next;
    struct mbuf *m;
    struct vnet *vnet;
    unsigned proto;
};
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *queue, **queue_tail = &queue; /* queue_lock */
bool world_netisr_full;
bool world_forwarding;

/* All of them are declared valid, or none. */
static void
check_checksums(const struct pkthdr *hdr)
{
    const uint32_t valid = CSUM_IP_CHECKED | CSUM_IP_VALID | CSUM_DATA_VALID | CSUM_PSEUDO_HDR;

    if (hdr->csum_flags != 0)
        kern_assert(hdr->csum_flags == valid && hdr->csum_data == 0xffff);
}

static void
check_packet(unsigned proto, struct mbuf *m)
{
    uint8_t first;

    kern_assert(kern_in_epoch() && curvnet != NULL && m->m_pkthdr.rcvif->if_vnet == curvnet);
    kern_assert((m->m_flags & (M_BCAST | M_MCAST)) == 0);
    check_checksums(&m->m_pkthdr);
    kern_assert(m->m_pkthdr.rcvif->attached);
    m_copydata(m, 0, 1, (caddr_t)&first);
    kern_assert(first >> 4 == (proto == NETISR_IP ? 4 : 6));
}

int
netisr_dispatch(unsigned proto, struct mbuf *m)
{
    check_packet(proto, m);
    input(proto, m, false);
    return 0;
}

int
netisr_queue(unsigned proto, struct mbuf *m)
{
    struct waiting *w;

    check_packet(proto, m);
    if (world_netisr_full) {
        m_freem(m);
        return ENOBUFS;
    }
    w = malloc(sizeof(*w));
    *w = (struct waiting){NULL, m, curvnet, proto};
    pthread_mutex_lock(&queue_lock);
    *queue_tail = w;
    queue_tail = &w->next;
    pthread_mutex_unlock(&queue_lock);
    return 0;
}

static struct waiting *
next_waiting(void)
{
    struct waiting *w;

    pthread_mutex_lock(&queue_lock);
    w = queue;
    if (w != NULL)
        queue = w->next;
    if (queue == NULL)
        queue_tail = &queue;
    pthread_mutex_unlock(&queue_lock);
    return w;
}

/* In netisr's own thread, whose stack is empty. */
void
world_netisr_run(void)
{
    size_t taken = world_stack_taken;
    struct epoch_tracker et;
    struct waiting *w;

    while ((w = next_waiting()) != NULL) {
        stack_top = __builtin_frame_address(0);
        world_stack_taken = 0;
        CURVNET_SET(w->vnet);
        NET_EPOCH_ENTER(et);
        input(w->proto, w->m, true);
        NET_EPOCH_EXIT(et);
        CURVNET_RESTORE();
        stack_top = NULL;
        world_stack_taken = taken;
        free(w);
    }
}
