/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The family ovpn-dco-v2: requests of OpenVPN 2.6.14 and answers of the driver byte for byte, the
 * errno for each fault of a request, large dumps, notifications.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "addresses.h"
#include "linux/netlink/nlctrl.h"
#include "netlink_world.h"

static struct world w;

/* Bytes */

static void
request_hex(const char *hex)
{
    uint8_t buf[512] __attribute__((aligned(8))) = {0};
    size_t len = world_bytes(hex, buf);
    struct nlmsghdr *nlh = (void *)buf;

    CHECK_EQ(nlh->nlmsg_len, len);
    if (nlh->nlmsg_type == GENL_ID_CTRL)
        nlctrl_answer(&nl_dco_v2, &w.sink, nlh);
    else
        world_request(&w, &nl_dco_v2, nlh);
}

static const uint8_t *
datagram(unsigned i, size_t *len)
{
    return world_datagram(&w, i, len);
}

static void
expect_hex(unsigned i, const char *hex)
{
    uint8_t want[512];
    size_t want_len = world_bytes(hex, want), len;
    const uint8_t *got = datagram(i, &len);

    CHECK_EQ(len, want_len);
    for (size_t k = 0; k < len && k < want_len; k++)
        CHECK_THAT(got[k] == want[k], "datagram %u byte %zu: %02x, %02x", i, k, got[k], want[k]);
}

/* The whole life of a client as OpenVPN 2.6.14 wrote it to the socket, one line per sendmsg(). */

#define NEW_PEER                                                                                   \
    "68000000 027d0500 fdcb026b 3d4d80d0 01000000 08000100 1d000000 4c000280 08000100 00000000 "   \
    "08000300 10000000 14000200 0200b1e7 0a630002 00000000 00000000 08000600 0a630001 "            \
    "08000400 0a620002 14000500 fd980000 00000000 00000000 00001000"
#define SET_PEER                                                                                   \
    "38000000 027d0500 fecb026b 3d4d80d0 02000000 08000100 1d000000 1c000380 08000100 00000000 "   \
    "08000200 05000000 08000300 28000000"
#define NEW_KEY(seq, slot, id, byte)                                                               \
    "a8000000 027d0500 " seq " 3d4d80d0 04000000 08000100 1d000000 8c000580 08000100 00000000 "    \
    "05000200 " slot "000000 05000300 " id "000000 06000400 01000000 34000580 24000100 " byte      \
    "9fb21259b53dce2ee708179b6dbf4377d1c7c173f9653134c69c272e0298a1 0c000200 8f62dabce6b204c8 "    \
    "34000680 24000100 2f173b5b9e827d6d8efa5d5e1b4fc62ecd374023be1465d88b5577723f7e7c28 "          \
    "0c000200 e3997a04cd82ed79"
#define SWAP_KEYS                                                                                  \
    "28000000 027d0500 03cc026b 3d4d80d0 05000000 08000100 1d000000 0c000680 08000100 00000000"
#define DEL_KEY                                                                                    \
    "30000000 027d0500 04cc026b 3d4d80d0 06000000 08000100 1d000000 14000780 08000100 00000000 "   \
    "05000200 01000000"
#define DEL_PEER                                                                                   \
    "28000000 027d0500 08cc026b 3d4d80d0 03000000 08000100 1d000000 0c000480 08000200 00000000"
#define DUMP "1c000000 027d0503 fccb026b 3d4d80d0 07000000 08000100 1d000000"
#define GET_PEER                                                                                   \
    "28000000 027d0500 11cc026b 3d4d80d0 07000000 08000100 1d000000 0c000880 08000100 00000000"
#define ACK(seq, len, flags)                                                                       \
    "24000000 02000001 " seq " 3d4d80d0 00000000 " len "000000 027d" flags "00 " seq " 3d4d80d0"
#define DONE "14000000 03000200 fccb026b 3d4d80d0 00000000"

/* Attributes of the peer above in the order of the driver, without traffic. */
#define PEER(seq, flags)                                                                           \
    "c0000000 027d" flags "00 " seq " 3d4d80d0 07010000 ac000880 08000100 00000000 "               \
    "08000300 0a620002 14000400 fd980000 00000000 00000000 00001000 08000700 05000000 "            \
    "08000800 28000000 14000200 0200b1e7 0a630002 00000000 00000000 08000500 0a630001 "            \
    "06000600 04aa0000 0c000900 00000000 00000000 08000b00 00000000 0c000a00 00000000 00000000 "   \
    "08000c00 00000000 0c000d00 00000000 00000000 08000f00 00000000 0c000e00 00000000 00000000 "   \
    "08001000 00000000"

