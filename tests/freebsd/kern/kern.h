/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of the FreeBSD 15 kernel as the module uses, in user space. Every kernel header that the
 * module's sources name is replaced by this file, and the sources themselves are compiled
 * unchanged; that they also compile against the real sys/ keeps the declarations here honest.
 *
 * What it checks while it runs: no sleep inside the network epoch or with a mutex held, no lock
 * taken twice or out of order, what the module asserts about locks, memory of every kind given
 * back, mbufs read and written within the bytes they have, packets from the stack's callbacks only
 * inside the epoch, virtual network set.
 * What tests may ask of it is in world.h.
 */
#ifndef KERN_H
#define KERN_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define _KERNEL 1

/* sys/cdefs.h, sys/types.h, sys/param.h */
typedef const char *c_caddr_t;
typedef int64_t sbintime_t;

#define __unused                       __attribute__((unused))
#define __containerof(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))
#define __DECONST(type, v)             ((type)(uintptr_t)(const void *)(v))
#define nitems(a)                      (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)                      ((a) < (b) ? (a) : (b))
#define MAX(a, b)                      ((a) > (b) ? (a) : (b))
#define kern_assert(cond)              ((cond) ? (void)0 : kern_panic(__FILE__, __LINE__, #cond))
_Noreturn void kern_panic(const char *file, int line, const char *what);

static inline uint16_t
htons(uint16_t v)
{
    return (uint16_t)(v << 8 | v >> 8);
}
#define ntohs htons

static inline size_t
strlcpy(char *to, const char *from, size_t size)
{
    size_t len = strlen(from);

    if (size != 0) {
        size_t n = len < size ? len : size - 1;

        memcpy(to, from, n);
        to[n] = '\0';
    }
    return len;
}

extern int hz;
void arc4random_buf(void *buf, size_t len);
int pause9(const char *what, int ticks);
#define pause pause9

/* Linux has no such pages; what copyin must refuse is chosen by the test. */
int nullop(void);
int copyin(const void *user, void *kernel, size_t len);
int copyout(const void *kernel, void *user, size_t len);

/* sys/ioccom.h, sys/sockio.h */
#define _IO(group, number) (0x20000000UL | (unsigned long)(group) << 8 | (number))
enum {
    SIOCSIFADDR = 1,
    SIOCADDMULTI,
    SIOCDELMULTI,
    SIOCGIFMTU,
    SIOCSIFMTU,
    SIOCSIFFLAGS,
    SIOCSDRVSPEC,
    SIOCGDRVSPEC,
    SIOCGIFMEDIA,
};

/* sys/queue.h */
#define LIST_HEAD(name, type)                                                                      \
    struct name {                                                                                  \
        struct type *lh_first;                                                                     \
    }
#define LIST_ENTRY(type)                                                                           \
    struct {                                                                                       \
        struct type *le_next, **le_prev;                                                           \
    }
#define LIST_HEAD_INITIALIZER(head)                                                                \
    {                                                                                              \
        NULL                                                                                       \
    }
#define LIST_FIRST(head)               ((head)->lh_first)
#define LIST_NEXT(e, field)            ((e)->field.le_next)
#define LIST_EMPTY(head)               ((head)->lh_first == NULL)
#define LIST_INIT(head)                ((head)->lh_first = NULL)
#define LIST_FOREACH(var, head, field) for (var = (head)->lh_first; var; var = var->field.le_next)
#define LIST_INSERT_HEAD(head, e, field)                                                           \
    do {                                                                                           \
        (e)->field.le_next = (head)->lh_first;                                                     \
        (e)->field.le_prev = &(head)->lh_first;                                                    \
        if ((head)->lh_first)                                                                      \
            (head)->lh_first->field.le_prev = &(e)->field.le_next;                                 \
        (head)->lh_first = (e);                                                                    \
    } while (0)
#define LIST_REMOVE(e, field)                                                                      \
    do {                                                                                           \
        if ((e)->field.le_next)                                                                    \
            (e)->field.le_next->field.le_prev = (e)->field.le_prev;                                \
        *(e)->field.le_prev = (e)->field.le_next;                                                  \
    } while (0)

/* sys/malloc.h, vm/uma.h, sys/counter.h: kern_mem.c */
struct malloc_type {
    const char *name;
};
#define MALLOC_DECLARE(type)             extern struct malloc_type type[1]
#define MALLOC_DEFINE(type, short, text) struct malloc_type type[1] = {{short}}
MALLOC_DECLARE(M_NVLIST);
enum { M_NOWAIT = 1, M_WAITOK = 2, M_ZERO = 4 };

