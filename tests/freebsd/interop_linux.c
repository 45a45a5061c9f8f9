/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of interop_test: the product's Linux data plane in a process of its own, with a TUN
 * device whose kernel answers. It runs in the network namespace of whoever starts it.
 *
 *   interop_linux DEVICE ADDRESS/LEN PORT REMOTE-PORT      both ports on 127.0.0.1
 *
 * Each line of standard input is a command, each is answered with one line, "ok NUMBER" or "error
 * WHAT"; the first line written is "ok 0", when the device is up. It ends with its input.
 *
 *   key SLOT ID CIPHER TX-KEY TX-TAIL RX-KEY RX-TAIL    keys in hex
 *   swap | del SLOT
 *   drops       number: packets dropped so far; by reason on standard error
 *   floated     number: the port to which the peer was last seen to move, or 0
 */
#include <unistd.h>

#include "bench/port.h"
#include "bench/util.h"
#include "linux/crypto/aead.h"
#include "linux/plane/plane.h"
#include "linux/sys/clock.h"

#define PEER_ID 7U

static struct plane_dev *dev;

/* Returns the bytes, or -1. */
static int
unhex(const char *text, uint8_t *bytes, int max)
{
    int n = 0, used;
    unsigned byte;

    for (; *text != '\0'; text += 2) {
        if (n == max || sscanf(text, "%2x%n", &byte, &used) != 1 || used != 2)
            return -1;
        bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static int
key(const char *args)
{
    char cipher[32], text[4][65];
    uint8_t tx[32], rx[32], tails[2][8];
    unsigned slot, id;
    struct dco_key_new req = {.peer_id = PEER_ID, .tx_key = tx};
    int len, err;

    if (sscanf(args, "%u %u %31s %64s %64s %64s %64s", &slot, &id, cipher, text[0], text[1],
               text[2], text[3]) != 7)
        return -EINVAL;
    len = unhex(text[0], tx, 32);
    if (len < 0 || unhex(text[2], rx, 32) != len || unhex(text[1], tails[0], 8) != 8 ||
        unhex(text[3], tails[1], 8) != 8)
        return -EINVAL;
    req.slot = slot == 0 ? DCO_SLOT_PRIMARY : DCO_SLOT_SECONDARY;
    req.key_id = (uint8_t)id;
    req.cipher = strcmp(cipher, "CHACHA20-POLY1305") == 0 ? DCO_CIPHER_CHACHA20_POLY1305
                                                          : DCO_CIPHER_AES_GCM;
    req.key_len = (uint16_t)len;
    req.tx_tail = tails[0];
    req.rx_tail = tails[1];
    req.crypto = aead_new(req.cipher, tx, rx, (size_t)len, tails[0], tails[1], plane_key_threads());
    if (req.crypto == NULL)
        return -errno;
    err = dco_control_key_new(plane_dev_peers(dev), &req, 0);
    if (err < 0)
        aead_free(req.crypto);
    return err;
}

static int
drops(void)
{
    struct dco_drops all;
    int n = 0;

    plane_devs_lock();
    plane_drops(&all);
    plane_devs_unlock();
    for (unsigned r = 0; r < DCO_DROP_COUNT; r++) {
        n += (int)all.count[r];
        if (all.count[r] != 0)
            fprintf(stderr, "# %s %llu\n", dco_drop_name(r), (unsigned long long)all.count[r]);
    }
    return n;
}

static int
floated(void)
{
    struct plane_dev *where;
    struct dco_event event;
    int port = 0;

    while (plane_event_take(&where, &event))
        if (event.kind == DCO_EVENT_FLOAT && event.peer_id == PEER_ID)
            port = ntohs(event.remote.port);
    return port;
}

static int
command(const char *line)
{
    struct dco_peers *peers = plane_dev_peers(dev);

    if (strncmp(line, "key ", 4) == 0)
        return key(line + 4);
    if (strcmp(line, "swap") == 0)
        return dco_control_key_swap(peers, PEER_ID);
    if (strcmp(line, "del 0") == 0)
        return dco_control_key_del(peers, PEER_ID, DCO_SLOT_PRIMARY, clock_now_ns());
    if (strcmp(line, "del 1") == 0)
        return dco_control_key_del(peers, PEER_ID, DCO_SLOT_SECONDARY, clock_now_ns());
    if (strcmp(line, "drops") == 0)
        return drops();
    if (strcmp(line, "floated") == 0)
        return floated();
    return -ENOSYS;
}

static void
answer(int result)
{
    if (result < 0)
        printf("error %s\n", strerror(-result));
    else
        printf("ok %d\n", result);
    fflush(stdout);
}

static int
peer_new(struct plane_port *sock, const struct sockaddr_in *remote)
{
    struct dco_peer_new peer = {.id = PEER_ID, .tx_id = PEER_ID, .transport = plane_port_get(sock)};

    peer.path.remote.ip = dco_ip4((const uint8_t *)&remote->sin_addr);
    peer.path.remote.port = remote->sin_port;
    return dco_control_peer_new(plane_dev_peers(dev), &peer, 0);
}

static int
device_up(const char *name, const char *addr)
{
    char text[200];

    snprintf(text, sizeof(text), "ip addr add %s dev %s && ip link set %s up", addr, name, name);
    return system(text) == 0 ? 0 : -EIO;
}

int
main(int argc, char **argv)
{
    struct settings settings = {.workers = 1};
    struct plane_port *sock = NULL;
    struct sockaddr_in remote;
    char line[400];
    int err;

    if (argc != 5) {
        fprintf(stderr, "usage: interop_linux DEVICE ADDRESS/LEN PORT REMOTE-PORT\n");
        return 2;
    }
    remote = address("127.0.0.1", argv[4]);
    plane_configure(&settings);
    err = plane_prepare();
    if (err == 0)
        err = plane_dev_new(argv[1], DCO_MODE_P2P, &dev);
    if (err == 0) {
        sock = port_open(address("127.0.0.1", argv[3]), dev);
        err = peer_new(sock, &remote);
    }
    if (err == 0)
        err = device_up(argv[1], argv[2]);
    answer(err);
    while (err == 0 && fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        answer(command(line));
    }
    plane_shutdown();
    if (sock != NULL) {
        plane_port_close(sock);
        plane_port_put(sock);
    }
    return err != 0;
}