TEST("the life of a client, byte for byte")
{
    static const struct {
        const char *request;
        const char *answer[3];
    } steps[] = {
        {DUMP, {DONE}},
        {NEW_PEER, {ACK("fdcb026b", "68", "05")}},
        {SET_PEER, {ACK("fecb026b", "38", "05")}},
        {NEW_KEY("ffcb026b", "00", "00", "a0"), {ACK("ffcb026b", "a8", "05")}},
        {GET_PEER, {PEER("11cc026b", "00"), ACK("11cc026b", "28", "05")}},
        {DUMP, {PEER("fccb026b", "02"), DONE}},
        {NEW_KEY("01cc026b", "01", "01", "a1"), {ACK("01cc026b", "a8", "05")}},
        {SWAP_KEYS, {ACK("03cc026b", "28", "05")}},
        {DEL_KEY, {ACK("04cc026b", "30", "05")}},
        {DEL_PEER, {ACK("08cc026b", "28", "05")}},
    };

    world_init(&w);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        unsigned n = 0;

        world_forget(&w);
        request_hex(steps[i].request);
        for (; n < 3 && steps[i].answer[n]; n++)
            expect_hex(n, steps[i].answer[n]);
        CHECK_EQ(w.datagrams, n);
    }
    world_fini(&w);
}

TEST("keys reach the slots of the core")
{
    struct dco_key_info info;

    world_init(&w);
    request_hex(NEW_PEER);
    CHECK_EQ(dco_control_key_get(w.mp, 0, DCO_SLOT_PRIMARY, &info), -ENOENT);
    request_hex(NEW_KEY("ffcb026b", "00", "03", "a0"));
    CHECK_EQ(dco_control_key_get(w.mp, 0, DCO_SLOT_PRIMARY, &info), 0);
    CHECK_EQ(info.key_id, 3);
    CHECK_EQ(info.key_len, 32);
    CHECK_EQ(info.cipher, DCO_CIPHER_AES_GCM);
    request_hex(NEW_KEY("01cc026b", "01", "04", "a1"));
    request_hex(SWAP_KEYS);
    CHECK_EQ(dco_control_key_get(w.mp, 0, DCO_SLOT_PRIMARY, &info), 0);
    CHECK_EQ(info.key_id, 4);
    request_hex(DEL_KEY);
    CHECK_EQ(dco_control_key_get(w.mp, 0, DCO_SLOT_SECONDARY, &info), -ENOENT);
    world_fini(&w);
}

TEST("the family and its group are described as by the kernel")
{
    static const char *const operation[] = {"01", "02", "03", "04", "05", "06", "07"};
    char hex[1024];
    size_t n;

    world_init(&w);
    /* As libnl 3.7 asks: CTRL_CMD_GETFAMILY by name with an ACK. */
    request_hex("24000000 10000500 facb026b 3d4d00d0 03010000 10000200 6f76706e 2d64636f 2d763200");
    n = (size_t)snprintf(
        hex, sizeof(hex), "%s",
        "f0000000 10000000 facb026b 3d4d80d0 01020000 10000200 6f76706e 2d64636f 2d763200 "
        "06000100 027d0000 08000300 01000000 08000400 00000000 08000500 08000000 90000680 ");
    for (unsigned i = 0; i < 7; i++)
        n += (size_t)snprintf(hex + n, sizeof(hex) - n,
                              "1400%s80 08000100 %s000000 08000200 %s000000 ", operation[i],
                              operation[i], i == 6 ? "0f" : "0b");
    snprintf(hex + n, sizeof(hex) - n, "%s",
             "1c000780 18000180 08000200 027d0000 0a000100 70656572 73000000");
    expect_hex(0, hex);
    CHECK_EQ(w.datagrams, 2);
    world_fini(&w);
}

TEST("only questions for our family are answered")
{
    static const struct {
        const char *hex;
        bool ours;
    } requests[] = {
        {"24000000 10000500 facb026b 3d4d00d0 03010000 10000200 6f76706e 2d64636f 2d763200", true},
        {"1c000000 10000100 facb026b 3d4d00d0 03010000 06000100 027d0000", true},
        {"1c000000 10000100 facb026b 3d4d00d0 03010000 06000100 10000000", false},
        {"20000000 10000500 facb026b 3d4d80d0 03010000 0b000200 6e6c6374 726c0000", false},
        /* another command, a dump, a prefix of the name, no request, no attribute */
        {"24000000 10000500 facb026b 3d4d00d0 01010000 10000200 6f76706e 2d64636f 2d763200", false},
        {"24000000 10000503 facb026b 3d4d00d0 03010000 10000200 6f76706e 2d64636f 2d763200", false},
        {"20000000 10000500 facb026b 3d4d00d0 03010000 0c000200 6f76706e 2d64636f", false},
        {"24000000 10000400 facb026b 3d4d00d0 03010000 10000200 6f76706e 2d64636f 2d763200", false},
        {"14000000 10000500 facb026b 3d4d00d0 03010000", false},
        {"10000000 10000500 facb026b 3d4d00d0", false},
        /* without the terminating NUL, and a name that goes on behind it */
        {"24000000 10000500 facb026b 3d4d00d0 03010000 0f000200 6f76706e 2d64636f 2d763200", true},
        {"28000000 10000500 facb026b 3d4d00d0 03010000 14000200 6f76706e 2d64636f 2d763278 "
         "00000000",
         false},
    };

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        uint8_t buf[128] __attribute__((aligned(8))) = {0};

        world_bytes(requests[i].hex, buf);
        CHECK_THAT((nlctrl_asks_for((void *)buf) == &nl_dco_v2) == requests[i].ours, "request %zu",
                   i);
    }
}