void *kern_malloc(size_t size, size_t align, int flags);
void kern_free(void *p, bool wipe);
void *malloc9(size_t size, struct malloc_type *type, int flags);
void *malloc_aligned(size_t size, size_t align, struct malloc_type *type, int flags);
void *mallocarray(size_t n, size_t size, struct malloc_type *type, int flags);
void free9(void *p, struct malloc_type *type);
void zfree(void *p, struct malloc_type *type);
#define malloc malloc9
#define free   free9

typedef struct kern_zone *uma_zone_t;
#define UMA_ALIGN_CACHE 63
uma_zone_t uma_zcreate(const char *name, size_t size, void *ctor, void *dtor, void *init,
                       void *fini, int align, uint32_t flags);
void uma_zdestroy(uma_zone_t zone);
void *uma_zalloc(uma_zone_t zone, int flags);
void uma_zfree(uma_zone_t zone, void *item);

typedef uint64_t *counter_u64_t;
counter_u64_t counter_u64_alloc(int flags);
void counter_u64_free(counter_u64_t c);
void counter_u64_add(counter_u64_t c, int64_t n);
uint64_t counter_u64_fetch(counter_u64_t c);
#define COUNTER_ARRAY_ALLOC(a, n, wait)                                                            \
    do {                                                                                           \
        for (int i_ = 0; i_ < (int)(n); i_++)                                                      \
            (a)[i_] = counter_u64_alloc(wait);                                                     \
    } while (0)
#define COUNTER_ARRAY_FREE(a, n)                                                                   \
    do {                                                                                           \
        for (int i_ = 0; i_ < (int)(n); i_++)                                                      \
            counter_u64_free((a)[i_]);                                                             \
    } while (0)

/* sys/mutex.h, sys/sx.h, sys/epoch.h, sys/taskqueue.h, sys/time.h: kern_sched.c */
struct mtx {
    pthread_mutex_t mutex;
    const char *name;  /* NULL: not initialised */
    const void *owner; /* atomic; stands for the thread that holds it, NULL: none does */
};
#define MTX_DEF  0
#define MA_OWNED 1
void mtx_init(struct mtx *m, const char *name, const char *type, int flags);
void mtx_destroy(struct mtx *m);
void mtx_lock(struct mtx *m);
void mtx_unlock(struct mtx *m);
void mtx_assert(const struct mtx *m, int what);

