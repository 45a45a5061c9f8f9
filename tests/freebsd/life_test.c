/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces, virtual networks, jails and the module come and go. */
#include <unistd.h>

#include "tunnel.h"

TEST("interfaces have the names of if_ovpn and of pfSense")
{
    struct ifnet *a, *b, *c, *d, *e;

    CHECK(world_has_cloner("openvpn"));
    CHECK_EQ(world_create("tun0", &a), EINVAL);
    CHECK_EQ(world_create("ovpn", &a), 0);
    CHECK_STR(a->if_xname, "ovpn0");
    CHECK_EQ(world_create("ovpn0", &b), EEXIST);
    CHECK_EQ(world_create("ovpn01", &b), EINVAL);
    CHECK_EQ(world_create("ovpn1x", &b), EINVAL);
    CHECK_EQ(world_create("ovpnc1", &b), 0); /* pfSense: both have number 1 */
    CHECK_EQ(world_create("ovpns1", &c), 0);
    CHECK_EQ(world_create("ovpns1", &d), EEXIST);
    CHECK_EQ(world_create("ovpn7", &d), 0);
    CHECK_EQ(world_create("ovpn", &e), 0);
    CHECK_STR(e->if_xname, "ovpn1");
    CHECK_EQ(world_destroy(a), 0);
    CHECK_EQ(world_destroy(b), 0);
    CHECK_EQ(world_destroy(c), 0);
    CHECK_EQ(world_destroy(d), 0);
    CHECK_EQ(world_destroy(e), 0);
}

/* Pitfall: the number leaked when the name was taken. The units of a cloner are all free when it
 * goes, which the end of every test looks at. */
TEST("a renamed interface stands in the way")
{
    struct ifnet *a, *b;

    CHECK_EQ(world_create("ovpn5", &a), 0);
    world_rename(a, "ovpn0");
    CHECK_EQ(world_create("ovpn0", &b), EEXIST);
    CHECK_EQ(world_create("ovpn", &b), 0);
    CHECK_STR(b->if_xname, "ovpn1");
    CHECK_EQ(world_destroy(a), 0);
    CHECK_EQ(world_destroy(b), 0);
    CHECK_EQ(world_create("ovpn5", &a), 0);
    CHECK_EQ(world_destroy(a), 0);
}

/* The next number may be in use as well. */
TEST("a renamed interface and a used number")
{
    struct ifnet *ifp[4];

    for (int i = 0; i < 3; i++)
        CHECK_EQ(world_create("ovpn", &ifp[i]), 0);
    CHECK_EQ(world_destroy(ifp[1]), 0);
    world_rename(ifp[0], "ovpn1");
    CHECK_EQ(world_create("ovpn", &ifp[1]), 0);
    CHECK_STR(ifp[1]->if_xname, "ovpn3");
    for (int i = 0; i < 3; i++)
        CHECK_EQ(world_destroy(ifp[i]), 0);
}

/* openvpn does so before it adds peers; an administrator may at any time. */
TEST("a new name leaves the peers")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_open(&t);
    world_rename(t.ifp, "tun0");
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    world_rename(t.ifp, "tun1");
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(tunnel_send(&t, pkt, 100));
    tunnel_expect_in(&t, pkt, 100);
    tunnel_down(&t);
}

TEST("an interface is destroyed without use")
{
    struct ifnet *ifp;

    for (int i = 0; i < 10; i++) {
        CHECK_EQ(world_create("ovpn", &ifp), 0);
        CHECK_EQ(world_destroy(ifp), 0);
    }
}

TEST("an interface is destroyed with peers, events and timers")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 100), 0);
    CHECK_EQ(user_del_peer(t.ifp, 7), 0);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(user_set_peer(t.ifp, 7, 1, 100), 0);
    tunnel_down(&t);
    world_advance(1000 * 1000000000ULL);
    CHECK_EQ(world_sent_count(), 0);
}

/* openvpn may close its socket, or be killed, before the interface goes. */
TEST("socket closed before the interface")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_close(t.fd);
    CHECK_EQ(world_destroy(t.ifp), 0);
}