/* Errors */

static uint8_t message[WORLD_MESSAGE] __attribute__((aligned(8)));

static struct nlmsghdr *
start(uint8_t command, uint16_t flags, uint32_t ifindex)
{
    return world_start(message, &nl_dco_v2, command, flags, ifindex);
}

/* The error in the answer to the message; 1 if there was none or more than one. */
static int
errno_of(struct nlmsghdr *nlh)
{
    const struct nlmsgerr *err;
    const struct nlmsghdr *ack;
    size_t len;

    world_forget(&w);
    world_request(&w, &nl_dco_v2, nlh);
    if (w.datagrams != 1)
        return 1;
    ack = (const void *)datagram(0, &len);
    err = mnl_nlmsg_get_payload(ack);
    CHECK_EQ(ack->nlmsg_type, NLMSG_ERROR);
    CHECK_EQ(ack->nlmsg_seq, 77);
    CHECK_EQ(ack->nlmsg_pid, WORLD_PORTID);
    CHECK_MEM(&err->msg, nlh, sizeof(*nlh));
    return -err->error;
}

/* What is left out of, or wrong in, an otherwise good NEW_PEER. */
struct new_peer {
    uint32_t ifindex, id, fd;
    const char *remote; /* hex */
    const char *local, *ip4, *ip6;
    bool no_id, no_fd, no_nest_flag;
};

#define REMOTE4 "020004aa0a6300020000000000000000"
#define REMOTE6 "0a0004aa00000000fd99000000000000000000000000000200000000"
#define MAPPED6 "0a0004aa0000000000000000000000000000ffff0a63000200000000"

static void
put_hex(struct nlmsghdr *nlh, uint16_t type, const char *hex)
{
    uint8_t buf[64];

    if (hex)
        mnl_attr_put(nlh, type, world_bytes(hex, buf), buf);
}

static int
new_peer(const struct new_peer *p)
{
    struct nlmsghdr *nlh = start(DCO_V2_NEW_PEER, NLM_F_ACK, p->ifindex);
    struct nlattr *nest = mnl_attr_nest_start(nlh, DCO_V2_A_NEW_PEER);

    if (p->no_nest_flag)
        nest->nla_type &= (uint16_t)~NLA_F_NESTED;
    if (!p->no_id)
        mnl_attr_put_u32(nlh, 1, p->id);
    if (!p->no_fd)
        mnl_attr_put_u32(nlh, 3, p->fd);
    put_hex(nlh, 2, p->remote);
    put_hex(nlh, 6, p->local);
    put_hex(nlh, 4, p->ip4);
    put_hex(nlh, 5, p->ip6);
    mnl_attr_nest_end(nlh, nest);
    return errno_of(nlh);
}

