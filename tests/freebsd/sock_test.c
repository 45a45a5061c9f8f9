/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The UDP port: however openvpn ends, restarts or is killed, the next one can bind it, and nothing
 * of the old tunnel is left in its way.
 */
#include <unistd.h>

#include "tunnel.h"

#define S 1000000000ULL

enum role { SERVER_ROLE, CLIENT_ROLE, P2P_ROLE, ROLES };

static void
bind_again(struct tunnel *t)
{
    t->fd = t->peer.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1194);
    CHECK(t->fd >= 0);
}

/* A client is point to point as the driver sees it, and so is an end with a static peer; what makes
 * a client is that its server gives it another peer id every time. */
static void
connect_as(struct tunnel *t, enum role role, unsigned round)
{
    if (role != SERVER_ROLE)
        t->peer.vpn4 = t->peer.vpn6 = NULL;
    if (role == CLIENT_ROLE)
        t->peer.id = round % 5;
    t->next_id = 1;
    CHECK_EQ(user_new_peer(t->ifp, &t->peer), 0);
    CHECK_EQ(user_set_peer(t->ifp, t->peer.id, 10, 60), 0);
    tunnel_key(t, "AES-256-GCM");
}

static void
pass_both_ways(struct tunnel *t)
{
    uint8_t pkt[100];

    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t->ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    tunnel_expect_out(t, pkt, sizeof(pkt));
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(t, pkt, sizeof(pkt)));
    tunnel_expect_in(t, pkt, sizeof(pkt));
}

static void
no_events(struct ifnet *ifp)
{
    struct user_event e;

    CHECK_EQ(user_pending(ifp), 0);
    CHECK_EQ(user_event(ifp, &e), ENOENT);
}

/* SIGUSR1: openvpn removes its peers, closes the port and, without persist-tun, ends the interface.
 * Then everything comes anew, in the same process. */
static void
restarts(enum role role, bool keep_interface)
{
    struct tunnel t;

    tunnel_open(&t);
    for (unsigned round = 0; round < 10; round++) {
        connect_as(&t, role, round);
        no_events(t.ifp); /* of the time before */
        pass_both_ways(&t);
        CHECK_EQ(user_del_peer(t.ifp, t.peer.id), 0);
        world_close(t.fd);
        if (!keep_interface) {
            CHECK_EQ(world_destroy(t.ifp), 0);
            CHECK_EQ(world_create("ovpn", &t.ifp), 0);
        }
        bind_again(&t);
    }
    tunnel_down(&t);
}

TEST("ten restarts")
{
    for (enum role role = 0; role < ROLES; role++) {
        restarts(role, true);
        restarts(role, false);
    }
}

/* kill -9: the port is closed and nothing else happens. The next process makes an interface of its
 * own beside what is left over, or is given that one by an administrator's hand. */
static void
kills(enum role role, bool use_the_leftover)
{
    struct ifnet *left[10];
    struct tunnel t;
    unsigned n = 0;

    tunnel_open(&t);
    for (unsigned round = 0; round < nitems(left); round++) {
        connect_as(&t, role, round);
        no_events(t.ifp);
        pass_both_ways(&t);
        world_close(t.fd);
        if (!use_the_leftover) {
            left[n++] = t.ifp;
            CHECK_EQ(world_create("ovpn", &t.ifp), 0);
        }
        bind_again(&t);
    }
    connect_as(&t, role, nitems(left));
    pass_both_ways(&t);
    while (n > 0)
        CHECK_EQ(world_destroy(left[--n]), 0);
    pass_both_ways(&t);
    tunnel_down(&t);
}

TEST("ten times killed")
{
    for (enum role role = 0; role < ROLES; role++) {
        kills(role, true);
        kills(role, false);
    }
}

/* With the port its peers go: nobody would answer for them, and their port may be another's. */
TEST("a killed openvpn leaves no peers")
{
    const nvlist_t *const *list;
    size_t n = 0;
    uint8_t pkt[100];
    struct tunnel t;
    nvlist_t *nvl;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 1000), 0);
    world_close(t.fd);
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), ENETDOWN);
    world_advance(100 * S);
    CHECK_EQ(world_sent_count(), 0);
    CHECK_EQ(user_get(t.ifp, OVPN_GET_PEER_STATS, 4096, &nvl), 0);
    if (nvlist_exists_nvlist_array(nvl, "peers"))
        list = nvlist_get_nvlist_array(nvl, "peers", &n);
    (void)list;
    CHECK_EQ(n, 0);
    nvlist_destroy(nvl);
    CHECK_EQ(user_del_peer(t.ifp, 7), ENOENT);
    CHECK_EQ(world_destroy(t.ifp), 0);
}

/* Whichever way the peers went before the port was closed. */
TEST("the port is free when peers timed out")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 0, 10), 0);
    world_advance(20 * S);
    CHECK_EQ(user_del_peer(t.ifp, 7), ENOENT);
    world_close(t.fd);
    bind_again(&t);
    connect_as(&t, SERVER_ROLE, 0);
    no_events(t.ifp); /* the timeout was for the process that is gone */
    tunnel_down(&t);
}

TEST("the port is free when the interface moved away")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_move(t.ifp, world_vnet[1]);
    world_close(t.fd);
    bind_again(&t);
    tunnel_down(&t);
}

