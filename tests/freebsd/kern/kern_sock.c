/* SPDX-License-Identifier: BSD-2-Clause */
/* The one process of this world, its UDP sockets and its privilege. */
#include "world.h"
#undef malloc
#undef free

bool kern_may_sleep(void);

#define FD_FIRST 100
#define FDS      64

static struct proc proc;
struct thread kern_thread = {&proc};
const cap_rights_t cap_connect_rights;
bool world_unprivileged;
bool world_ilp32;
void (*world_udp_gap)(void);
void (*world_dtor_gap)(void);

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

/* Ports: taken from bind() until the pcb is freed, which is when the last reference to its socket
 * goes, whoever holds that. */

static pthread_mutex_t ports_lock = PTHREAD_MUTEX_INITIALIZER;
static struct inpcb *ports; /* ports_lock */

static bool
overlap(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    static const uint8_t any[16];
    size_t at = a->ss_family == AF_INET ? offsetof(struct sockaddr_in, sin_addr)
                                        : offsetof(struct sockaddr_in6, sin6_addr);
    size_t len = a->ss_family == AF_INET ? 4 : 16;
    const uint8_t *x = (const uint8_t *)a + at, *y = (const uint8_t *)b + at;

    return memcmp(x, y, len) == 0 || memcmp(x, any, len) == 0 || memcmp(y, any, len) == 0;
}

static uint16_t
port_of(const struct socket *so)
{
    return ((const struct sockaddr_in *)(const void *)&so->bound)->sin_port; /* of both families */
}

static bool
is_taken(const struct socket *so)
{
    for (const struct inpcb *inp = ports; inp != NULL; inp = inp->next) {
        const struct socket *other = inp->inp_socket;

        if (other->so_vnet == so->so_vnet && other->so_proto == so->so_proto &&
            port_of(other) == port_of(so) && overlap(&other->bound, &so->bound))
            return true;
    }
    return false;
}

static int
take_port(struct socket *so)
{
    int error = 0;

    pthread_mutex_lock(&ports_lock);
    if (is_taken(so)) {
        error = EADDRINUSE;
    } else {
        so->so_pcb->next = ports;
        ports = so->so_pcb;
    }
    pthread_mutex_unlock(&ports_lock);
    return error;
}

static void
leave_port(struct inpcb *inp)
{
    struct inpcb **at = &ports;

    pthread_mutex_lock(&ports_lock);
    while (*at != NULL && *at != inp)
        at = &(*at)->next;
    if (*at != NULL)
        *at = inp->next;
    pthread_mutex_unlock(&ports_lock);
}

static bool
rele_locked(struct inpcb *inp)
{
    if (--inp->inp_refcount != 0)
        return false;
    kern_assert(inp->inp_socket == NULL);
    INP_WUNLOCK(inp);
    mtx_destroy(&inp->lock);
    free(intoudpcb(inp));
    return true;
}

/* udp_detach() */
static void
free_pcb(struct inpcb *inp)
{
    leave_port(inp);
    INP_WLOCK(inp);
    inp->inp_socket = NULL;
    if (!rele_locked(inp))
        INP_WUNLOCK(inp);
}

static struct socket *
socket_new(int family, int type)
{
    struct socket *so = calloc(1, sizeof(*so));
    struct udpcb *up = calloc(1, sizeof(*up));

    mtx_init(&so->so_lock, "so", NULL, MTX_DEF);
    so->so_type = type;
    so->so_proto = proto_of(family, type);
    so->so_count = 1;
    so->so_vnet = curvnet;
    so->so_pcb = &up->u_inpcb;
    mtx_init(&up->u_inpcb.lock, "inp", NULL, MTX_DEF);
    up->u_inpcb.inp_refcount = 1;
    up->u_inpcb.inp_socket = so;
    return so;
}