TEST("NEW_PEER is refused with the errno of the kernel")
{
    static const struct {
        struct new_peer peer;
        int error;
    } cases[] = {
        {{.id = 1, .fd = 3, .remote = REMOTE4, .ip4 = "0a080002"}, EINVAL}, /* no IFINDEX */
        {{99, 1, 3, REMOTE4, .ip4 = "0a080002"}, ENODEV},
        {{WORLD_FOREIGN, 1, 3, REMOTE4, .ip4 = "0a080002"}, EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002", .no_id = true}, EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002", .no_fd = true}, EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002", .no_nest_flag = true}, EINVAL},
        {{WORLD_MP, 1, 3, .remote = REMOTE4}, EINVAL},       /* MP without VPN address */
        {{WORLD_MP, 1, 3, NULL, .ip4 = "0a080002"}, EINVAL}, /* no remote */
        {{WORLD_MP, 1, 99, REMOTE4, .ip4 = "0a080002"}, ENOTSOCK},
        {{WORLD_MP, 1, 99, NULL, .ip4 = "0a080002"}, ENOTSOCK}, /* before the remote */
        {{WORLD_MP, 1, 0xffffffff, REMOTE4, .ip4 = "0a080002"}, ENOTSOCK},
        {{WORLD_MP, 1, 3, "020004aa0a630002", .ip4 = "0a080002"}, ERANGE}, /* policy: 16 and up */
        {{WORLD_MP, 1, 3, REMOTE4 "00000000", .ip4 = "0a080002"}, EINVAL}, /* 20 bytes */
        {{WORLD_MP, 1, 3, "0a0004aa0a6300020000000000000000", .ip4 = "0a080002"}, EINVAL},
        {{WORLD_MP, 1, 3, "020004aa00000000fd99000000000000000000000000000200000000",
          .ip4 = "0a080002"},
         EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .local = "fd990000000000000000000000000001", .ip4 = "0a080002"},
         EINVAL},
        {{WORLD_MP, 1, 3, REMOTE6, .local = "0a630001", .ip4 = "0a080002"}, EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .local = "0a6300", .ip4 = "0a080002"}, EINVAL},
        {{WORLD_MP, 1, 3, REMOTE4, .local = "fd99000000000000000000000000000100",
          .ip4 = "0a080002"},
         ERANGE},
        {{WORLD_MP, 1, 3, REMOTE4, .ip6 = "fd98"}, ERANGE},
        {{WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a08"}, EINVAL},
        {{WORLD_MP, 0x1000000, 3, REMOTE4, .ip4 = "0a080002"}, EINVAL}, /* 25 bits */
        {{WORLD_MP, 1, 3, REMOTE4, .local = "0a630001", .ip4 = "0a080002"}, 0},
        {{WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080003"}, EEXIST},
        {{WORLD_MP, 2, 3, REMOTE6, .ip6 = "fd980000000000000000000000000002"}, 0},
        {{WORLD_MP, 3, 3, REMOTE6, .local = "fd990000000000000000000000000001", .ip4 = "0a080004"},
         0},
        {{WORLD_MP, 4, 3, MAPPED6, .local = "00000000000000000000ffff0a630001", .ip4 = "0a080005"},
         0},
        {{WORLD_P2P, 9, 3, .remote = REMOTE4}, 0},
        {{WORLD_P2P, 10, 3, .remote = REMOTE4}, 0}, /* replaces */
    };
    struct dco_peer_info info;

    world_init(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int error = new_peer(&cases[i].peer);

        CHECK_THAT(error == cases[i].error, "case %zu: %d, expected %d", i, error, cases[i].error);
    }
    CHECK_EQ(dco_control_peer_get(w.mp, 4, &info), 0);
    CHECK_EQ(info.path.remote.ip.family, 4); /* v4-mapped addresses are IPv4 */
    CHECK_EQ(info.path.local.family, 4);
    CHECK_EQ(dco_control_peer_get(w.p2p, 9, &info), -ENOENT);
    CHECK_EQ(dco_control_peer_get(w.p2p, 10, &info), 0);
    CHECK_EQ(dco_peers_count(w.mp), 4);
    world_fini(&w);
}

struct new_key {
    uint32_t id;
    unsigned slot, key_id, cipher, tx_len, rx_len, tail;
    unsigned without; /* attribute left out */
    bool no_dir_key, no_dir_tail;
};

static void
put_direction(struct nlmsghdr *nlh, uint16_t type, const struct new_key *k, unsigned len,
              uint8_t fill)
{
    struct nlattr *nest = mnl_attr_nest_start(nlh, type);
    uint8_t material[255];

    memset(material, fill, sizeof(material));
    if (!k->no_dir_key)
        mnl_attr_put(nlh, 1, len, material);
    if (!k->no_dir_tail)
        mnl_attr_put(nlh, 2, k->tail, material);
    mnl_attr_nest_end(nlh, nest);
}

static int
new_key(const struct new_key *k, uint8_t fill)
{
    struct nlmsghdr *nlh = start(DCO_V2_NEW_KEY, NLM_F_ACK, WORLD_MP);
    struct nlattr *nest = mnl_attr_nest_start(nlh, DCO_V2_A_NEW_KEY);

    if (k->without != 1)
        mnl_attr_put_u32(nlh, 1, k->id);
    if (k->without != 2)
        mnl_attr_put_u8(nlh, 2, (uint8_t)k->slot);
    if (k->without != 3)
        mnl_attr_put_u8(nlh, 3, (uint8_t)k->key_id);
    if (k->without != 4)
        mnl_attr_put_u16(nlh, 4, (uint16_t)k->cipher);
    if (k->without != 5)
        put_direction(nlh, 5, k, k->tx_len, fill);
    if (k->without != 6)
        put_direction(nlh, 6, k, k->rx_len, (uint8_t)~fill);
    mnl_attr_nest_end(nlh, nest);
    return errno_of(nlh);
}

TEST("NEW_KEY is refused with the errno of the kernel")
{
    static const struct {
        struct new_key key;
        int error;
    } cases[] = {
        {{1, 0, 0, 1, 32, 32, 8, .without = 1}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .without = 2}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .without = 3}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .without = 4}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .without = 5}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .without = 6}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .no_dir_key = true}, EINVAL},
        {{1, 0, 0, 1, 32, 32, 8, .no_dir_tail = true}, EINVAL},
        {{1, 2, 0, 1, 32, 32, .tail = 8}, ERANGE},
        {{1, 0, 0, 1, 32, 32, .tail = 7}, ERANGE},
        {{1, 0, 0, 1, 32, 32, .tail = 9}, ERANGE},
        {{1, 0, 0, 0, 32, 32, .tail = 8}, EINVAL}, /* cipher none */
        {{1, 0, 0, 3, 32, 32, .tail = 8}, EINVAL},
        {{1, 0, 0, 1, 0, 0, .tail = 8}, EINVAL},
        {{1, 0, 0, 1, 15, 15, .tail = 8}, EINVAL},
        {{1, 0, 0, 1, 255, 255, .tail = 8}, EINVAL},
        {{1, 0, 0, 1, 32, 16, .tail = 8}, EINVAL},
        {{1, 0, 0, 2, 16, 16, .tail = 8}, EINVAL},
        {{1, 0, 8, 1, 32, 32, .tail = 8}, EINVAL}, /* the wire has 3 bits */
        {{7, 0, 0, 1, 31, 31, .tail = 8}, ENOENT}, /* the peer before the key */
        {{1, 0, 0, 1, 16, 16, .tail = 8}, 0},
        {{1, 1, 1, 1, 24, 24, .tail = 8}, 0},
        {{1, 0, 2, 1, 32, 32, .tail = 8}, 0},
        {{1, 1, 3, 2, 32, 32, .tail = 8}, 0},
    };
    struct nlmsghdr *nlh = (void *)message;

    world_init(&w);
    CHECK_EQ(new_peer(&(struct new_peer){WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002"}), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int error = new_key(&cases[i].key, (uint8_t)i);

        CHECK_THAT(error == cases[i].error, "case %zu: %d, expected %d", i, error, cases[i].error);
        /* A refused key is not sent around a second time. */
        CHECK_EQ(((const struct nlmsghdr *)(void *)w.out)->nlmsg_len, 36);
    }
    CHECK_EQ(new_key(&(struct new_key){1, 0, 4, 2, 32, 32, .tail = 8}, 23),
             EEXIST); /* used before */
    CHECK(nlh->nlmsg_len > 36);
    world_fini(&w);
}

static struct dco_peer_new made;

/* It lost its old address to somebody else, and has another port now. */
static void
moved(struct dco_peer_new *req)
{
    CHECK(req->transport != NULL);
    req->origin = req->path.remote;
    req->path.remote.port = htons(4711);
}

static void
remember_made(const struct dco_peer_new *req)
{
    made = *req;
}

/* openvpn may know a peer under an address where it is not. */
TEST("a peer that openvpn knows under another address")
{
    const struct new_peer peer = {WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002"};
    struct dco_endpoint name = {.ip = ip4(10, 99, 0, 2), .port = htons(1194)}, real = name;

    world_init(&w);
    w.ops.peer_locate = moved;
    w.ops.peer_made = remember_made;
    real.port = htons(4711);
    CHECK_EQ(new_peer(&peer), 0);
    CHECK_EQ(made.id, 1);
    CHECK(dco_control_peer_is(w.mp, &real, &name));
    CHECK(dco_endpoint_equal(&made.path.remote, &real));
    made.id = 0;
    CHECK_EQ(new_peer(&peer), EEXIST);
    CHECK_EQ(made.id, 0); /* it was not made */
    world_fini(&w);
}

/* Which of these the caller excuses: linux/openvpn/notifications.h. Never one that is ill-formed.
 */
TEST("keys of peers that do not exist")
{
    const struct new_key key = {7, 0, 0, 1, 32, 32, .tail = 8};

    world_init(&w);
    CHECK_EQ(new_key(&key, 1), ENOENT);
    CHECK_EQ(new_key(&(struct new_key){7, 0, 0, 3, 32, 32, .tail = 8}, 1), EINVAL);
    CHECK_EQ(new_key(&(struct new_key){7, 0, 0, 1, 32, 32, 8, .without = 5}, 1), EINVAL);
    CHECK_EQ(dco_peers_count(w.mp), 0);
    world_fini(&w);
}

/* A command whose nest holds up to two attributes, as (type, value) with value below 256 bytes. */
static int
simple(uint8_t command, uint16_t nest_type, uint32_t ifindex, const uint32_t *u32, int u8)
{
    struct nlmsghdr *nlh = start(command, NLM_F_ACK, ifindex);
    struct nlattr *nest;

    if (nest_type) {
        nest = mnl_attr_nest_start(nlh, nest_type);
        for (; u32 && u32[0]; u32 += 2)
            mnl_attr_put_u32(nlh, (uint16_t)u32[0], u32[1]);
        if (u8 >= 0)
            mnl_attr_put_u8(nlh, command == DCO_V2_DEL_PEER ? 1 : 2, (uint8_t)u8);
        mnl_attr_nest_end(nlh, nest);
    }
    return errno_of(nlh);
}

TEST("the other commands are refused with the errno of the kernel")
{
    const uint32_t one[] = {1, 1, 0, 0}, two[] = {1, 2, 0, 0}, del1[] = {2, 1, 0, 0};
    const uint32_t both[] = {1, 1, 2, 10, 3, 60, 0, 0}, alone[] = {1, 1, 2, 99, 0, 0};
    const uint32_t all_ones[] = {1, 1, 2, UINT32_MAX, 3, UINT32_MAX, 0, 0};
    struct dco_peer_info info;

    world_init(&w);
    CHECK_EQ(new_peer(&(struct new_peer){WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002"}), 0);
    for (uint8_t command = DCO_V2_NEW_PEER; command <= DCO_V2_GET_PEER; command++) {
        CHECK_EQ(simple(command, 0, WORLD_MP, NULL, -1), EINVAL);           /* no nest */
        CHECK_EQ(simple(command, command + 1, 0, one, -1), EINVAL);         /* no device */
        CHECK_EQ(simple(command, command + 1, WORLD_MP, NULL, -1), EINVAL); /* empty nest */
        CHECK_EQ(simple(command, 9, WORLD_MP, NULL, -1), EINVAL);           /* no such nest */
    }
    CHECK_EQ(simple(DCO_V2_SET_PEER, DCO_V2_A_SET_PEER, WORLD_MP, two, -1), ENOENT);
    CHECK_EQ(simple(DCO_V2_SET_PEER, DCO_V2_A_SET_PEER, WORLD_MP, both, -1), 0);
    CHECK_EQ(simple(DCO_V2_SET_PEER, DCO_V2_A_SET_PEER, WORLD_MP, alone, -1), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 1, &info), 0);
    CHECK_EQ(info.interval_s, 10); /* one timer alone changes nothing */
    CHECK_EQ(info.timeout_s, 60);
    CHECK_EQ(simple(DCO_V2_SET_PEER, DCO_V2_A_SET_PEER, WORLD_MP, all_ones, -1), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 1, &info), 0);
    CHECK(info.interval_s > 1000000);
    CHECK_EQ(simple(DCO_V2_SWAP_KEYS, DCO_V2_A_SWAP_KEYS, WORLD_MP, one, -1), 0);
    CHECK_EQ(simple(DCO_V2_SWAP_KEYS, DCO_V2_A_SWAP_KEYS, WORLD_MP, two, -1), ENOENT);
    CHECK_EQ(simple(DCO_V2_DEL_KEY, DCO_V2_A_DEL_KEY, WORLD_MP, one, -1), EINVAL);
    CHECK_EQ(simple(DCO_V2_DEL_KEY, DCO_V2_A_DEL_KEY, WORLD_MP, one, 0), 0);
    CHECK_EQ(simple(DCO_V2_DEL_KEY, DCO_V2_A_DEL_KEY, WORLD_MP, one, 2), ERANGE);
    CHECK_EQ(simple(DCO_V2_DEL_KEY, DCO_V2_A_DEL_KEY, WORLD_MP, two, 1), ENOENT);
    CHECK_EQ(simple(DCO_V2_GET_PEER, DCO_V2_A_GET_PEER, WORLD_MP, two, -1), ENOENT);
    CHECK_EQ(simple(DCO_V2_DEL_PEER, DCO_V2_A_DEL_PEER, WORLD_MP, del1, 5), ERANGE);
    CHECK_EQ(simple(DCO_V2_DEL_PEER, DCO_V2_A_DEL_PEER, WORLD_MP, del1, 4), 0);
    CHECK_EQ(simple(DCO_V2_DEL_PEER, DCO_V2_A_DEL_PEER, WORLD_MP, del1, -1), ENOENT);
    CHECK_EQ(simple(0, 2, WORLD_MP, one, -1), EOPNOTSUPP);
    CHECK_EQ(simple(8, 2, WORLD_MP, one, -1), EOPNOTSUPP);
    world_fini(&w);
}

static struct nlmsghdr *
peer_request(uint8_t command, uint16_t nest_type, uint16_t flags)
{
    struct nlmsghdr *nlh = start(command, flags, WORLD_MP);
    struct nlattr *nest = mnl_attr_nest_start(nlh, nest_type);

    mnl_attr_put_u32(nlh, 1, 1);
    mnl_attr_nest_end(nlh, nest);
    return nlh;
}

TEST("malformed messages are refused")
{
    struct nlmsghdr *nlh;
    struct nlattr *nest;
    uint32_t id = 1;

    world_init(&w);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, WORLD_MP); /* a byte behind the last attribute */
    nlh->nlmsg_len += 1;
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, WORLD_MP); /* an attribute longer than the message */
    mnl_attr_put_u32(nlh, NL_A_IFINDEX, WORLD_MP);
    ((struct nlattr *)(void *)(message + 28))->nla_len = 12;
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, 0); /* IFINDEX of 8 bytes */
    mnl_attr_put_u64(nlh, NL_A_IFINDEX, WORLD_MP);
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, 0); /* IFINDEX as a nest */
    mnl_attr_put(nlh, NL_A_IFINDEX | NLA_F_NESTED, sizeof(id), &id);
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, WORLD_MP); /* type 0 */
    mnl_attr_put_u32(nlh, 0, 1);
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, WORLD_MP); /* an unknown attribute in the nest */
    nest = mnl_attr_nest_start(nlh, DCO_V2_A_SWAP_KEYS);
    mnl_attr_put_u32(nlh, 1, 1);
    mnl_attr_put_u32(nlh, 2, 1);
    mnl_attr_nest_end(nlh, nest);
    CHECK_EQ(errno_of(nlh), EINVAL);
    nlh = start(DCO_V2_SWAP_KEYS, NLM_F_ACK, WORLD_MP); /* no room for a generic header */
    nlh->nlmsg_len = NLMSG_HDRLEN;
    CHECK_EQ(errno_of(nlh), EINVAL);
    world_fini(&w);
}