TEST("the port is free when a jail is removed")
{
    struct tunnel t;

    curvnet = world_vnet[1];
    tunnel_up(&t, "AES-256-GCM");
    world_remove_jail(world_vnet[1]); /* its processes end after the interfaces, or before */
    world_close(t.fd);
    bind_again(&t);
    world_close(t.fd);
    curvnet = world_vnet[0];
}

TEST("a jail is removed after its openvpn was killed")
{
    struct tunnel t;

    tunnel_open(&t);
    world_close(t.fd);
    world_move(t.ifp, world_vnet[1]);
    curvnet = world_vnet[1];
    bind_again(&t);
    connect_as(&t, P2P_ROLE, 0);
    world_close(t.fd);
    world_remove_jail(world_vnet[1]);
    curvnet = world_vnet[0];
    world_move(t.ifp, world_vnet[0]);
    CHECK_EQ(world_destroy(t.ifp), 0);
}

TEST("the port is free after unload")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_close(t.fd);
    bind_again(&t);
    world_unload();
    world_close(t.fd);
    bind_again(&t);
    world_close(t.fd);
    CHECK_EQ(world_load(), 0);
}

/* Many peers, late crypto and a timer, all under way when the port is closed. */
TEST("closed while crypto works")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 100), 0);
    world_crypto = CRYPTO_LATE;
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    CHECK(tunnel_send(&t, pkt, sizeof(pkt)));
    inner_packet(pkt, "198.51.100.1", VPN, sizeof(pkt));
    CHECK_EQ(world_transmit(t.ifp, pkt, sizeof(pkt), NULL, NULL), 0);
    world_close(t.fd);
    bind_again(&t);
    CHECK_EQ(world_crypto_complete(false), 2);
    world_crypto = CRYPTO_AT_ONCE;
    world_settle();
    CHECK_EQ(world_sessions(), 0);
    tunnel_down(&t);
}

/* The last close has begun, and its thread is about to enter the module, while the interface ends
 * or the module is unloaded: that must wait until the thread is through. */
static struct ifnet *gap_ifp;
static pthread_t gap_thread;
static void (*gap_end)(void);
static bool gap_ended; /* atomic */

static void
end_interface(void)
{
    CHECK_EQ(world_destroy(gap_ifp), 0);
}

static void *
run_end(void *arg __attribute__((unused)))
{
    curvnet = world_vnet[0];
    gap_end();
    __atomic_store_n(&gap_ended, true, __ATOMIC_RELEASE);
    return NULL;
}

static void
start_end(void)
{
    world_dtor_gap = NULL;
    pthread_create(&gap_thread, NULL, run_end, NULL);
    usleep(50000); /* long enough to be seen if it did not wait */
    CHECK(!__atomic_load_n(&gap_ended, __ATOMIC_ACQUIRE));
}

static void
closed_while_it_ends(void (*end)(void))
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    gap_ifp = t.ifp;
    gap_end = end;
    gap_ended = false;
    world_dtor_gap = start_end;
    world_close(t.fd);
    pthread_join(gap_thread, NULL);
    bind_again(&t);
    world_close(t.fd);
}

TEST("closed while the interface ends")
{
    closed_while_it_ends(end_interface);
}

TEST("closed while the module is unloaded")
{
    closed_while_it_ends(world_unload);
    CHECK_EQ(world_load(), 0);
}

/* A datagram is inside the hook while the port is closed. */
static int gap_fd;

static void *
run_close(void *arg __attribute__((unused)))
{
    curvnet = world_vnet[0];
    world_close(gap_fd);
    return NULL;
}

static void
close_in_the_gap(void)
{
    world_udp_gap = NULL;
    pthread_create(&gap_thread, NULL, run_close, NULL);
    usleep(50000);
}

TEST("closed while a datagram comes")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    gap_fd = t.fd;
    world_udp_gap = close_in_the_gap;
    inner_packet(pkt, VPN, "198.51.100.1", sizeof(pkt));
    (void)tunnel_send(&t, pkt, sizeof(pkt));
    pthread_join(gap_thread, NULL);
    bind_again(&t);
    connect_as(&t, SERVER_ROLE, 0);
    pass_both_ways(&t);
    tunnel_down(&t);
}

/* Another driver, base's if it is loaded after this one, finds the socket as it was. */
static bool
other_driver(struct mbuf *m __attribute__((unused)), int off __attribute__((unused)),
             struct inpcb *inp __attribute__((unused)),
             const struct sockaddr *from __attribute__((unused)), void *ctx __attribute__((unused)))
{
    return false;
}

TEST("another driver may use the socket afterwards")
{
    struct socket *so;
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    so = world_so(t.fd);
    CHECK_EQ(udp_set_kernel_tunneling(so, other_driver, NULL, NULL), EBUSY);
    world_unload();
    CHECK_EQ(udp_set_kernel_tunneling(so, other_driver, NULL, NULL), 0);
    CHECK_EQ(world_load(), 0);
    CHECK_EQ(world_create("ovpn", &t.ifp), 0);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), EBUSY); /* and this one then has to wait */
    CHECK_EQ(udp_set_kernel_tunneling(so, NULL, NULL, NULL), 0);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_down(&t);
}

/* A kernel-side owner of the socket's destructor is not pushed aside. */
TEST("a watched socket is left alone")
{
    struct socket *so;
    struct tunnel t;

    tunnel_open(&t);
    so = world_so(t.fd);
    SOCK_LOCK(so);
    sodtor_set(so, sorwakeup);
    SOCK_UNLOCK(so);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), EBUSY);
    CHECK(!world_hooked(t.fd));
    tunnel_down(&t);
}
