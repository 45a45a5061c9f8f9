/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces and their cloners, routes, and ip_output. */
#include "world.h"
#undef malloc
#undef free

bool kern_may_sleep(void);
struct mbuf *kern_chain(const uint8_t *data, int len, const struct world_chain *how);
struct kern_buf;
struct kern_buf **kern_chain_bufs(struct mbuf *m, unsigned *n);
void kern_buf_release(struct kern_buf **list, unsigned n, const uint8_t *data);
void kern_crypto_time(void);
void kern_net_start(void);
void kern_net_stop(void);
void *kern_stack_enter(void);
void kern_stack_leave(void *before);
void kern_stack_check(void);
void kern_to_stack(struct world_packet *p);
struct ifnet *kern_route_ifp(int family, const void *dst);
int kern_if_output(struct ifnet *ifp, struct mbuf *m, int family, const void *dst);

int V_ip_defttl = 64, V_ip6_defhlim = 64;
int world_output_error;
const void *world_source6;
const void *world_not_ours;
unsigned world_log_lines;
void (*world_attach_gap)(struct ifnet *ifp);

/* Interfaces */

static struct ifnet *interfaces;

static uint64_t
get_counter(struct ifnet *ifp, ift_counter which)
{
    return __atomic_load_n(&ifp->counters[which], __ATOMIC_RELAXED);
}

struct ifnet *
if_alloc(int type)
{
    struct ifnet *ifp;

    kern_assert(type == IFT_TUNNEL);
    ifp = kern_malloc(sizeof(*ifp), 16, M_WAITOK | M_ZERO);
    ifp->refs = 1;
    ifp->if_get_counter = get_counter;
    return ifp;
}

void
if_ref(struct ifnet *ifp)
{
    __atomic_add_fetch(&ifp->refs, 1, __ATOMIC_RELAXED);
}