TEST("unloaded with an interface inside")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_unload();
    CHECK_EQ(world_live_allocations(), 0);
    world_close(t.fd);
    CHECK_EQ(world_load(), 0);
    CHECK(world_has_cloner("openvpn"));
}

TEST("loaded and unloaded again and again")
{
    for (int i = 0; i < 5; i++) {
        world_unload();
        CHECK(!world_has_cloner("openvpn"));
        CHECK_EQ(world_live_allocations(), 0);
        CHECK_EQ(world_load(), 0);
    }
}

/* Moving into another network ends the peers, whose socket stays behind. */
TEST("moved between networks")
{
    uint8_t pkt[100];
    struct tunnel t;
    uint64_t pending;

    tunnel_up(&t, "AES-256-GCM");
    world_move(t.ifp, world_vnet[1]);
    CHECK(!world_hooked(t.fd));
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(!tunnel_send(&t, pkt, 100));
    pending = user_pending(t.ifp);
    CHECK_EQ(pending, 0);
    CHECK_EQ(user_drops(t.ifp, "rx_auth"), 0); /* its counters are found where it is now */
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), ENETDOWN);
    CHECK_EQ(user_drops(t.ifp, "tx_no_peer"), 1);
    world_close(t.fd);
    curvnet = world_vnet[1];
    t.fd = t.peer.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1194);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(tunnel_send(&t, pkt, 100));
    tunnel_expect_in(&t, pkt, 100);
    curvnet = world_vnet[0];
    tunnel_down(&t);
}

/* Others see the interface before its creator has it: SIOCSIFVNET in that moment. */
static void
move_at_once(struct ifnet *ifp)
{
    world_attach_gap = NULL;
    world_move(ifp, world_vnet[1]);
}

TEST("moved as soon as it is visible")
{
    struct ifnet *ifp;

    world_attach_gap = move_at_once;
    CHECK_EQ(world_create("ovpn", &ifp), 0);
    CHECK_EQ(user_drops(ifp, "rx_auth"), 0);
    CHECK_EQ(world_destroy(ifp), 0);
}

/* The stack panics where a packet comes from an interface that it has taken apart: whatever crypto
 * still has is out of date before. */
TEST("moved while crypto works")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    world_crypto = CRYPTO_LATE;
    inner_packet(pkt, VPN6, "2001:db8:1::1", 100);
    CHECK(tunnel_send(&t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
    world_move(t.ifp, world_vnet[1]);
    CHECK_EQ(world_crypto_waiting(), 0);
    CHECK_EQ(world_so(t.fd)->so_count, 1);
    world_crypto = CRYPTO_AT_ONCE;
    tunnel_down(&t);
}

/* Packets would come in by one network and leave by another. */
TEST("a socket of another network is refused")
{
    struct tunnel t;

    tunnel_open(&t);
    world_move(t.ifp, world_vnet[1]);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), EINVAL);
    CHECK(!world_hooked(t.fd));
    world_move(t.ifp, world_vnet[0]);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_down(&t);
}

/* UDP input looks at the hook, lets go of its lock, and calls what it then finds there. */
static struct tunnel *gap_tunnel;
static pthread_t gap_thread;

static void *
destroy_in_the_gap(void *arg __attribute__((unused)))
{
    curvnet = world_vnet[0];
    CHECK_EQ(world_destroy(gap_tunnel->ifp), 0);
    return NULL;
}

static void
wait_for_the_hook_to_go(void)
{
    world_udp_gap = NULL;
    pthread_create(&gap_thread, NULL, destroy_in_the_gap, NULL);
    while (world_hooked(gap_tunnel->fd))
        ;
}

TEST("the hook goes while a datagram comes")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    gap_tunnel = &t;
    world_udp_gap = wait_for_the_hook_to_go;
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(!tunnel_send(&t, pkt, 100));
    pthread_join(gap_thread, NULL);

    /* what rests in the socket is no hindrance to the next tunnel */
    CHECK_EQ(world_create("ovpn", &t.ifp), 0);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK(world_hooked(t.fd));
    tunnel_down(&t);
}

