/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real plane under all loads at once: clients send data, garbage and control packets while peers,
 * keys, ports and devices come and go, timers run, routes change and status is requested. The
 * thread sanitizer finds races here, the address sanitizer finds objects that are used after their
 * end. If this failed, a busy server would crash, and every client would lose its session.
 */
#include "linux/plane/plane.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/crypto/secret.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/port_private.h"
#include "linux/status/report.h"
#include "linux/sys/clock.h"

#define PEERS  8U
#define SECOND 1000000000ULL

static struct plane_dev *dev;
static struct plane_port *sock;
static int openvpn_end = -1; /* of the pair */
static struct sockaddr_in port;
static pthread_mutex_t openvpn_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t stop, deletions;    /* atomic */
static uint64_t received, answered; /* atomic; packets of peers that are gone */

/* What the far ends know: which key counts, made by the control thread. */
static struct client {
    pthread_mutex_t lock;
    uint32_t generation; /* lock; 0: no key */
    uint32_t packet_id;  /* lock */
    struct aead *aead;   /* lock */
    int fd;              /* const */
} client[PEERS];

static const uint8_t tails[2][8] = {{3}, {4}};

static void
make_key(uint8_t key[2][32], uint32_t id, uint32_t generation)
{
    memset(key, 0, 64);
    for (int side = 0; side < 2; side++) {
        key[side][0] = (uint8_t)(side + 1);
        memcpy(key[side] + 1, &id, 4);
        memcpy(key[side] + 5, &generation, 4);
    }
}

/* The far ends */

static uint16_t
checksum(const uint8_t *p, size_t len)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* An echo request to the device's address, which the kernel answers through the plane. */
static void
make_echo(uint8_t *ip, uint32_t id, uint16_t len)
{
    uint16_t sum;

    memset(ip, 0, len);
    ip[0] = 0x45;
    ip[2] = (uint8_t)(len >> 8);
    ip[3] = (uint8_t)len;
    ip[8] = 64;
    ip[9] = IPPROTO_ICMP;
    memcpy(ip + 12, (uint8_t[]){10, 9, 0, (uint8_t)(10 + id), 10, 9, 0, 1}, 8);
    sum = checksum(ip, 20);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    ip[20] = 8;
    sum = checksum(ip + 20, len - 20U);
    ip[22] = (uint8_t)(sum >> 8);
    ip[23] = (uint8_t)sum;
}

static void
send_data(uint32_t id, uint16_t len)
{
    struct client *c = &client[id];
    uint8_t inner[1400], pkt[1400 + DCO_OVERHEAD];
    struct aead_op op = {.pkt = pkt, .in = inner, .len = len};

    make_echo(inner, id, len);
    pthread_mutex_lock(&c->lock);
    if (c->generation != 0) {
        dco_wire_write_hdr(pkt, c->generation & 7, id, ++c->packet_id);
        aead_seal(c->aead, 0, &op, 1);
    }
    pthread_mutex_unlock(&c->lock);
    if (op.ok)
        (void)sendto(c->fd, pkt, len + DCO_OVERHEAD, MSG_DONTWAIT, (struct sockaddr *)&port,
                     sizeof(port));
}

static void
send_junk(struct rng *rng, uint32_t id)
{
    uint8_t junk[200];
    uint32_t len = 1 + rng_below(rng, sizeof(junk));

    rng_bytes(rng, junk, sizeof(junk));
    if (rng_chance(rng, 30))
        dco_wire_write_hdr(junk, junk[9] & 7, rng_below(rng, PEERS + 2), rng_below(rng, 1000));
    else if (rng_chance(rng, 50))
        junk[0] = 7 << 3;
    (void)sendto(client[id].fd, junk, len, MSG_DONTWAIT, (struct sockaddr *)&port, sizeof(port));
}