void
if_rele(struct ifnet *ifp)
{
    if (__atomic_sub_fetch(&ifp->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kern_free(ifp, false);
}

/* The last reader may still hold it; here the world is small and there is none. */
void
if_free(struct ifnet *ifp)
{
    NET_EPOCH_WAIT();
    if_rele(ifp);
}

void
if_attach(struct ifnet *ifp)
{
    kern_assert(kern_may_sleep());
    ifp->if_vnet = curvnet;
    ifp->attached = true;
    ifp->next = interfaces;
    interfaces = ifp;
    if (world_attach_gap != NULL)
        world_attach_gap(ifp);
}

int
if_printf(struct ifnet *ifp __unused, const char *fmt __unused, ...)
{
    __atomic_add_fetch(&world_log_lines, 1, __ATOMIC_RELAXED);
    return 0;
}

static kern_departure_t *departure;
static void *departure_arg;

eventhandler_tag
kern_departure_register(kern_departure_t *f, void *arg)
{
    kern_assert(departure == NULL);
    departure = f;
    departure_arg = arg;
    return &departure;
}

void
kern_departure_deregister(eventhandler_tag tag)
{
    kern_assert(tag == &departure);
    departure = NULL;
}

/* Listeners hear of it before the stack's data goes. */
static void
take_apart(struct ifnet *ifp)
{
    if (departure != NULL)
        departure(departure_arg, ifp);
    ifp->attached = false;
}

void
if_detach(struct ifnet *ifp)
{
    struct ifnet **at = &interfaces;

    kern_assert(kern_may_sleep());
    while (*at != ifp)
        at = &(*at)->next;
    *at = ifp->next;
    take_apart(ifp);
}

void
if_qflush(struct ifnet *ifp __unused)
{
}

void
if_inc_counter(struct ifnet *ifp, ift_counter which, int64_t n)
{
    __atomic_add_fetch(&ifp->counters[which], (uint64_t)n, __ATOMIC_RELAXED);
}

void
if_link_state_change(struct ifnet *ifp, int state)
{
    ifp->if_link_state = (uint8_t)state;
}

struct ifnet *
ifunit(const char *name)
{
    for (struct ifnet *ifp = interfaces; ifp != NULL; ifp = ifp->next) {
        if (ifp->if_vnet == curvnet && strcmp(ifp->if_xname, name) == 0)
            return ifp;
    }
    return NULL;
}

/* A packet that an interface has sent before, or that several have, goes no further. */
int
if_tunnel_check_nesting(struct ifnet *ifp, struct mbuf *m, uint32_t cookie, int limit)
{
    struct m_tag *tag = NULL;
    int count = 1;

    while ((tag = m_tag_locate(m, cookie, 0, tag)) != NULL) {
        if (tag->data[0] == ifp)
            return EIO;
        count++;
    }
    if (count > limit)
        return EIO;
    tag = m_tag_alloc(cookie, 0, sizeof(ifp), M_NOWAIT);
    if (tag == NULL)
        return ENOMEM;
    tag->data[0] = ifp;
    m_tag_prepend(m, tag);
    return 0;
}

void
bpfattach(struct ifnet *ifp __unused, unsigned dlt, unsigned hdrlen)
{
    kern_assert(dlt == DLT_NULL && hdrlen == 4);
}

void
bpfdetach(struct ifnet *ifp __unused)
{
}

void
kern_bpf_tap(struct ifnet *ifp, const void *hdr, size_t len, struct mbuf *m)
{
    uint32_t af;
    uint8_t first;

    kern_assert(len == sizeof(af));
    memcpy(&af, hdr, sizeof(af));
    m_copydata(m, 0, 1, (caddr_t)&first);
    kern_assert(af == (first >> 4 == 4 ? AF_INET : AF_INET6));
    __atomic_add_fetch(&ifp->tapped, 1, __ATOMIC_RELAXED);
}

/* Cloners */

struct if_clone {
    const char *name;
    struct if_clone_addreq req;
    struct vnet *vnet;
    uint64_t units; /* bit: in use */
    struct if_clone *next;
};

static struct if_clone *cloners;

struct if_clone *
ifc_attach_cloner(const char *name, struct if_clone_addreq *req)
{
    struct if_clone *ifc = kern_malloc(sizeof(*ifc), 16, M_WAITOK | M_ZERO);

    ifc->name = name;
    ifc->req = *req;
    ifc->vnet = curvnet;
    ifc->next = cloners;
    cloners = ifc;
    return ifc;
}

static int
destroy(struct ifnet *ifp)
{
    struct if_clone *ifc = ifp->cloner;
    int error;

    CURVNET_SET(ifp->if_vnet);
    world_in_kernel(1);
    error = ifc->req.destroy_f(ifc, ifp, 0);
    world_in_kernel(-1);
    CURVNET_RESTORE();
    return error;
}

/* Its interfaces go too, wherever they have been moved. */
void
ifc_detach_cloner(struct if_clone *ifc)
{
    struct if_clone **at = &cloners;
    struct ifnet *ifp = interfaces;

    while (ifp != NULL) {
        if (ifp->cloner == ifc) {
            kern_assert(destroy(ifp) == 0);
            ifp = interfaces;
        } else {
            ifp = ifp->next;
        }
    }
    kern_assert(ifc->units == 0);
    while (*at != ifc)
        at = &(*at)->next;
    *at = ifc->next;
    kern_free(ifc, false);
}

int
ifc_name2unit(const char *name, int *unit)
{
    const char *digits = name + strcspn(name, "0123456789");
    char *end;

    *unit = -1;
    if (*digits == '\0')
        return 0;
    if (digits[0] == '0' && digits[1] != '\0')
        return EINVAL;
    *unit = (int)strtol(digits, &end, 10);
    return *end == '\0' && strlen(digits) < 9 ? 0 : EINVAL;
}

int
ifc_alloc_unit(struct if_clone *ifc, int *unit)
{
    int u = *unit;

    if (u < 0) {
        for (u = 0; u < 64 && (ifc->units >> u & 1); u++)
            ;
    } else if (u < 64 && (ifc->units >> u & 1)) {
        return EEXIST;
    }
    if (u >= 64)
        return ENOSPC;
    ifc->units |= 1ULL << u;
    *unit = u;
    return 0;
}

void
ifc_free_unit(struct if_clone *ifc, int unit)
{
    kern_assert(ifc->units >> unit & 1);
    ifc->units &= ~(1ULL << unit);
}

bool
world_has_cloner(const char *name)
{
    for (struct if_clone *ifc = cloners; ifc != NULL; ifc = ifc->next) {
        if (ifc->vnet == curvnet && strcmp(ifc->name, name) == 0)
            return true;
    }
    return false;
}

int
world_create(const char *name, struct ifnet **ifp)
{
    char buf[IFNAMSIZ];
    int error;

    strlcpy(buf, name, sizeof(buf));
    for (struct if_clone *ifc = cloners; ifc != NULL; ifc = ifc->next) {
        if (ifc->vnet != curvnet || !ifc->req.match_f(ifc, buf))
            continue;
        error = ifc->req.create_f(ifc, buf, sizeof(buf), NULL, ifp);
        if (error == 0)
            (*ifp)->cloner = ifc;
        return error;
    }
    return EINVAL;
}

int
world_destroy(struct ifnet *ifp)
{
    return destroy(ifp);
}

void
world_move(struct ifnet *ifp, struct vnet *to)
{
    CURVNET_SET(ifp->if_vnet);
    take_apart(ifp);
    kern_crypto_time(); /* what was late comes now, or is not to come any more */
    ifp->if_reassign(ifp, to, NULL);
    CURVNET_RESTORE();
    ifp->if_vnet = to;
    ifp->attached = true;
}

void
world_rename(struct ifnet *ifp, const char *name)
{
    ifp->if_flags |= IFF_RENAMING;
    departure(departure_arg, ifp);
    strlcpy(ifp->if_xname, name, sizeof(ifp->if_xname));
    ifp->if_flags &= ~IFF_RENAMING;
}

int
world_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
    int error;

    CURVNET_SET(ifp->if_vnet);
    world_in_kernel(1);
    error = ifp->if_ioctl(ifp, cmd, data);
    world_in_kernel(-1);
    CURVNET_RESTORE();
    return error;
}

/* Routes */

struct route_entry {
    int family, len;
    uint8_t prefix[16];
    struct nhop_object nh;
};
static struct route_entry routes[64];
static unsigned route_count;

void
world_routes_clear(void)
{
    route_count = 0;
}

void
world_route(int family, const void *prefix, int len, struct ifnet *ifp, const void *gateway,
            uint16_t mtu)
{
    struct route_entry *r = &routes[route_count++];

    kern_assert(route_count <= nitems(routes));
    memset(r, 0, sizeof(*r));
    r->family = family;
    r->len = len;
    memcpy(r->prefix, prefix, family == AF_INET ? 4 : 16);
    r->nh.nh_ifp = ifp;
    r->nh.nh_mtu = mtu;
    if (gateway == NULL)
        return;
    r->nh.nh_flags = NHF_GATEWAY;
    r->nh.gw_sa.sa_family = (uint8_t)family;
    if (family == AF_INET)
        memcpy(&r->nh.gw4_sa.sin_addr, gateway, 4);
    else
        memcpy(&r->nh.gw6_sa.sin6_addr, gateway, 16);
}

static bool
in_prefix(const struct route_entry *r, const uint8_t *addr)
{
    for (int i = 0; i < r->len; i++) {
        if ((addr[i / 8] ^ r->prefix[i / 8]) & (0x80 >> i % 8))
            return false;
    }
    return true;
}

static struct nhop_object *
best(int family, const void *addr)
{
    struct route_entry *r = NULL;

    kern_assert(kern_in_epoch());
    for (unsigned i = 0; i < route_count; i++) {
        if (routes[i].family == family && in_prefix(&routes[i], addr) &&
            (r == NULL || routes[i].len > r->len))
            r = &routes[i];
    }
    return r != NULL ? &r->nh : NULL;
}

struct nhop_object *
fib4_lookup(uint32_t fib, struct in_addr dst, uint32_t scope __unused, uint32_t flags __unused,
            uint32_t flowid __unused)
{
    return fib == 0 ? best(AF_INET, &dst) : NULL;
}

struct nhop_object *
fib6_lookup(uint32_t fib, const struct in6_addr *dst, uint32_t scope __unused,
            uint32_t flags __unused, uint32_t flowid __unused)
{
    return fib == 0 ? best(AF_INET6, dst) : NULL;
}

/* The interface that a packet for dst leaves by, NULL: none that is modelled. */
struct ifnet *
kern_route_ifp(int family, const void *dst)
{
    struct nhop_object *nh = best(family, dst);

    return nh != NULL ? nh->nh_ifp : NULL;
}

/* As ip_output() and ip_forward() do it: with a route, whose contents no driver of ours reads. */
int
kern_if_output(struct ifnet *ifp, struct mbuf *m, int family, const void *dst)
{
    static struct {
        int unused;
    } ro;
    struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6};
    struct sockaddr_in sin = {.sin_family = AF_INET};

    kern_stack_check();
    if (family == AF_INET) {
        memcpy(&sin.sin_addr, dst, 4);
        return ifp->if_output(ifp, m, (const struct sockaddr *)(const void *)&sin, (void *)&ro);
    }
    memcpy(&sin6.sin6_addr, dst, 16);
    return ifp->if_output(ifp, m, (const struct sockaddr *)(const void *)&sin6, (void *)&ro);
}