/* OpenVPN exits for ENOMEM, so it never gets to see it. */
TEST("want of memory is not fatal")
{
    const struct new_peer peer = {WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002"};

    world_init(&w);
    w.platform.fail_in = 0;
    w.platform.fail_all = true;
    CHECK_EQ(new_peer(&peer), ENOSPC);
    CHECK_EQ(dco_peers_count(w.mp), 0);
    w.platform.fail_in = -1;
    w.platform.fail_all = false;
    CHECK_EQ(new_peer(&peer), 0);
    world_fini(&w);
}

/* What the kernel does before any handler sees a message. */
TEST("requests and acknowledgements")
{
    struct nlmsghdr *nlh;

    world_init(&w);
    nlh = start(DCO_V2_SWAP_KEYS, 0, WORLD_MP);
    CHECK_EQ(errno_of(nlh), EINVAL); /* errors come without NLM_F_ACK too */
    nlh = start(DCO_V2_SWAP_KEYS, 0, WORLD_MP);
    nlh->nlmsg_flags = 0;
    CHECK_EQ(errno_of(nlh), 1); /* not a request: ignored */
    nlh->nlmsg_flags = NLM_F_ACK;
    CHECK_EQ(errno_of(nlh), 0);
    CHECK_EQ(new_peer(&(struct new_peer){WORLD_MP, 1, 3, REMOTE4, .ip4 = "0a080002"}), 0);
    /* success without NLM_F_ACK is silent */
    CHECK_EQ(errno_of(peer_request(DCO_V2_SWAP_KEYS, DCO_V2_A_SWAP_KEYS, 0)), 1);
    CHECK_EQ(w.datagrams, 0);
    world_fini(&w);
}

/* Dumps */

#define MANY 5000U

static void
peers_add(unsigned n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct dco_peer_new req = {
            .id = i * 3,
            .tx_id = i * 3,
            .vpn4 = ip4(10, 8, (uint8_t)(i >> 8), (uint8_t)i),
            .vpn6 = ip6(i + 1),
            .path = path4(i + 1, 1194),
            .transport = platform_transport(&w.platform, i),
        };

        CHECK_EQ(dco_control_peer_new(w.mp, &req, w.now), 0);
    }
}