int
world_socket(int family, int type, const void *addr, uint16_t port)
{
    struct socket *so = socket_new(family, type);
    int i = 0;

    while (table[i].f_data != NULL)
        kern_assert(++i < FDS);
    bind_to(so, family, addr, port);
    if (port != 0 && take_port(so) != 0) {
        sorele(so);
        return -EADDRINUSE;
    }
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
    struct socket *so;

    pthread_mutex_lock(&ports_lock);
    so = world_so(fd);
    table[fd - FD_FIRST].f_data = NULL;
    pthread_mutex_unlock(&ports_lock);
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
    kern_assert(__atomic_fetch_add(&so->so_count, 1, __ATOMIC_RELAXED) != 0);
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

static struct udpcb *
udpcb_of(const struct socket *so)
{
    return intoudpcb(sotoinpcb(so));
}

static bool
hooked(const struct socket *so)
{
    udp_tun_func_t *hook = __atomic_load_n(&udpcb_of(so)->u_tun_func, __ATOMIC_RELAXED);

    return hook != NULL && !takes_nothing(hook);
}

bool
world_hooked(int fd)
{
    return hooked(world_so(fd));
}

bool
refcount_acquire_if_not_zero(uint32_t *count)
{
    uint32_t n = __atomic_load_n(count, __ATOMIC_RELAXED);

    while (n != 0) {
        if (__atomic_compare_exchange_n(count, &n, n + 1, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

void
sodtor_set(struct socket *so, so_dtor_t *func)
{
    mtx_assert(&so->so_lock, MA_OWNED);
    so->so_dtor = func;
}

/* sofree() of the last reference: the destructor, then the pcb, then the memory. It may sleep. */
void
sorele(struct socket *so)
{
    so_dtor_t *dtor;

    kern_assert(kern_may_sleep());
    if (__atomic_sub_fetch(&so->so_count, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    SOCK_LOCK(so);
    dtor = so->so_dtor;
    SOCK_UNLOCK(so);
    if (dtor != NULL) {
        if (world_dtor_gap != NULL)
            world_dtor_gap();
        dtor(so);
    }
    kern_assert(!hooked(so));
    free_pcb(so->so_pcb);
    mtx_destroy(&so->so_lock);
    memset(so, 0xdf, sizeof(*so));
    free(so);
}

int
udp_set_kernel_tunneling(struct socket *so, udp_tun_func_t *f, void *icmp, void *ctx)
{
    struct udpcb *up = udpcb_of(so);
    int error = 0;

    kern_assert(icmp == NULL);
    INP_WLOCK(&up->u_inpcb);
    if (f != NULL && up->u_tun_func != NULL) {
        error = EBUSY;
    } else {
        __atomic_store_n(&up->u_tun_ctx, ctx, __ATOMIC_RELAXED);
        __atomic_store_n(&up->u_tun_func, f, __ATOMIC_RELEASE);
    }
    INP_WUNLOCK(&up->u_inpcb);
    return error;
}

void
sorwakeup(struct socket *so)
{
    __atomic_add_fetch(&so->wakeups, 1, __ATOMIC_RELAXED);
}

void
sowwakeup(struct socket *so __unused)
{
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

/* Calls what it finds at a second look, which comes without the lock, in the kernel too. */
static bool
call_second(struct inpcb *inp, struct mbuf *m, int off, const struct sockaddr_storage *ss)
{
    struct udpcb *up = intoudpcb(inp);
    udp_tun_func_t *hook = __atomic_load_n(&up->u_tun_func, __ATOMIC_ACQUIRE);

    kern_assert(hook != NULL);
    if (takes_nothing(hook))
        return false;
    return hook(m, off, inp, (const struct sockaddr *)(const void *)ss,
                __atomic_load_n(&up->u_tun_ctx, __ATOMIC_RELAXED));
}

/* The pcb of a socket that is open, locked; NULL: there is none. */
static struct inpcb *
lookup(int fd)
{
    struct inpcb *inp = NULL;
    struct socket *so;

    pthread_mutex_lock(&ports_lock);
    so = world_so(fd);
    if (so != NULL) {
        inp = sotoinpcb(so);
        INP_WLOCK(inp);
        curvnet = so->so_vnet;
    }
    pthread_mutex_unlock(&ports_lock);
    return inp;
}

/* inp comes locked. The socket may go while the hook works; the pcb stays. */
static bool
call_hook(struct inpcb *inp, struct mbuf *m, int off, const struct sockaddr_storage *ss)
{
    bool has_hook, consumed = false;

    kern_stack_check();
    has_hook = __atomic_load_n(&intoudpcb(inp)->u_tun_func, __ATOMIC_RELAXED) != NULL;
    inp->inp_refcount++;
    INP_WUNLOCK(inp);
    if (has_hook) {
        if (world_udp_gap != NULL)
            world_udp_gap();
        consumed = call_second(inp, m, off, ss);
    }
    INP_WLOCK(inp);
    if (inp->inp_socket != NULL && !consumed)
        __atomic_add_fetch(&inp->inp_socket->control_packets, 1, __ATOMIC_RELAXED);
    if (!rele_locked(inp))
        INP_WUNLOCK(inp);
    if (!consumed)
        m_freem(m);
    return consumed;
}

/* The pcb of a socket of this network that datagrams of the family to the port go to, locked. */
static struct inpcb *
listener(int family, uint16_t port)
{
    struct inpcb *inp;

    pthread_mutex_lock(&ports_lock);
    for (inp = ports; inp != NULL; inp = inp->next) {
        const struct socket *so = inp->inp_socket;

        if (so->so_vnet == curvnet && so->so_type == SOCK_DGRAM && port_of(so) == port &&
            (so->bound.ss_family == family || so->bound.ss_family == AF_INET6))
            break;
    }
    if (inp != NULL)
        INP_WLOCK(inp);
    pthread_mutex_unlock(&ports_lock);
    return inp;
}

/* UDP behind IP input: false leaves m to the caller. */
bool
kern_udp_input(struct mbuf *m)
{
    struct sockaddr_storage ss;
    uint8_t head[40] = {0};
    struct udphdr udp;
    struct inpcb *inp;
    int family, off;

    m_copydata(m, 0, MIN(m->m_pkthdr.len, (int)sizeof(head)), (caddr_t)head);
    family = head[0] >> 4 == 4 ? AF_INET : AF_INET6;
    off = family == AF_INET ? (head[0] & 15) * 4 : 40;
    if (head[family == AF_INET ? 9 : 6] != IPPROTO_UDP || m->m_pkthdr.len < off + 8)
        return false;
    m_copydata(m, off, sizeof(udp), (caddr_t)&udp);
    if (ntohs(udp.uh_ulen) != m->m_pkthdr.len - off)
        return false;
    inp = listener(family, udp.uh_dport);
    if (inp == NULL)
        return false;
    address(&ss, family, head + (family == AF_INET ? 12 : 8), ntohs(udp.uh_sport));
    (void)call_hook(inp, m, off, &ss);
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
    struct epoch_tracker et;
    struct inpcb *inp;
    bool consumed = false;

    m = kern_chain(pkt, off + 8 + d->len, chain);
    m->m_pkthdr.flowid = 7;
    source(d, &ss);
    if (chain != NULL && chain->shared)
        bufs = kern_chain_bufs(m, &n);
    world_in_kernel(1);
    CURVNET_SET(curvnet);
    NET_EPOCH_ENTER(et);
    inp = lookup(fd);
    if (inp != NULL)
        consumed = call_hook(inp, m, off, &ss);
    else
        m_freem(m);
    NET_EPOCH_EXIT(et);
    CURVNET_RESTORE();
    world_in_kernel(-1);
    kern_stack_leave(before);
    if (bufs != NULL)
        kern_buf_release(bufs, n, pkt);
    free(bufs);
    free(pkt);
    return consumed;
}