bool
kern_in6_is(const struct in6_addr *in6, const char *what)
{
    static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (strcmp(what, "unspecified") == 0)
        return memcmp(in6, zero, sizeof(zero)) == 0;
    if (strcmp(what, "mapped") == 0)
        return memcmp(in6, mapped, sizeof(mapped)) == 0;
    return in6->s6_addr[0] == 0xfe && (in6->s6_addr[1] & 0xc0) == 0x80;
}

bool
in_localip(struct in_addr in)
{
    kern_assert(kern_in_epoch());
    return world_not_ours == NULL || memcmp(world_not_ours, &in, sizeof(in)) != 0;
}

int
in6_localip(struct in6_addr *in6)
{
    return world_not_ours == NULL || memcmp(world_not_ours, in6, sizeof(*in6)) != 0;
}

int
in6_clearscope(struct in6_addr *in6)
{
    if (kern_in6_is(in6, "linklocal"))
        in6->s6_addr16[1] = 0;
    return 0;
}

int
in6_selectsrc_addr(uint32_t fib __unused, const struct in6_addr *dst __unused,
                   uint32_t scope __unused, struct ifnet *ifp __unused, struct in6_addr *src,
                   int *hlim __unused)
{
    kern_assert(kern_in_epoch());
    if (world_source6 == NULL)
        return EHOSTUNREACH;
    memcpy(src, world_source6, sizeof(*src));
    return 0;
}