TEST("a jail is removed with an interface inside")
{
    struct tunnel t;

    curvnet = world_vnet[1];
    tunnel_up(&t, "AES-256-GCM");
    world_remove_jail(world_vnet[1]);
    CHECK(!world_has_cloner("openvpn"));
    CHECK_EQ(world_so(t.fd)->so_count, 1); /* nothing of ours holds the socket, and so the jail */
    world_close(t.fd);
    curvnet = world_vnet[0];
    CHECK(world_has_cloner("openvpn"));
}

/* It belongs to the cloner of the host, which does not end with the jail. */
TEST("a jail is removed with an interface of the host inside")
{
    struct tunnel t;

    tunnel_open(&t);
    world_move(t.ifp, world_vnet[1]);
    world_close(t.fd);
    curvnet = world_vnet[1];
    t.fd = t.peer.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1194);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    CHECK_EQ(world_so(t.fd)->so_count, 1);
    world_remove_jail(world_vnet[1]);
    CHECK_EQ(world_so(t.fd)->so_count, 1);
    world_close(t.fd);
    curvnet = world_vnet[0];
    world_move(t.ifp, world_vnet[0]); /* as the end of a network does */
    CHECK_EQ(world_destroy(t.ifp), 0);
}

/* The switches are each network's own. */
TEST("sysctls belong to a network")
{
    extern int vnet_entry_ovpn_replay_protection;

    *(int *)kern_vnet_var(&vnet_entry_ovpn_replay_protection) = 0;
    curvnet = world_vnet[1];
    CHECK_EQ(*(int *)kern_vnet_var(&vnet_entry_ovpn_replay_protection), 1);
    curvnet = world_vnet[0];
}

/* Point to point and many peers are decided by the first peer, anew when there are none. */
TEST("an interface changes its kind")
{
    struct user_event e;
    struct tunnel t;

    tunnel_open(&t);
    for (int i = 0; i < 3; i++) {
        t.peer.vpn4 = t.peer.vpn6 = NULL;
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), EEXIST);
        t.peer.id++;
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0); /* replaces, as a reconnecting client needs */
        CHECK_EQ(user_event(t.ifp, &e), 0);
        CHECK_EQ(e.peer, t.peer.id - 1);
        CHECK_EQ(e.reason, OVPN_DEL_REASON_REQUESTED);
        CHECK_EQ(user_del_peer(t.ifp, t.peer.id), 0);
        t.peer.vpn4 = VPN;
        CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
        CHECK_EQ(user_del_peer(t.ifp, t.peer.id), 0);
        CHECK_EQ(user_event(t.ifp, &e), 0); /* of both kinds nothing is lost */
        CHECK_EQ(user_event(t.ifp, &e), 0);
        CHECK_EQ(user_event(t.ifp, &e), ENOENT);
    }
    tunnel_down(&t);
}

/* A driver of crypto that does not answer: its packets wait, other interfaces do not. What it gives
 * back after its interface has left the network is dropped. */
static void
hang(struct tunnel *t)
{
    uint8_t pkt[100];

    world_crypto = CRYPTO_LATE;
    world_crypto_hung = true;
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(tunnel_send(t, pkt, 100));
    inner_packet(pkt, "198.51.100.1", VPN, 100);
    CHECK_EQ(world_transmit(t->ifp, pkt, 100, NULL, NULL), 0);
    world_crypto = CRYPTO_AT_ONCE;
    CHECK_EQ(world_crypto_waiting(), 2);
}

static void
awake(void)
{
    world_crypto_hung = false;
    CHECK_EQ(world_crypto_complete(false), 2);
    CHECK_EQ(world_stacked_count() + world_sent_count(), 0);
}

