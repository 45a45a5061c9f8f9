/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel with fixed keys on the product's own plane, without openvpn: what the benches use to
 * measure the plane alone, and the plane with a null cipher (linked with bench/aead_null.c).
 *
 *   tunnel DEVICE LOCAL-IP PORT REMOTE-IP SIDE CIPHER
 *
 * SIDE is 0 or 1, the other end runs with the other one. CIPHER: aes-256-gcm, aes-128-gcm or
 * chacha20-poly1305. WORKERS in the environment sets their number (1).
 * Prints "ready" and runs until its standard input closes; then prints the drops by reason.
 * The keys are constants: never use it for anything but measurements.
 */
#include <unistd.h>

#include "bench/port.h"
#include "bench/util.h"
#include "linux/crypto/aead.h"
#include "linux/plane/plane.h"

#define PEER_ID 1U

static void
fail(const char *what, int err)
{
    errno = -err;
    die(what);
}

static void
install(struct plane_dev *dev, struct plane_port *sock, const struct sockaddr_in *remote, int side,
        const char *cipher_name)
{
    static const uint8_t tail[8] = "measure";
    bool chacha = strcmp(cipher_name, "chacha20-poly1305") == 0;
    enum dco_cipher cipher = chacha ? DCO_CIPHER_CHACHA20_POLY1305 : DCO_CIPHER_AES_GCM;
    uint16_t key_len = strcmp(cipher_name, "aes-128-gcm") == 0 ? 16 : 32;
    uint8_t key[2][32];
    struct dco_peer_new peer = {.id = PEER_ID, .tx_id = PEER_ID, .transport = plane_port_get(sock)};
    struct dco_key_new req = {.peer_id = PEER_ID, .cipher = cipher, .key_len = key_len};
    int err;

    memset(key[0], 0x11, sizeof(key[0]));
    memset(key[1], 0x22, sizeof(key[1]));
    peer.path.remote.ip = dco_ip4((const uint8_t *)&remote->sin_addr);
    peer.path.remote.port = remote->sin_port;
    err = dco_control_peer_new(plane_dev_peers(dev), &peer, 0);
    if (err < 0)
        fail("peer", err);
    req.tx_key = key[side];
    req.tx_tail = req.rx_tail = tail;
    req.crypto = aead_new(cipher, key[side], key[!side], key_len, tail, tail, plane_key_threads());
    if (req.crypto == NULL)
        die("cipher");
    err = dco_control_key_new(plane_dev_peers(dev), &req, 0);
    if (err < 0)
        fail("key", err);
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
            printf("drop %s %llu\n", dco_drop_name(r), (unsigned long long)drops.count[r]);
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    const char *workers = getenv("WORKERS");
    struct settings settings = {.workers = workers != NULL ? (unsigned)atoi(workers) : 1};
    struct sockaddr_in remote;
    struct plane_dev *dev;
    struct plane_port *sock;
    int err;
    char c;

    if (argc != 7) {
        fprintf(stderr, "usage: tunnel DEVICE LOCAL-IP PORT REMOTE-IP SIDE CIPHER\n");
        return 2;
    }
    remote = address(argv[4], argv[3]);
    plane_configure(&settings);
    err = plane_prepare();
    if (err == 0)
        err = plane_dev_new(argv[1], DCO_MODE_P2P, &dev);
    if (err < 0)
        fail(argv[1], err);
    sock = port_open(address(argv[2], argv[3]), dev);
    install(dev, sock, &remote, argv[5][0] == '1', argv[6]);
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    print_drops();
    plane_shutdown();
    plane_port_close(sock);
    plane_port_put(sock);
    return 0;
}