/* What leaves the module */

struct item {
    struct item *next;
    struct world_packet *packet;     /* to the stack */
    struct world_datagram *datagram; /* to the wire */
};
struct list {
    struct item *head, **tail;
    unsigned count;
};
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list sent = {NULL, &sent.head, 0}, stacked = {NULL, &stacked.head, 0};

static void
append(struct list *l, struct item item)
{
    struct item *i = malloc(sizeof(*i));

    *i = item;
    i->next = NULL;
    pthread_mutex_lock(&lists_lock);
    *l->tail = i;
    l->tail = &i->next;
    l->count++;
    pthread_mutex_unlock(&lists_lock);
}

static struct item *
pop(struct list *l)
{
    struct item *i;

    pthread_mutex_lock(&lists_lock);
    i = l->head;
    if (i != NULL) {
        l->head = i->next;
        if (l->head == NULL)
            l->tail = &l->head;
        l->count--;
    }
    pthread_mutex_unlock(&lists_lock);
    return i;
}

void
kern_to_stack(struct world_packet *p)
{
    append(&stacked, (struct item){.packet = p});
}

unsigned
world_sent_count(void)
{
    return sent.count;
}

unsigned
world_stacked_count(void)
{
    return stacked.count;
}

bool
world_sent(struct world_datagram *d)
{
    struct item *i = pop(&sent);

    if (i == NULL)
        return false;
    memcpy(d, i->datagram, offsetof(struct world_datagram, data) + (size_t)i->datagram->len);
    d->len = i->datagram->len;
    free(i->datagram);
    free(i);
    return true;
}

bool
world_stacked(struct world_packet *p)
{
    struct item *i = pop(&stacked);

    if (i == NULL)
        return false;
    memcpy(p, i->packet, offsetof(struct world_packet, data) + (size_t)i->packet->len);
    free(i->packet);
    free(i);
    return true;
}

/* A route may lead back into a tunnel. */
static int
put_on_wire(struct mbuf *m, int family, int hdr)
{
    const char *dst = m->m_data + (family == 4 ? 16 : 24);
    struct ifnet *ifp = kern_route_ifp(family == 4 ? AF_INET : AF_INET6, dst);
    struct world_datagram *d;
    struct udphdr udp;
    uint8_t head[40];
    int len = m->m_pkthdr.len - hdr - 8;

    kern_assert(kern_in_epoch() && curvnet != NULL && m->m_len >= hdr + 8);
    kern_assert((m->m_flags & (M_BCAST | M_MCAST | M_PROTO1)) == 0 && m->m_pkthdr.rcvif == NULL);
    if (world_output_error != 0) {
        m_freem(m);
        return world_output_error;
    }
    if (ifp != NULL && ifp->if_output != NULL)
        return kern_if_output(ifp, m, family == 4 ? AF_INET : AF_INET6, dst);
    if (world_crypto_null) { /* counting instructions, nobody looks */
        m_freem(m);
        return 0;
    }
    d = calloc(1, sizeof(*d));
    m_copydata(m, 0, hdr, (caddr_t)head);
    m_copydata(m, hdr, sizeof(udp), (caddr_t)&udp);
    m_copydata(m, hdr + 8, len, (caddr_t)d->data);
    kern_assert(ntohs(udp.uh_ulen) == len + 8);
    d->family = family;
    memcpy(d->src, head + (family == 4 ? 12 : 8), family == 4 ? 4 : 16);
    memcpy(d->dst, head + (family == 4 ? 16 : 24), family == 4 ? 4 : 16);
    d->sport = ntohs(udp.uh_sport);
    d->dport = ntohs(udp.uh_dport);
    d->len = len;
    m_freem(m);
    append(&sent, (struct item){.datagram = d});
    return 0;
}

