/* SPDX-License-Identifier: BSD-2-Clause */
/* The one process of this world, its UDP sockets and its privilege. */
#include "world.h"
#undef malloc
#undef free

#define FD_FIRST 100
#define FDS      64

static struct proc proc;
struct thread kern_thread = {&proc};
const cap_rights_t cap_connect_rights;
bool world_unprivileged;
bool world_ilp32;
void (*world_udp_gap)(void);

static struct domain inet = {AF_INET}, inet6 = {AF_INET6}, local = {AF_LOCAL};
static struct protosw udp4 = {IPPROTO_UDP, &inet}, udp6 = {IPPROTO_UDP, &inet6};
static struct protosw tcp4 = {IPPROTO_TCP, &inet}, unix_dgram = {0, &local};
static struct file table[FDS];

int
priv_check(struct thread *td __unused, int priv)
{
    kern_assert(priv == PRIV_NET_OVPN);
    return world_unprivileged ? EPERM : 0;
}

static struct protosw *
proto_of(int family, int type)
{
    if (family == AF_LOCAL)
        return &unix_dgram;
    if (type == SOCK_STREAM)
        return &tcp4;
    return family == AF_INET ? &udp4 : &udp6;
}

static void
bind_to(struct socket *so, int family, const void *addr, uint16_t port)
{
    struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)(void *)&so->bound;
    struct sockaddr_in *sin = (struct sockaddr_in *)(void *)&so->bound;

    so->bound.ss_family = (uint8_t)family;
    if (family == AF_INET) {
        sin->sin_len = sizeof(*sin);
        sin->sin_port = htons(port);
        if (addr != NULL)
            memcpy(&sin->sin_addr, addr, 4);
    } else if (family == AF_INET6) {
        sin6->sin6_len = sizeof(*sin6);
        sin6->sin6_port = htons(port);
        if (addr != NULL)
            memcpy(&sin6->sin6_addr, addr, 16);
    }
}

int
world_socket(int family, int type, const void *addr, uint16_t port)
{
    struct socket *so = calloc(1, sizeof(*so));
    int i = 0;

    while (table[i].f_data != NULL)
        kern_assert(++i < FDS);
    so->so_type = type;
    so->so_proto = proto_of(family, type);
    so->refs = 1;
    so->so_vnet = curvnet;
    mtx_init(&so->pcb.u_inpcb.lock, "inp", NULL, MTX_DEF);
    bind_to(so, family, addr, port);
    table[i].f_data = so;
    return FD_FIRST + i;
}

struct socket *
world_so(int fd)
{
    return table[fd - FD_FIRST].f_data;
}

void
world_close(int fd)
{
    struct socket *so = world_so(fd);

    table[fd - FD_FIRST].f_data = NULL;
    sorele(so);
}

int
getsock(struct thread *td __unused, int fd, const cap_rights_t *rights, struct file **fpp)
{
    kern_assert(rights == &cap_connect_rights);
    if (fd < 0)
        return EBADF;
    if (fd < FD_FIRST)
        return ENOTSOCK; /* the terminal */
    if (fd >= FD_FIRST + FDS || table[fd - FD_FIRST].f_data == NULL)
        return EBADF;
    *fpp = &table[fd - FD_FIRST];
    soref((*fpp)->f_data);
    return 0;
}

void
fdrop(struct file *fp, struct thread *td __unused)
{
    sorele(fp->f_data);
}

int
sosockaddr(struct socket *so, struct sockaddr *sa)
{
    kern_assert(sa->sa_len == sizeof(struct sockaddr_storage));
    memcpy(sa, &so->bound, sizeof(so->bound));
    return 0;
}

void
soref(struct socket *so)
{
    __atomic_add_fetch(&so->refs, 1, __ATOMIC_RELAXED);
}

int
nullop(void)
{
    return 0;
}

static bool
takes_nothing(udp_tun_func_t *hook)
{
    return hook == (udp_tun_func_t *)(void *)nullop;
}

static bool
hooked(const struct socket *so)
{
    udp_tun_func_t *hook = __atomic_load_n(&so->pcb.u_tun_func, __ATOMIC_RELAXED);

    return hook != NULL && !takes_nothing(hook);
}

bool
world_hooked(int fd)
{
    return hooked(world_so(fd));
}