struct sx {
    pthread_rwlock_t lock;
    const char *name;
    const void *owner; /* atomic; stands for the thread that holds it alone, NULL: none does */
};
#define SA_XLOCKED 1
void sx_init(struct sx *sx, const char *name);
void sx_destroy(struct sx *sx);
void sx_xlock(struct sx *sx);
void sx_xunlock(struct sx *sx);
void sx_slock(struct sx *sx);
void sx_sunlock(struct sx *sx);
void sx_assert(const struct sx *sx, int what);
#define SX_SYSINIT(name, sx, text)                                                                 \
    static void kern_sx_##name(const void *unused __unused)                                        \
    {                                                                                              \
        sx_init(sx, text);                                                                         \
    }                                                                                              \
    KERN_HOOK(KERN_SYSINIT_EARLY, kern_sx_##name);                                                 \
    static void kern_sx_fini_##name(const void *unused __unused)                                   \
    {                                                                                              \
        sx_destroy(sx);                                                                            \
    }                                                                                              \
    KERN_HOOK(KERN_SYSUNINIT_LATE, kern_sx_fini_##name)

/* sys/smp.h */
#define PDROP 0x400
int quiesce_all_cpus(const char *what, int flags);

struct epoch_context {
    void *data[2];
};
struct epoch_tracker {
    int entered;
};
typedef void epoch_callback_t(struct epoch_context *);
void NET_EPOCH_ENTER_(struct epoch_tracker *et);
void NET_EPOCH_EXIT_(struct epoch_tracker *et);
#define NET_EPOCH_ENTER(et) NET_EPOCH_ENTER_(&(et))
#define NET_EPOCH_EXIT(et)  NET_EPOCH_EXIT_(&(et))
#define NET_EPOCH_ASSERT()  kern_assert(kern_in_epoch())
bool kern_in_epoch(void);
void NET_EPOCH_CALL(epoch_callback_t *f, struct epoch_context *ctx);
void NET_EPOCH_WAIT(void);
void NET_EPOCH_DRAIN_CALLBACKS(void);

struct taskqueue;
extern struct taskqueue *taskqueue_thread;
struct timeout_task {
    void (*func)(void *, int);
    void *arg;
    uint64_t due_ns; /* 0: not armed */
    struct timeout_task *next;
};
#define TIMEOUT_TASK_INIT(queue, task, prio, f, context)                                           \
    (*(task) = (struct timeout_task){.func = (f), .arg = (context)})
int taskqueue_enqueue_timeout_sbt(struct taskqueue *queue, struct timeout_task *task,
                                  sbintime_t sbt, sbintime_t precision, int flags);
int taskqueue_cancel_timeout(struct taskqueue *queue, struct timeout_task *task, unsigned *pending);
void taskqueue_drain_timeout(struct taskqueue *queue, struct timeout_task *task);

sbintime_t getsbinuptime(void);
static inline sbintime_t
nstosbt(uint64_t ns)
{
    return (sbintime_t)((ns / 1000000000) << 32 | ((ns % 1000000000) << 32) / 1000000000);
}

/* sys/eventhandler.h: kern_net.c; there is one event, and one who listens */
struct ifnet;
typedef void *eventhandler_tag;
typedef void kern_departure_t(void *arg, struct ifnet *ifp);
eventhandler_tag kern_departure_register(kern_departure_t *f, void *arg);
void kern_departure_deregister(eventhandler_tag tag);
#define EVENTHANDLER_PRI_FIRST                         0
#define EVENTHANDLER_REGISTER(event, f, arg, priority) kern_departure_register((f), (arg))
#define EVENTHANDLER_DEREGISTER(event, tag)            kern_departure_deregister(tag)

/* net/vnet.h, sys/kernel.h, sys/module.h, sys/osd.h, sys/jail.h: kern_vnet.c */
struct vnet;
extern __thread struct vnet *curvnet;
extern struct vnet *world_vnet[2];
#define vnet0 world_vnet[0]
void *kern_vnet_var(void *entry);
#define VNET_SECTION                __attribute__((section("set_vnet"), used))
#define VNET_DECLARE(type, n)       extern type vnet_entry_##n
#define VNET_DEFINE(type, n)        VNET_SECTION type vnet_entry_##n
#define VNET_DEFINE_STATIC(type, n) static VNET_SECTION type vnet_entry_##n
#define VNET_NAME(n)                vnet_entry_##n
#define VNET(n)                     (*(__typeof(vnet_entry_##n) *)kern_vnet_var(&vnet_entry_##n))
#define CURVNET_SET(to)                                                                            \
    struct vnet *saved_vnet_ = curvnet;                                                            \
    curvnet = (to)
#define CURVNET_SET_QUIET(to) CURVNET_SET(to)
#define CURVNET_RESTORE()     (curvnet = saved_vnet_)

enum kern_hook {
    KERN_SYSINIT_EARLY,
    KERN_MODEVENT,
    KERN_VNET_SYSINIT,
    KERN_VNET_SYSUNINIT,
    KERN_SYSUNINIT,
    KERN_SYSUNINIT_LATE,
};
void kern_hook(enum kern_hook when, const void *f);
#define KERN_HOOK(when, f)                                                                         \
    __attribute__((constructor)) static void kern_hook_##f(void)                                   \
    {                                                                                              \
        kern_hook(when, (const void *)&f);                                                         \
    }                                                                                              \
    struct kern_semicolon
#define VNET_SYSINIT(name, sub, order, f, arg)   KERN_HOOK(KERN_VNET_SYSINIT, f)
#define VNET_SYSUNINIT(name, sub, order, f, arg) KERN_HOOK(KERN_VNET_SYSUNINIT, f)
#define SYSUNINIT(name, sub, order, f, arg)      KERN_HOOK(KERN_SYSUNINIT, f)

typedef struct module *module_t;
enum { MOD_LOAD, MOD_UNLOAD, MOD_SHUTDOWN };
typedef struct {
    const char *name;
    int (*event)(module_t, int, void *);
    void *priv;
} moduledata_t;
#define DECLARE_MODULE(name, data, sub, order) KERN_HOOK(KERN_MODEVENT, data)
#define MODULE_VERSION(name, version)          struct kern_semicolon
#define MODULE_DEPEND(name, on, a, b, c)       struct kern_semicolon

struct prison {
    struct vnet *pr_vnet;
};
bool prison_owns_vnet(struct prison *pr);
enum { PR_METHOD_REMOVE = 5, PR_MAXMETHOD = 7 };
typedef int (*osd_method_t)(void *obj, void *data);
int osd_jail_register(void *destructor, const osd_method_t *methods);
void osd_jail_deregister(int slot);

/* sys/sdt.h, sys/sysctl.h, sys/sbuf.h: kern_vnet.c */
#define SDT_PROVIDER_DECLARE(p)                struct kern_semicolon
#define SDT_PROVIDER_DEFINE(p)                 struct kern_semicolon
#define SDT_PROBE_DEFINE1(p, m, f, n, a)       struct kern_semicolon
#define SDT_PROBE_DEFINE2(p, m, f, n, a, b)    struct kern_semicolon
#define SDT_PROBE_DEFINE3(p, m, f, n, a, b, c) struct kern_semicolon
#define SDT_PROBE1(p, m, f, n, a)              ((void)(a))
#define SDT_PROBE2(p, m, f, n, a, b)           ((void)(a), (void)(b))
#define SDT_PROBE3(p, m, f, n, a, b, c)        ((void)(a), (void)(b), (void)(c))

struct sysctl_req {
    char *out;
    size_t size;
    bool wired;
};
int sysctl_wire_old_buffer(struct sysctl_req *req, size_t len);
struct sysctl_oid;
#define SYSCTL_HANDLER_ARGS                                                                        \
    struct sysctl_oid *oidp __unused, void *arg1 __unused, intptr_t arg2 __unused,                 \
        struct sysctl_req *req
#define SYSCTL_DECL(parent)                                   struct kern_semicolon
#define SYSCTL_NODE(parent, nbr, name, access, handler, text) struct kern_semicolon
#define SYSCTL_INT(parent, nbr, name, access, ptr, val, text) struct kern_semicolon
#define SYSCTL_PROC(parent, nbr, name, access, ptr, arg, handler, fmt, text)                       \
    int (*kern_sysctl_##name)(struct sysctl_oid *, void *, intptr_t, struct sysctl_req *) = handler
struct sbuf;
struct sbuf *sbuf_new_for_sysctl(struct sbuf *sb, char *buf, int len, struct sysctl_req *req);
int sbuf_printf(struct sbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int sbuf_finish(struct sbuf *sb);
void sbuf_delete(struct sbuf *sb);

/* sys/nv.h: kern_nv.c */
typedef struct nvlist nvlist_t;
nvlist_t *nvlist_create(int flags);
void nvlist_destroy(nvlist_t *nvl);
int nvlist_error(const nvlist_t *nvl);
void *nvlist_pack(const nvlist_t *nvl, size_t *size);
nvlist_t *nvlist_unpack(const void *buf, size_t size, int flags);
bool nvlist_exists_number(const nvlist_t *nvl, const char *name);
bool nvlist_exists_string(const nvlist_t *nvl, const char *name);
bool nvlist_exists_nvlist(const nvlist_t *nvl, const char *name);
bool nvlist_exists_binary(const nvlist_t *nvl, const char *name);
bool nvlist_exists_nvlist_array(const nvlist_t *nvl, const char *name);
uint64_t nvlist_get_number(const nvlist_t *nvl, const char *name);
const char *nvlist_get_string(const nvlist_t *nvl, const char *name);
const nvlist_t *nvlist_get_nvlist(const nvlist_t *nvl, const char *name);
const void *nvlist_get_binary(const nvlist_t *nvl, const char *name, size_t *size);
const nvlist_t *const *nvlist_get_nvlist_array(const nvlist_t *nvl, const char *name, size_t *n);
void nvlist_add_number(nvlist_t *nvl, const char *name, uint64_t value);
void nvlist_add_string(nvlist_t *nvl, const char *name, const char *value);
void nvlist_add_binary(nvlist_t *nvl, const char *name, const void *value, size_t size);
void nvlist_move_nvlist(nvlist_t *nvl, const char *name, nvlist_t *value);
void nvlist_move_nvlist_array(nvlist_t *nvl, const char *name, nvlist_t **value, size_t n);

/* sys/mbuf.h: kern_mbuf.c */
struct ifnet;
struct m_tag {
    struct m_tag *next;
    uint32_t cookie;
    uint16_t type;
    void *data[]; /* which follows the struct */
};
#define MTAG_PERSISTENT 0x800
struct pkthdr {
    int len;
    struct ifnet *rcvif;
    struct m_tag *tags;
    uint32_t csum_flags;
    uint32_t csum_data;
    uint32_t fibnum;
    uint32_t flowid;
    uint8_t rsstype;
};
struct kern_buf;
struct mbuf {
    struct mbuf *m_next;
    char *m_data;
    int m_len;
    int m_flags;
    struct pkthdr m_pkthdr; /* M_PKTHDR */
    struct kern_buf *buf;   /* storage, perhaps shared */
};
enum {
    M_PKTHDR = 2,
    M_RDONLY = 8,
    M_BCAST = 0x10,
    M_MCAST = 0x20,
    M_VLANTAG = 0x80,
    M_PROTO1 = 0x1000,
};
/* Flow hashes: the bits that the module and netisr look at. */
#define M_HASHTYPE_NONE        0
#define M_HASHTYPE_OPAQUE_HASH 0xbf
#define M_HASHTYPE_GET(m)      ((m)->m_pkthdr.rsstype)
#define M_HASHTYPE_SET(m, v)   ((m)->m_pkthdr.rsstype = (v))
#define MT_DATA                1
#define CSUM_UDP_IPV6          0x200
#define CSUM_IP_CHECKED        0x1000000
#define CSUM_IP_VALID          0x2000000
#define CSUM_PSEUDO_HDR        0x4000000
#define CSUM_DATA_VALID        0x8000000
#define mtod(m, t)             ((t)(void *)((m)->m_data))
#define M_SETFIB(m, f)         ((m)->m_pkthdr.fibnum = (f))
#define M_GETFIB(m)            ((m)->m_pkthdr.fibnum)
struct mbuf *m_gethdr(int how, int type);
struct mbuf *m_freem_(struct mbuf *m);
void m_freem(struct mbuf *m);
void m_align(struct mbuf *m, int len);
#define M_ALIGN(m, len) m_align((m), (int)(len))
void m_copydata(const struct mbuf *m, int off, int len, caddr_t to);
void m_copyback(struct mbuf *m, int off, int len, c_caddr_t from);
struct mbuf *m_pullup(struct mbuf *m, int len);
struct mbuf *m_unshare(struct mbuf *m, int how);
struct mbuf *m_get2(int size, int how, int type, int flags);
void m_move_pkthdr(struct mbuf *to, struct mbuf *from);
bool kern_writable(struct mbuf *m);
#define M_WRITABLE(m) kern_writable(m)
extern int max_linkhdr;
struct mbuf *m_prepend(struct mbuf *m, int len, int how);
#define M_PREPEND(m, len, how) ((m) = m_prepend((m), (len), (how)))
void m_adj(struct mbuf *m, int len);
void m_adj_decap(struct mbuf *m, int len);
void m_clrprotoflags(struct mbuf *m);
struct m_tag *m_tag_alloc(uint32_t cookie, int type, int len, int how);
struct m_tag *m_tag_locate(struct mbuf *m, uint32_t cookie, int type, struct m_tag *after);
void m_tag_prepend(struct mbuf *m, struct m_tag *tag);
void m_tag_delete_nonpersistent(struct mbuf *m);

/* net/if.h, net/if_clone.h, net/bpf.h, net/route: kern_net.c */
#define IFNAMSIZ      16
#define AF_UNSPEC     0
#define AF_LOCAL      1
#define AF_INET       2
#define AF_INET6      28
#define SOCK_STREAM   1
#define SOCK_DGRAM    2
#define IPPROTO_TCP   6
#define IPPROTO_UDP   17
#define IP_MAXPACKET  65535
#define IPV6_VERSION  0x60
#define IFT_TUNNEL    131
#define IFT_OTHER     1
#define DLT_NULL      0
#define IF_DUNIT_NONE (-1)
enum {
    IFF_UP = 0x1,
    IFF_BROADCAST = 0x2,
    IFF_POINTOPOINT = 0x10,
    IFF_DRV_RUNNING = 0x40,
    IFF_MULTICAST = 0x8000,
    IFF_RENAMING = 0x400000,
    IFCAP_LINKSTATE = 0x80000,
};
enum { LINK_STATE_UNKNOWN, LINK_STATE_DOWN, LINK_STATE_UP };
typedef enum {
    IFCOUNTER_IPACKETS,
    IFCOUNTER_IERRORS,
    IFCOUNTER_OPACKETS,
    IFCOUNTER_OERRORS,
    IFCOUNTER_IBYTES,
    IFCOUNTER_OBYTES,
    IFCOUNTERS,
} ift_counter;

struct in_addr {
    uint32_t s_addr;
};
struct in6_addr {
    union {
        uint8_t s6_addr[16];
        uint16_t s6_addr16[8];
    };
};
struct sockaddr {
    uint8_t sa_len, sa_family;
    char sa_data[14];
};
struct sockaddr_in {
    uint8_t sin_len, sin_family;
    uint16_t sin_port;
    struct in_addr sin_addr;
    char sin_zero[8];
};
struct sockaddr_in6 {
    uint8_t sin6_len, sin6_family;
    uint16_t sin6_port;
    uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    uint32_t sin6_scope_id;
};
struct sockaddr_storage {
    uint8_t ss_len, ss_family;
    char ss_pad1[6];
    int64_t ss_align;
    char ss_pad2[112];
};
bool kern_in6_is(const struct in6_addr *in6, const char *what);
#define IN6_IS_ADDR_UNSPECIFIED(a) kern_in6_is((a), "unspecified")
#define IN6_IS_ADDR_V4MAPPED(a)    kern_in6_is((a), "mapped")
#define IN6_IS_ADDR_LINKLOCAL(a)   kern_in6_is((a), "linklocal")
int in6_clearscope(struct in6_addr *in6);
bool in_localip(struct in_addr in);
int in6_localip(struct in6_addr *in6);
int in6_selectsrc_addr(uint32_t fib, const struct in6_addr *dst, uint32_t scope, struct ifnet *ifp,
                       struct in6_addr *src, int *hlim);

struct route;
struct ifnet {
    void *if_softc;
    struct vnet *if_vnet;
    char if_xname[IFNAMSIZ];
    const char *if_dname;
    int if_dunit;
    uint8_t if_addrlen;
    uint8_t if_link_state;
    uint32_t if_mtu;
    uint32_t if_fib;
    int if_flags, if_drv_flags;
    int if_capabilities, if_capenable;
    int (*if_ioctl)(struct ifnet *, unsigned long, caddr_t);
    int (*if_transmit)(struct ifnet *, struct mbuf *);
    int (*if_output)(struct ifnet *, struct mbuf *, const struct sockaddr *, struct route *);
    void (*if_qflush)(struct ifnet *);
    void (*if_reassign)(struct ifnet *, struct vnet *, char *);
    uint64_t (*if_get_counter)(struct ifnet *, ift_counter);
    uint64_t counters[IFCOUNTERS];
    uint64_t tapped; /* packets that BPF saw */
    unsigned refs;   /* atomic */
    bool attached;   /* the stack has its own data about it */
    struct ifnet *next;
    struct if_clone *cloner;
};
struct ifdrv {
    char ifd_name[IFNAMSIZ];
    unsigned long ifd_cmd;
    size_t ifd_len;
    void *ifd_data;
};
struct ifreq {
    char ifr_name[IFNAMSIZ];
    int ifr_mtu;
};
struct ifnet *if_alloc(int type);
void if_free(struct ifnet *ifp);
void if_ref(struct ifnet *ifp);
void if_rele(struct ifnet *ifp);
void if_attach(struct ifnet *ifp);
void if_detach(struct ifnet *ifp);
void if_qflush(struct ifnet *ifp);
void if_inc_counter(struct ifnet *ifp, ift_counter which, int64_t n);
void if_link_state_change(struct ifnet *ifp, int state);
struct ifnet *ifunit(const char *name);
int if_printf(struct ifnet *ifp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define if_name(ifp) ((ifp)->if_xname)
int if_tunnel_check_nesting(struct ifnet *ifp, struct mbuf *m, uint32_t cookie, int limit);
void bpfattach(struct ifnet *ifp, unsigned dlt, unsigned hdrlen);
void bpfdetach(struct ifnet *ifp);
void kern_bpf_tap(struct ifnet *ifp, const void *hdr, size_t len, struct mbuf *m);
#define BPF_MTAP2(ifp, hdr, len, m) kern_bpf_tap((ifp), (hdr), (len), (m))

struct if_clone;
struct ifc_data;
struct if_clone_addreq {
    int (*match_f)(struct if_clone *, const char *);
    int (*create_f)(struct if_clone *, char *, size_t, struct ifc_data *, struct ifnet **);
    int (*destroy_f)(struct if_clone *, struct ifnet *, uint32_t);
};
struct if_clone *ifc_attach_cloner(const char *name, struct if_clone_addreq *req);
void ifc_detach_cloner(struct if_clone *ifc);
int ifc_name2unit(const char *name, int *unit);
int ifc_alloc_unit(struct if_clone *ifc, int *unit);
void ifc_free_unit(struct if_clone *ifc, int unit);

/* machine/stack.h: kern_netisr.c */
void kern_stack_usage(size_t *total, size_t *used);
#define GET_STACK_USAGE(total, used) kern_stack_usage(&(total), &(used))

/* kern_netisr.c */
enum { NETISR_IP = 1, NETISR_IPV6 = 6 };
int netisr_dispatch(unsigned proto, struct mbuf *m);
int netisr_queue(unsigned proto, struct mbuf *m);

#define NHR_NONE    0
#define NHF_GATEWAY 0x80
struct nhop_object {
    uint16_t nh_flags, nh_mtu;
    union {
        struct sockaddr gw_sa;
        struct sockaddr_in gw4_sa;
        struct sockaddr_in6 gw6_sa;
    };
    struct ifnet *nh_ifp;
};
struct nhop_object *fib4_lookup(uint32_t fib, struct in_addr dst, uint32_t scope, uint32_t flags,
                                uint32_t flowid);
struct nhop_object *fib6_lookup(uint32_t fib, const struct in6_addr *dst, uint32_t scope,
                                uint32_t flags, uint32_t flowid);

/* netinet: headers are little-endian on the machines this runs on */
struct ip {
    uint8_t ip_hl : 4, ip_v : 4;
    uint8_t ip_tos;
    uint16_t ip_len, ip_id, ip_off;
    uint8_t ip_ttl, ip_p;
    uint16_t ip_sum;
    struct in_addr ip_src, ip_dst;
};
struct ip6_hdr {
    union {
        uint32_t ip6_flow;
        uint8_t ip6_vfc;
    };
    uint16_t ip6_plen;
    uint8_t ip6_nxt, ip6_hlim;
    struct in6_addr ip6_src, ip6_dst;
};
struct udphdr {
    uint16_t uh_sport, uh_dport, uh_ulen, uh_sum;
};
struct tcphdr {
    uint16_t th_sport, th_dport;
    uint32_t th_seq, th_ack;
    uint8_t th_off, th_flags;
    uint16_t th_win, th_sum, th_urp;
};
#define TH_SYN 0x02
extern int V_ip_defttl, V_ip6_defhlim;
struct inpcb;
int ip_output(struct mbuf *m, struct mbuf *opt, struct route *ro, int flags, void *imo,
              struct inpcb *inp);
int ip6_output(struct mbuf *m, void *opt, void *ro, int flags, void *im6o, struct ifnet **ifpp,
               struct inpcb *inp);
uint16_t in6_cksum_pseudo(struct ip6_hdr *ip6, uint32_t len, uint8_t nxt, uint16_t csum);

/* sys/file.h, sys/socketvar.h, netinet/udp_var.h, sys/priv.h: kern_sock.c */
struct domain {
    int dom_family;
};
struct protosw {
    int pr_protocol;
    struct domain *pr_domain;
};
typedef bool udp_tun_func_t(struct mbuf *, int, struct inpcb *, const struct sockaddr *, void *);
struct inpcb {
    struct mtx lock;
    uint32_t inp_refcount;     /* lock; the socket's, and one per datagram on its way to the hook */
    struct socket *inp_socket; /* lock; NULL: freed, and found by nobody */
    struct inpcb *next;        /* kern_sock.c: those that hold a port */
};
struct udpcb {
    struct inpcb u_inpcb;
    udp_tun_func_t *u_tun_func; /* atomic */
    void *u_tun_ctx;            /* atomic */
};
typedef void so_dtor_t(struct socket *);
struct socket {
    struct mtx so_lock;
    uint32_t so_count; /* atomic */
    int so_type;
    struct protosw *so_proto;
    struct vnet *so_vnet;
    int so_fibnum;
    int so_error;       /* atomic */
    so_dtor_t *so_dtor; /* so_lock */
    struct inpcb *so_pcb;
    struct sockaddr_storage bound;
    uint64_t wakeups;         /* atomic */
    uint64_t control_packets; /* atomic; datagrams that the hook left to openvpn */
};
struct file {
    struct socket *f_data;
};
struct thread;
struct proc {
    uint32_t p_fibnum;
};
struct thread {
    struct proc *td_proc;
};
extern struct thread kern_thread;
#define SV_ILP32              0x100
#define SV_CURPROC_FLAG(flag) (world_ilp32 ? (flag) : 0)
extern bool world_ilp32; /* the process is a 32-bit one */
#define curthread (&kern_thread)
typedef struct {
    int unused;
} cap_rights_t;
extern const cap_rights_t cap_connect_rights;
int getsock(struct thread *td, int fd, const cap_rights_t *rights, struct file **fpp);
void fdrop(struct file *fp, struct thread *td);
int sosockaddr(struct socket *so, struct sockaddr *sa);
void soref(struct socket *so);
void sorele(struct socket *so);
void sodtor_set(struct socket *so, so_dtor_t *func);
void sorwakeup(struct socket *so);
void sowwakeup(struct socket *so);
/* As the driver in base sets its hook. */
int udp_set_kernel_tunneling(struct socket *so, udp_tun_func_t *f, void *icmp, void *ctx);
bool refcount_acquire_if_not_zero(uint32_t *count);
#define refcount_load(count) __atomic_load_n((count), __ATOMIC_ACQUIRE)
#define SOCK_LOCK(so)        mtx_lock(&(so)->so_lock)
#define SOCK_UNLOCK(so)      mtx_unlock(&(so)->so_lock)
#define sotoinpcb(so)        ((so)->so_pcb)
#define intoudpcb(inp)       __containerof((inp), struct udpcb, u_inpcb)
#define INP_WLOCK(inp)       mtx_lock(&(inp)->lock)
#define INP_WUNLOCK(inp)     mtx_unlock(&(inp)->lock)
#define INP_WLOCK_ASSERT(i)  mtx_assert(&(i)->lock, MA_OWNED)
#define PRIV_NET_OVPN        422
int priv_check(struct thread *td, int priv);

/* opencrypto/cryptodev.h: kern_crypto.c */
typedef struct kern_session *crypto_session_t;
enum { CSP_MODE_AEAD = 3, CSP_F_SEPARATE_AAD = 2 };
enum { CRYPTO_AES_NIST_GCM_16 = 25, CRYPTO_CHACHA20_POLY1305 = 41 };
enum { CRYPTOCAP_F_HARDWARE = 1, CRYPTOCAP_F_SOFTWARE = 2 };
enum {
    CRYPTO_OP_DECRYPT = 0,
    CRYPTO_OP_ENCRYPT = 1,
    CRYPTO_OP_VERIFY_DIGEST = 2,
    CRYPTO_OP_COMPUTE_DIGEST = 4,
};
#define CRYPTO_OP_IS_ENCRYPT(op) ((op)&CRYPTO_OP_ENCRYPT)
enum { CRYPTO_F_CBIMM = 0x10, CRYPTO_F_CBIFSYNC = 0x40, CRYPTO_F_IV_SEPARATE = 0x200 };
#define CRYPTO_ASYNC_ORDERED 1
struct crypto_session_params {
    int csp_mode, csp_flags, csp_cipher_alg, csp_ivlen, csp_cipher_klen;
    int csp_auth_alg, csp_auth_klen, csp_auth_mlen;
    const void *csp_cipher_key, *csp_auth_key;
};
struct cryptop {
    struct cryptop *next; /* kern_crypto.c: completions that wait */
    bool completed;       /* kern_crypto.c: by the driver */
    crypto_session_t crp_session;
    int crp_etype, crp_flags, crp_op;
    struct mbuf *mbuf;
    void *crp_aad;
    int crp_aad_start, crp_aad_length, crp_iv_start;
    int crp_payload_start, crp_payload_output_start, crp_payload_length, crp_digest_start;
    uint8_t crp_iv[16];
    void *crp_opaque;
    int (*crp_callback)(struct cryptop *);
    struct vnet *vnet;
};
typedef struct kern_driver *device_t;
uint32_t crypto_ses2hid(crypto_session_t session);
bool kern_session_is_sync(crypto_session_t session);
#define CRYPTO_SESS_SYNC(session) kern_session_is_sync(session)
device_t crypto_find_device_byhid(int hid);
int crypto_newsession(crypto_session_t *session, const struct crypto_session_params *csp, int crid);
void crypto_freesession(crypto_session_t session);
void crypto_initreq(struct cryptop *crp, crypto_session_t session);
void crypto_destroyreq(struct cryptop *crp);
void crypto_use_mbuf(struct cryptop *crp, struct mbuf *m);
int crypto_dispatch(struct cryptop *crp);
int crypto_dispatch_async(struct cryptop *crp, int flags);

#endif