int
ip_output(struct mbuf *m, struct mbuf *opt, struct route *ro, int flags, void *imo,
          struct inpcb *inp)
{
    struct ip *ip = mtod(m, struct ip *);

    kern_assert(opt == NULL && ro == NULL && flags == 0 && imo == NULL && inp == NULL);
    kern_assert(ntohs(ip->ip_len) == m->m_pkthdr.len && ip->ip_p == IPPROTO_UDP);
    kern_assert(ip->ip_ttl == 64 && ip->ip_off == 0 && m->m_pkthdr.csum_flags == 0);
    ip->ip_v = 4;
    ip->ip_hl = sizeof(*ip) / 4;
    return put_on_wire(m, 4, sizeof(*ip));
}

int
ip6_output(struct mbuf *m, void *opt, void *ro, int flags, void *im6o, struct ifnet **ifpp,
           struct inpcb *inp)
{
    struct ip6_hdr *ip6 = mtod(m, struct ip6_hdr *);

    kern_assert(opt == NULL && ro == NULL && flags == 0 && im6o == NULL);
    kern_assert(ifpp == NULL && inp == NULL && ip6->ip6_vfc == IPV6_VERSION);
    kern_assert(ntohs(ip6->ip6_plen) == m->m_pkthdr.len - 40 && ip6->ip6_nxt == IPPROTO_UDP);
    kern_assert(m->m_pkthdr.csum_flags == CSUM_UDP_IPV6 && m->m_pkthdr.csum_data == 6);
    if (kern_in6_is(&ip6->ip6_src, "unspecified")) {
        m_freem(m);
        return EOPNOTSUPP;
    }
    return put_on_wire(m, 6, sizeof(*ip6));
}

uint16_t
in6_cksum_pseudo(struct ip6_hdr *ip6, uint32_t len, uint8_t nxt, uint16_t csum)
{
    kern_assert(ntohs(ip6->ip6_plen) == len && nxt == IPPROTO_UDP && csum == 0);
    return 0xbeef;
}

int
world_transmit(struct ifnet *ifp, const void *pkt, int len, const struct world_chain *chain,
               const struct sockaddr *route_to)
{
    struct mbuf *m = kern_chain(pkt, len, chain);
    struct kern_buf **bufs = NULL;
    struct epoch_tracker et;
    void *before = kern_stack_enter();
    unsigned n = 0;
    int error;

    if (chain != NULL && chain->shared)
        bufs = kern_chain_bufs(m, &n);
    CURVNET_SET(ifp->if_vnet);
    NET_EPOCH_ENTER(et);
    world_in_kernel(1);
    if (route_to != NULL)
        error = ifp->if_output(ifp, m, route_to, NULL);
    else
        error = ifp->if_transmit(ifp, m);
    world_in_kernel(-1);
    NET_EPOCH_EXIT(et);
    CURVNET_RESTORE();
    kern_stack_leave(before);
    if (bufs != NULL)
        kern_buf_release(bufs, n, pkt);
    free(bufs);
    return error;
}

void
kern_net_start(void)
{
    world_output_error = 0;
    world_source6 = NULL;
    world_not_ours = NULL;
    world_log_lines = 0;
    world_routes_clear();
}

/* Left-over packets belong to nobody any more. */
void
kern_net_stop(void)
{
    struct item *i;

    while ((i = pop(&sent)) != NULL) {
        free(i->datagram);
        free(i);
    }
    while ((i = pop(&stacked)) != NULL) {
        free(i->packet);
        free(i);
    }
    kern_assert(interfaces == NULL && cloners == NULL);
}