static void *
traffic(void *arg)
{
    struct rng rng = {.state = (uintptr_t)arg};
    uint8_t sink[2048];

    while (!dco_load(&stop)) {
        uint32_t id = rng_below(&rng, PEERS);

        for (unsigned burst = 0; burst < 10; burst++)
            send_data(id, (uint16_t)(64 + 2 * rng_below(&rng, 600)));
        for (unsigned burst = 0; burst < 3; burst++)
            send_junk(&rng, id);
        for (uint32_t i = 0; i < PEERS; i++)
            while (recv(client[i].fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
        while (recv(dco_load(&openvpn_end), sink, sizeof(sink), MSG_DONTWAIT) > 0)
            ;
        usleep(500);
    }
    return NULL;
}

/* The preload layer */

static void
take_events(void)
{
    struct plane_dev *d;
    struct dco_event event;

    while (plane_event_take(&d, &event))
        if (event.kind == DCO_EVENT_DEL) {
            dco_add(&deletions, 1);
            dco_add(&received, event.stats.vpn_rx_packets);
            dco_add(&answered, event.stats.vpn_tx_packets);
        }
}

/* Housekeeping's: never waits for openvpn's thread. */
static void
on_event(void)
{
    if (pthread_mutex_trylock(&openvpn_lock) != 0)
        return;
    take_events();
    pthread_mutex_unlock(&openvpn_lock);
}

const struct plane_hooks plane_hooks = {.on_event = on_event};

static void
sock_open(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), pair[2], old;

    CHECK(bind(fd, (struct sockaddr *)&port, sizeof(port)) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    CHECK_EQ(plane_port_new(fd, true, &sock), 0);
    CHECK_EQ(plane_port_open(sock, pair[0]), 0);
    /* The number stays, as it does in openvpn. */
    old = openvpn_end;
    if (old < 0) {
        dco_store(&openvpn_end, pair[1]);
    } else {
        CHECK(dup3(pair[1], old, O_CLOEXEC) == old);
        close(pair[1]);
    }
}

static void
sock_shut(void)
{
    plane_port_close(sock);
    (void)dco_control_transport_gone(dev->peers, sock, DCO_DEL_TRANSPORT_ERROR);
    plane_port_put(sock);
}

static void
dev_open(void)
{
    CHECK_EQ(plane_dev_new("mt0", DCO_MODE_MP, &dev), 0);
    CHECK(system("ip addr add 10.9.0.1/16 dev mt0 && ip link set mt0 up") == 0);
}

/* The control thread */

static void
peer_add(uint32_t id)
{
    struct sockaddr_in in;
    socklen_t len = sizeof(in);
    struct dco_peer_new req = {.id = id, .tx_id = id, .transport = plane_port_get(sock)};

    CHECK(getsockname(client[id].fd, (struct sockaddr *)&in, &len) == 0);
    req.vpn4 = ip4(10, 9, 0, (uint8_t)(10 + id));
    req.path.remote.ip = ip4(127, 0, 0, 1);
    req.path.remote.port = in.sin_port;
    req.share_vpn = true;
    if (dco_control_peer_new(dev->peers, &req, clock_now_ns()) != 0)
        plane_port_put(sock);
}

static void
key_add(uint32_t id, enum dco_slot slot)
{
    struct client *c = &client[id];
    uint8_t key[2][32];
    struct dco_key_new req = {.peer_id = id,
                              .slot = slot,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = key[0],
                              .tx_tail = tails[0],
                              .rx_tail = tails[1]};

    pthread_mutex_lock(&c->lock);
    c->generation++;
    c->packet_id = 0;
    make_key(key, id, c->generation);
    aead_free(c->aead);
    c->aead = aead_new(DCO_CIPHER_AES_GCM, key[1], key[0], 32, tails[1], tails[0], 1);
    req.key_id = c->generation & 7;
    req.crypto =
        aead_new(DCO_CIPHER_AES_GCM, key[0], key[1], 32, tails[0], tails[1], plane_key_threads());
    if (dco_control_key_new(dev->peers, &req, clock_now_ns()) != 0)
        aead_free(req.crypto);
    pthread_mutex_unlock(&c->lock);
}

static void
ask_status(void)
{
    struct jsonw j;

    jsonw_init(&j, 1U << 20);
    status_report(&j);
    CHECK_EQ(jsonw_end(&j), 0);
    jsonw_fini(&j);
}

static void
control_step(struct rng *rng)
{
    uint32_t id = rng_below(rng, PEERS), what = rng_below(rng, 1000);
    struct dco_peer_info info;

    if (what < 200) {
        peer_add(id);
        key_add(id, DCO_SLOT_PRIMARY);
    } else if (what < 250) {
        (void)dco_control_peer_del(dev->peers, id, DCO_DEL_USERSPACE);
    } else if (what < 450) {
        key_add(id, DCO_SLOT_SECONDARY);
        (void)dco_control_key_swap(dev->peers, id);
    } else if (what < 550) {
        (void)dco_control_key_del(dev->peers, id, DCO_SLOT_SECONDARY, clock_now_ns());
    } else if (what < 700) {
        (void)dco_control_peer_set(dev->peers, id, rng_below(rng, 2), rng_below(rng, 3),
                                   clock_now_ns());
    } else if (what < 800) {
        (void)dco_control_peer_get(dev->peers, id, &info);
    } else if (what < 985) {
        take_events();
    } else if (what < 995) {
        sock_shut();
        sock_open();
        CHECK_EQ(plane_port_bind_dev(sock, dev), 0);
    } else {
        plane_dev_free(dev);
        dev_open();
        CHECK_EQ(plane_port_bind_dev(sock, dev), 0);
    }
}

static void *
control(void *arg)
{
    struct rng rng = {.state = (uintptr_t)arg};
    uint64_t end = clock_now_ns() + test_rounds(8) * SECOND;

    while (clock_now_ns() < end) {
        pthread_mutex_lock(&openvpn_lock);
        control_step(&rng);
        pthread_mutex_unlock(&openvpn_lock);
        usleep(1000 + rng_below(&rng, 2000));
    }
    return NULL;
}

static void *
watcher(void *arg)
{
    (void)arg;
    while (!dco_load(&stop)) {
        ask_status();
        usleep(20000);
    }
    return NULL;
}

/* The test */

static bool
set_up(void)
{
    struct settings settings = {.workers = 2};
    struct sockaddr_in any = {.sin_family = AF_INET};
    socklen_t len = sizeof(port);
    int fd;

    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < PEERS; i++) {
        pthread_mutex_init(&client[i].lock, NULL);
        client[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        CHECK(bind(client[i].fd, (struct sockaddr *)&any, sizeof(any)) == 0);
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    CHECK(bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&port, &len) == 0);
    close(fd);
    plane_configure(&settings);
    CHECK_EQ(plane_prepare(), 0);
    dev_open();
    sock_open();
    CHECK_EQ(plane_port_bind_dev(sock, dev), 0);
    return true;
}

static void
tear_down(void)
{
    struct secret_stats secrets;

    plane_port_close(sock);
    plane_shutdown();
    plane_port_put(sock);
    for (unsigned i = 0; i < PEERS; i++) {
        aead_free(client[i].aead);
        close(client[i].fd);
    }
    close(openvpn_end);
    secret_stats(&secrets);
    CHECK_EQ((long long)secrets.used, 0);
}

TEST("traffic, control, timers and status at once")
{
    pthread_t thread[4];
    struct dco_drops drops;
    uint64_t dropped = 0;

    if (!set_up())
        test_skip("no network namespace or no /dev/net/tun");
    struct rng rng = test_rng();

    pthread_create(&thread[0], NULL, traffic, (void *)(uintptr_t)rng_next(&rng));
    pthread_create(&thread[1], NULL, traffic, (void *)(uintptr_t)rng_next(&rng));
    pthread_create(&thread[2], NULL, watcher, NULL);
    pthread_create(&thread[3], NULL, control, (void *)(uintptr_t)rng_next(&rng));
    pthread_join(thread[3], NULL);
    dco_store(&stop, 1U);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    plane_drops(&drops);
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++)
        dropped += drops.count[r];
    CHECK(dropped > 0);
    CHECK(drops.count[DCO_DROP_RX_AUTH] > 0);
    CHECK(dco_load(&deletions) > 10);
    CHECK(dco_load(&received) > 100 && dco_load(&answered) > 100);
    printf("# %u peers ended, %llu packets received, %llu sent\n", dco_load(&deletions),
           (unsigned long long)dco_load(&received), (unsigned long long)dco_load(&answered));
    tear_down();
}