/* Counts the peers in the dump and checks that each comes once, in order, and with statistics. */
static unsigned
peers_count(void)
{
    unsigned n = 0;
    uint32_t next = 0;

    for (unsigned i = 0; i + 1 < w.datagrams; i++) {
        size_t len;
        const uint8_t *at = datagram(i, &len);
        int left = (int)len;

        CHECK(len <= NETLINK_DATAGRAM_MAX);
        for (const struct nlmsghdr *nlh = (const void *)at; mnl_nlmsg_ok(nlh, left);
             nlh = mnl_nlmsg_next(nlh, &left)) {
            const struct nlattr *nest = mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);
            const struct nlattr *id = mnl_attr_get_payload(nest);

            CHECK_EQ(nlh->nlmsg_flags, NLM_F_MULTI);
            CHECK_EQ(mnl_attr_get_type(nest), DCO_V2_A_GET_PEER);
            CHECK_EQ(mnl_attr_get_u32(id), next);
            next += 3;
            n++;
        }
        CHECK_EQ(left, 0);
    }
    return n;
}

TEST("a dump of thousands of peers fits the reader's memory")
{
    const struct nlmsghdr *done;
    size_t len;

    world_init(&w);
    peers_add(MANY);
    world_request(&w, &nl_dco_v2, start(DCO_V2_GET_PEER, NLM_F_ACK | NLM_F_DUMP, WORLD_MP));
    CHECK_EQ(peers_count(), MANY);
    CHECK(w.datagrams > MANY * 192 / NETLINK_DATAGRAM_MAX);
    done = (const void *)datagram(w.datagrams - 1, &len);
    CHECK_EQ(done->nlmsg_type, NLMSG_DONE);
    CHECK_EQ(done->nlmsg_flags, NLM_F_MULTI);
    CHECK_EQ(len, 20);
    world_fini(&w);
}