static void
others_live(void)
{
    struct world_datagram *d = calloc(1, sizeof(*d));
    struct tunnel other;
    uint8_t pkt[100];

    tunnel_open_port(&other, 1195);
    CHECK_EQ(user_new_peer(other.ifp, &other.peer), 0);
    tunnel_key(&other, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    far_address(d, CLIENT, 5000, SERVER, 1195);
    far_seal(d, &other.far, other.peer.id, 1, pkt, 100);
    CHECK(world_receive(other.fd, d, NULL));
    tunnel_expect_in(&other, pkt, 100);
    free(d);
    tunnel_down(&other);
}

TEST("moved while a driver hangs")
{
    uint8_t pkt[100];
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    hang(&t);
    world_move(t.ifp, world_vnet[1]);
    others_live();
    world_close(t.fd);
    curvnet = world_vnet[1];
    t.fd = t.peer.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1194);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    inner_packet(pkt, VPN, "198.51.100.1", 100);
    CHECK(tunnel_send(&t, pkt, 100));
    tunnel_expect_in(&t, pkt, 100);
    awake();
    CHECK_EQ(user_drops(t.ifp, "rx_no_peer"), 1);
    CHECK_EQ(user_drops(t.ifp, "tx_no_peer"), 1);
    CHECK(tunnel_send(&t, pkt, 100));
    tunnel_expect_in(&t, pkt, 100);
    curvnet = world_vnet[0];
    tunnel_down(&t);
}

TEST("a jail is removed while a driver hangs")
{
    struct tunnel t;

    tunnel_open(&t);
    world_move(t.ifp, world_vnet[1]);
    world_close(t.fd);
    curvnet = world_vnet[1];
    t.fd = t.peer.fd = world_socket(AF_INET, SOCK_DGRAM, NULL, 1194);
    CHECK_EQ(user_new_peer(t.ifp, &t.peer), 0);
    tunnel_key(&t, "AES-256-GCM");
    hang(&t);
    world_remove_jail(world_vnet[1]);
    curvnet = world_vnet[0];
    others_live();
    awake();
    curvnet = world_vnet[1];
    world_close(t.fd);
    curvnet = world_vnet[0];
    world_move(t.ifp, world_vnet[0]);
    CHECK_EQ(world_destroy(t.ifp), 0);
}

/* The end does not wait either; memory follows when the driver gives it back. */
TEST("destroyed while a driver hangs")
{
    struct tunnel t;

    tunnel_up(&t, "AES-256-GCM");
    hang(&t);
    tunnel_down(&t);
    CHECK_EQ(world_sessions(), 2);
    others_live();
    awake();
    world_settle();
    CHECK_EQ(world_sessions(), 0);
}

/* A thread of the framework has left the epoch in our callback and not yet returned. */
static pthread_t unloader;
static bool unloaded; /* atomic */

static void *
unload(void *arg __attribute__((unused)))
{
    curvnet = world_vnet[0];
    world_unload();
    __atomic_store_n(&unloaded, true, __ATOMIC_RELAXED);
    return NULL;
}

static void
unload_meanwhile(void)
{
    world_callback_gap = NULL;
    pthread_create(&unloader, NULL, unload, NULL);
    while (!world_quiescing() && !__atomic_load_n(&unloaded, __ATOMIC_RELAXED))
        usleep(1000);
}

TEST("unloaded while a callback returns")
{
    struct tunnel t;
    uint8_t pkt[100];

    for (int out = 0; out < 2; out++) {
        tunnel_up(&t, "AES-256-GCM");
        world_crypto = CRYPTO_LATE;
        inner_packet(pkt, out ? "198.51.100.1" : VPN, out ? VPN : "198.51.100.1", 100);
        if (out)
            CHECK_EQ(world_transmit(t.ifp, pkt, 100, NULL, NULL), 0);
        else
            CHECK(tunnel_send(&t, pkt, 100));
        world_crypto = CRYPTO_AT_ONCE;
        world_callback_gap = unload_meanwhile;
        unloaded = false;
        CHECK_EQ(world_crypto_complete(false), 1);
        pthread_join(unloader, NULL);
        world_close(t.fd);
        CHECK_EQ(world_live_allocations(), 0);
        CHECK_EQ(world_load(), 0);
    }
}
