/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many peers on the product's own plane, without openvpn: one end of N tunnels with fixed keys that
 * share a device and a port. Run once in each of two namespaces.
 *
 *   swarm DEVICE LOCAL-IP PORT REMOTE-IP SIDE INNER-REMOTE
 *
 * Peer i has the i-th inner address from INNER-REMOTE on. Reads commands from its standard input
 * and answers each with one line:
 *
 *   add FIRST COUNT                 peers FIRST to FIRST + COUNT - 1, with their keys
 *   del FIRST COUNT
 *   churn FIRST COUNT RATE SECONDS  deletes and adds the oldest of these peers, RATE times a
 * second; answers with how many memory                          resident bytes of the process drops
 * what was dropped, by reason
 *
 * Ends when its standard input does. Keys are derived from the peer's number and a generation, so
 * that no key is installed twice on a side. WORKERS in the environment sets their number.
 */
#include <unistd.h>

#include "bench/port.h"
#include "bench/util.h"
#include "linux/crypto/aead.h"
#include "linux/plane/plane.h"

#define KEY_BYTES 32
#define PEERS_MAX 100000U

struct swarm {
    struct plane_dev *dev;
    struct plane_port *sock;
    struct sockaddr_in remote, inner;
    int side;
    uint32_t generation[PEERS_MAX];
};

static void
fail(const char *what, int err)
{
    errno = err;
    die(what);
}

static void
derive(uint8_t key[KEY_BYTES], uint32_t peer, uint32_t generation, int side)
{
    for (int i = 0; i < KEY_BYTES / 8; i++) {
        uint64_t x = mix(((uint64_t)generation << 32 | peer) ^ (uint64_t)(side * 8 + i) << 56);

        memcpy(key + i * 8, &x, sizeof(x));
    }
}

static int
key_add(struct swarm *s, uint32_t id)
{
    static const uint8_t tail[8] = "measure";
    uint8_t tx[KEY_BYTES], rx[KEY_BYTES];
    struct dco_key_new req = {.peer_id = id, .cipher = DCO_CIPHER_AES_GCM, .key_len = KEY_BYTES};
    int err;

    derive(tx, id, s->generation[id], s->side);
    derive(rx, id, s->generation[id], !s->side);
    req.tx_key = tx;
    req.tx_tail = req.rx_tail = tail;
    req.crypto = aead_new(req.cipher, tx, rx, KEY_BYTES, tail, tail, plane_key_threads());
    if (req.crypto == NULL)
        return -errno;
    err = dco_control_key_new(plane_dev_peers(s->dev), &req, 0);
    if (err < 0)
        aead_free(req.crypto);
    return err;
}

static void
peer_add(struct swarm *s, uint32_t id)
{
    struct sockaddr_in inner = address_next(s->inner, id);
    struct dco_peer_new peer = {.id = id, .tx_id = id};
    int err;

    peer.transport = plane_port_get(s->sock);
    peer.vpn4 = dco_ip4((const uint8_t *)&inner.sin_addr);
    peer.path.remote.ip = dco_ip4((const uint8_t *)&s->remote.sin_addr);
    peer.path.remote.port = s->remote.sin_port;
    err = dco_control_peer_new(plane_dev_peers(s->dev), &peer, 0);
    if (err < 0)
        fail("peer", -err);
    err = key_add(s, id);
    if (err < 0)
        fail("key", -err);
}

/* Deletion is reported as an event, which has to be taken like openvpn takes it. */
static void
peer_del(struct swarm *s, uint32_t id)
{
    struct plane_dev *dev;
    struct dco_event event;

    (void)dco_control_peer_del(plane_dev_peers(s->dev), id, DCO_DEL_USERSPACE);
    while (plane_event_take(&dev, &event))
        ;
    s->generation[id]++;
}

static uint32_t
churn(struct swarm *s, uint32_t first, uint32_t count, double rate, double seconds)
{
    uint64_t start = now_ns(), end = start + (uint64_t)(seconds * SECOND);
    uint32_t done = 0;

    while (now_ns() < end) {
        uint64_t next = start + (uint64_t)((double)done / rate * SECOND);
        struct timespec ts = {.tv_sec = (time_t)(next / SECOND), .tv_nsec = (long)(next % SECOND)};

        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        peer_del(s, first + done % count);
        peer_add(s, first + done % count);
        done++;
    }
    return done;
}

static long
resident(void)
{
    long total, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL || fscanf(f, "%ld %ld", &total, &pages) != 2)
        die("statm");
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static void
print_drops(void)
{
    struct dco_drops drops;

    plane_devs_lock();
    plane_drops(&drops);
    plane_devs_unlock();
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++)
        if (drops.count[r] != 0)
            printf("%s=%llu ", dco_drop_name(r), (unsigned long long)drops.count[r]);
    printf("\n");
}

static void
command(struct swarm *s, const char *line)
{
    uint32_t first, count;
    double rate, seconds;

    if (sscanf(line, "churn %u %u %lf %lf", &first, &count, &rate, &seconds) == 4) {
        printf("%u\n", churn(s, first, count, rate, seconds));
    } else if (sscanf(line, "add %u %u", &first, &count) == 2 && first + count <= PEERS_MAX) {
        for (uint32_t i = 0; i < count; i++)
            peer_add(s, first + i);
        printf("%u\n", count);
    } else if (sscanf(line, "del %u %u", &first, &count) == 2 && first + count <= PEERS_MAX) {
        for (uint32_t i = 0; i < count; i++)
            peer_del(s, first + i);
        printf("%u\n", count);
    } else if (strncmp(line, "memory", 6) == 0) {
        printf("%ld\n", resident());
    } else if (strncmp(line, "drops", 5) == 0) {
        print_drops();
    } else {
        printf("unknown command: %s", line);
    }
    fflush(stdout);
}

static void
open_plane(struct swarm *s, const char *device, struct sockaddr_in local)
{
    const char *workers = getenv("WORKERS");
    struct settings settings = {.workers = workers != NULL ? (unsigned)atoi(workers) : 1};
    int err;

    plane_configure(&settings);
    err = plane_prepare();
    if (err == 0)
        err = plane_dev_new(device, DCO_MODE_MP, &s->dev);
    if (err < 0)
        fail(device, -err);
    s->sock = port_open(local, s->dev);
}

int
main(int argc, char **argv)
{
    static struct swarm s;
    char line[128];

    if (argc != 7) {
        fprintf(stderr, "usage: swarm DEVICE LOCAL-IP PORT REMOTE-IP SIDE INNER-REMOTE\n");
        return 2;
    }
    s.remote = address(argv[4], argv[3]);
    s.inner = address(argv[6], "0");
    s.side = argv[5][0] == '1';
    open_plane(&s, argv[1], address(argv[2], argv[3]));
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL)
        command(&s, line);
    plane_shutdown();
    plane_port_close(s.sock);
    plane_port_put(s.sock);
    return 0;
}