TEST("errors of a dump are in its end")
{
    static const struct {
        uint32_t ifindex;
        int error;
    } cases[] = {{99, -ENODEV}, {WORLD_FOREIGN, -EINVAL}, {0, -EINVAL}, {WORLD_MP, 0}};
    const struct nlmsghdr *done;
    size_t len;

    world_init(&w);
    for (size_t i = 0; i < 4; i++) {
        world_forget(&w);
        world_request(&w, &nl_dco_v2, start(DCO_V2_GET_PEER, NLM_F_DUMP, cases[i].ifindex));
        CHECK_EQ(w.datagrams, 1);
        done = (const void *)datagram(0, &len);
        CHECK_EQ(done->nlmsg_type, NLMSG_DONE); /* not NLMSG_ERROR, as in the kernel */
        CHECK_EQ(*(const int *)mnl_nlmsg_get_payload(done), cases[i].error);
    }
    CHECK_EQ(errno_of(start(DCO_V2_NEW_KEY, NLM_F_DUMP, WORLD_MP)), EOPNOTSUPP);
    world_fini(&w);
}

/* Notifications */

TEST("notifications, byte for byte")
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8))), want[64];
    struct dco_event event = {
        .kind = DCO_EVENT_DEL, .peer_id = 0x123456, .del_reason = DCO_DEL_EXPIRED};

    memset(buf, 0xee, sizeof(buf));
    CHECK_EQ(nl_notification_fill(&nl_dco_v2, buf, 29, &event), 48);
    CHECK_EQ(world_bytes("30000000 027d0000 00000000 00000000 03010000 08000100 1d000000 "
                         "14000480 05000100 02000000 08000200 56341200",
                         want),
             48);
    CHECK_MEM(buf, want, 48);
    CHECK(nl_notification_of(buf, 48) == &nl_dco_v2);
    CHECK(nl_notification_of(buf, 15) == NULL);
    buf[12] = 1; /* a reply carries the port of the one who asked */
    CHECK(nl_notification_of(buf, 48) == NULL);
    event.kind = DCO_EVENT_FLOAT;
    CHECK_EQ(nl_notification_fill(&nl_dco_v2, buf, 29, &event), 0);
    event.kind = DCO_EVENT_KEY_WANTED;
    CHECK_EQ(nl_notification_fill(&nl_dco_v2, buf, 29, &event), 0);
}