void
sorele(struct socket *so)
{
    if (__atomic_sub_fetch(&so->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    kern_assert(!hooked(so));
    mtx_destroy(&so->pcb.u_inpcb.lock);
    free(so);
}

void
sorwakeup(struct socket *so)
{
    __atomic_add_fetch(&so->wakeups, 1, __ATOMIC_RELAXED);
}

void
sowwakeup(struct socket *so)
{
    kern_assert(__atomic_load_n(&so->refs, __ATOMIC_RELAXED) != 0);
}

/* Datagrams come in */

struct mbuf *kern_chain(const uint8_t *data, int len, const struct world_chain *how);
struct kern_buf;
struct kern_buf **kern_chain_bufs(struct mbuf *m, unsigned *n);
void kern_buf_release(struct kern_buf **list, unsigned n, const uint8_t *data);
void *kern_stack_enter(void);
void kern_stack_leave(void *before);
void kern_stack_check(void);
bool kern_udp_input(struct mbuf *m);

static int
build(const struct world_datagram *d, uint8_t *pkt)
{
    struct udphdr udp = {htons(d->sport), htons(d->dport), htons((uint16_t)(d->len + 8)), 0};
    struct ip6_hdr ip6 = {.ip6_nxt = IPPROTO_UDP};
    struct ip ip = {.ip_v = 4, .ip_hl = 5, .ip_p = IPPROTO_UDP};
    int len;

    if (d->family == 4) {
        memcpy(&ip.ip_src, d->src, 4);
        memcpy(&ip.ip_dst, d->dst, 4);
        memcpy(pkt, &ip, len = sizeof(ip));
    } else {
        ip6.ip6_vfc = IPV6_VERSION;
        memcpy(&ip6.ip6_src, d->src, 16);
        memcpy(&ip6.ip6_dst, d->dst, 16);
        if (d->scope_id != 0) /* as the kernel has link-local addresses inside */
            ip6.ip6_src.s6_addr16[1] = ip6.ip6_dst.s6_addr16[1] = htons((uint16_t)d->scope_id);
        memcpy(pkt, &ip6, len = sizeof(ip6));
    }
    memcpy(pkt + len, &udp, sizeof(udp));
    memcpy(pkt + len + 8, d->data, (size_t)d->len);
    return len;
}

static void
address(struct sockaddr_storage *ss, int family, const void *addr, uint16_t port)
{
    struct socket so = {0};

    bind_to(&so, family, addr, port);
    *ss = so.bound;
}

static void
source(const struct world_datagram *d, struct sockaddr_storage *ss)
{
    address(ss, d->family == 4 ? AF_INET : AF_INET6, d->src, d->sport);
    if (d->family == 6)
        ((struct sockaddr_in6 *)(void *)ss)->sin6_scope_id = d->scope_id;
}

/* The second look comes without the lock, in the kernel too. */
static bool
call_hook(struct socket *so, struct mbuf *m, int off, const struct sockaddr_storage *ss)
{
    struct inpcb *inp = sotoinpcb(so);
    struct epoch_tracker et;
    udp_tun_func_t *hook;
    bool has_hook, consumed = false;

    kern_stack_check();
    CURVNET_SET(so->so_vnet);
    NET_EPOCH_ENTER(et);
    INP_WLOCK(inp);
    has_hook = __atomic_load_n(&so->pcb.u_tun_func, __ATOMIC_RELAXED) != NULL;
    INP_WUNLOCK(inp);
    if (has_hook && world_udp_gap != NULL)
        world_udp_gap();
    if (has_hook) {
        hook = __atomic_load_n(&so->pcb.u_tun_func, __ATOMIC_ACQUIRE);
        kern_assert(hook != NULL);
        consumed =
            !takes_nothing(hook) && hook(m, off, inp, (const struct sockaddr *)(const void *)ss,
                                         __atomic_load_n(&so->pcb.u_tun_ctx, __ATOMIC_RELAXED));
    }
    NET_EPOCH_EXIT(et);
    CURVNET_RESTORE();
    if (!consumed) {
        __atomic_add_fetch(&so->control_packets, 1, __ATOMIC_RELAXED);
        m_freem(m);
    }
    return consumed;
}

/* A socket of this network that datagrams of the family to the port go to. */
static struct socket *
listener(int family, uint16_t port)
{
    for (int i = 0; i < FDS; i++) {
        struct socket *so = table[i].f_data;

        if (so != NULL && so->so_vnet == curvnet && so->so_type == SOCK_DGRAM &&
            so->so_proto != &unix_dgram &&
            (so->bound.ss_family == family || so->bound.ss_family == AF_INET6) &&
            ((const struct sockaddr_in *)(const void *)&so->bound)->sin_port == port)
            return so;
    }
    return NULL;
}

/* UDP behind IP input: false leaves m to the caller. */
bool
kern_udp_input(struct mbuf *m)
{
    struct sockaddr_storage ss;
    uint8_t head[40] = {0};
    struct udphdr udp;
    struct socket *so;
    int family, off;

    m_copydata(m, 0, MIN(m->m_pkthdr.len, (int)sizeof(head)), (caddr_t)head);
    family = head[0] >> 4 == 4 ? AF_INET : AF_INET6;
    off = family == AF_INET ? (head[0] & 15) * 4 : 40;
    if (head[family == AF_INET ? 9 : 6] != IPPROTO_UDP || m->m_pkthdr.len < off + 8)
        return false;
    m_copydata(m, off, sizeof(udp), (caddr_t)&udp);
    so = listener(family, udp.uh_dport);
    if (so == NULL || ntohs(udp.uh_ulen) != m->m_pkthdr.len - off)
        return false;
    address(&ss, family, head + (family == AF_INET ? 12 : 8), ntohs(udp.uh_sport));
    (void)call_hook(so, m, off, &ss);
    return true;
}

bool
world_receive(int fd, const struct world_datagram *d, const struct world_chain *chain)
{
    uint8_t *pkt = malloc((size_t)d->len + 64);
    int off = build(d, pkt);
    struct sockaddr_storage ss;
    struct kern_buf **bufs = NULL;
    void *before = kern_stack_enter();
    struct mbuf *m;
    unsigned n = 0;
    bool consumed;

    m = kern_chain(pkt, off + 8 + d->len, chain);
    m->m_pkthdr.flowid = 7;
    source(d, &ss);
    if (chain != NULL && chain->shared)
        bufs = kern_chain_bufs(m, &n);
    world_in_kernel(1);
    consumed = call_hook(world_so(fd), m, off, &ss);
    world_in_kernel(-1);
    kern_stack_leave(before);
    if (bufs != NULL)
        kern_buf_release(bufs, n, pkt);
    free(bufs);
    free(pkt);
    return consumed;
}