/* Each removal makes exactly one, with its reason, in the order of the removals. */
TEST("one notification for each removal, in order")
{
    struct dco_event event;
    uint32_t next = 0;

    world_init(&w);
    peers_add(MANY);
    for (uint32_t i = 0; i < MANY; i++)
        CHECK_EQ(dco_control_peer_del(w.mp, i * 3, i % 2 ? DCO_DEL_EXPIRED : DCO_DEL_USERSPACE), 0);
    while (dco_event_take(w.mp, &event)) {
        CHECK_EQ(event.peer_id, next * 3);
        CHECK_EQ(event.del_reason, next % 2 ? DCO_DEL_EXPIRED : DCO_DEL_USERSPACE);
        next++;
    }
    CHECK_EQ(next, MANY);
    world_fini(&w);
}

/* True if the two are about the same peer. */
static bool
same_peer(const void *a, const void *b)
{
    struct nl_peer_ref x, y;

    return nl_peer_ref_of(&nl_dco_v2, a, &x) && nl_peer_ref_of(&nl_dco_v2, b, &y) &&
           x.ifindex == y.ifindex && x.peer_id == y.peer_id;
}

/* A notification is recognised as one about the peer that had the number of a new one. */
TEST("notifications about the former peer of a number")
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));
    struct dco_event event = {.kind = DCO_EVENT_DEL, .peer_id = 7};
    struct nl_peer_ref ref;
    struct nlmsghdr *request = start(DCO_V2_NEW_PEER, NLM_F_ACK, 29);
    struct nlattr *nest = mnl_attr_nest_start(request, DCO_V2_A_NEW_PEER);

    mnl_attr_put_u32(request, 3, 8);
    CHECK(nl_notification_fill(&nl_dco_v2, buf, 29, &event) > 0);
    mnl_attr_nest_end(request, nest);
    CHECK(!same_peer(request, buf)); /* no number */
    mnl_attr_put_u32(request, 1, 7);
    mnl_attr_nest_end(request, nest);
    CHECK(same_peer(request, buf));
    CHECK(nl_notification_fill(&nl_dco_v2, buf, 30, &event) > 0);
    CHECK(!same_peer(request, buf));
    event.peer_id = 8;
    CHECK(nl_notification_fill(&nl_dco_v2, buf, 29, &event) > 0);
    CHECK(!same_peer(request, buf));
    CHECK(!nl_peer_ref_of(&nl_dco_v2, start(DCO_V2_GET_PEER, NLM_F_ACK, 29), &ref));
    CHECK(!nl_peer_ref_of(&nl_dco_v2, start(DCO_V2_NEW_PEER, NLM_F_ACK, 29), &ref));
}
