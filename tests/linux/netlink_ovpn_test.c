/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The family `ovpn`: requests of OpenVPN 2.7 and answers of the driver, the errno for each fault of
 * a request, and notifications byte for byte.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "addresses.h"
#include "linux/netlink/nlctrl.h"
#include "linux/netlink/ovpn.h"
#include "netlink_world.h"

static struct world w;
static uint8_t message[WORLD_MESSAGE] __attribute__((aligned(8)));

static struct nlmsghdr *
start(uint8_t command, uint16_t flags, uint32_t ifindex)
{
    return world_start(message, &nl_ovpn, command, NLM_F_ACK | flags, ifindex);
}

/* Attributes in hex make up the nest; NULL: no nest. */
static struct nlmsghdr *
request(uint8_t command, uint32_t ifindex, uint16_t nest_type, const char *attrs)
{
    struct nlmsghdr *nlh = start(command, 0, ifindex);
    uint8_t buf[512];

    if (attrs)
        mnl_attr_put(nlh, nest_type | NLA_F_NESTED, world_bytes(attrs, buf), buf);
    return nlh;
}

/* The message that came as this datagram. */
static const struct nlmsghdr *
datagram(unsigned i)
{
    size_t len;

    return world_datagram(&w, i, &len);
}

/* Carries it out; the errno of the acknowledgement, which is the last datagram. */
static int
errno_of(const struct nlmsghdr *nlh)
{
    const struct nlmsghdr *ack;

    world_forget(&w);
    world_request(&w, &nl_ovpn, nlh);
    if (w.datagrams == 0)
        return -1;
    ack = datagram(w.datagrams - 1);
    CHECK_EQ(ack->nlmsg_type, NLMSG_ERROR);
    CHECK_EQ(ack->nlmsg_seq, 77);
    return -((const struct nlmsgerr *)mnl_nlmsg_get_payload(ack))->error;
}

static int
peer(uint8_t command, uint32_t ifindex, const char *attrs)
{
    return errno_of(request(command, ifindex, OVPN_A_PEER, attrs));
}

static int
keyconf(uint8_t command, const char *attrs)
{
    return errno_of(request(command, WORLD_MP, OVPN_A_KEYCONF, attrs));
}

/* Attributes of a peer, as they lie in its nest. */
#define ID(n)      "08000100 0" #n "000000 "
#define FD(n)      "08000600 0" #n "000000 "
#define REMOTE4    "08000200 0a630002 "
#define REMOTE6    "14000300 fd990000 00000000 00000000 00000002 "
#define MAPPED6    "14000300 00000000 00000000 0000ffff 0a630002 "
#define SCOPE      "08000400 00000000 "
#define SCOPE3     "08000400 03000000 "
#define LINK_LOCAL "14000300 fe800000 00000000 00000000 00000002 "
#define PORT       "06000500 04aa0000 "
#define LOCAL4     "08000a00 0a630001 "
#define LOCAL6     "14000b00 fd990000 00000000 00000000 00000001 "
#define LMAPPED6   "14000b00 00000000 00000000 0000ffff 0a630001 "
#define VPN4       "08000800 0a620002 "
#define VPN6       "14000900 fd980000 00000000 00000000 00001000 "
#define TIMERS     "08000d00 05000000 08000e00 28000000 "
#define INTERVAL   "08000d00 05000000 "
#define TX_ID      "08001800 09000000 "
#define GOOD       ID(1) FD(5) REMOTE4 PORT VPN4

TEST("PEER_NEW is refused with the errno of the kernel")
{
    static const struct {
        uint32_t ifindex;
        const char *attrs;
        int error;
    } cases[] = {
        {WORLD_MP, NULL, EINVAL},
        {0, GOOD, EINVAL},
        {WORLD_FOREIGN, GOOD, EINVAL},
        {99, GOOD, ENODEV},
        {WORLD_MP, FD(5) REMOTE4 PORT VPN4, EINVAL},
        {WORLD_MP, ID(1) REMOTE4 PORT VPN4, EINVAL},
        {WORLD_MP, ID(1) FD(5) REMOTE4 PORT, EINVAL}, /* no VPN address */
        {WORLD_MP, ID(1) FD(5) VPN4, EINVAL},         /* UDP without remote */
        {WORLD_MP, ID(1) FD(5) REMOTE4 VPN4, EINVAL}, /* no port */
        {WORLD_MP, ID(1) FD(5) PORT VPN4, EINVAL},    /* a port alone */
        {WORLD_MP, GOOD REMOTE6, EINVAL},             /* two remotes */
        {WORLD_MP, GOOD SCOPE, EINVAL},               /* scope of IPv4 */
        {WORLD_MP, ID(1) FD(5) MAPPED6 SCOPE PORT VPN4, EINVAL},
        {WORLD_MP, GOOD LOCAL6, EINVAL},
        {WORLD_MP, ID(1) FD(5) REMOTE6 PORT VPN4 LOCAL4, EINVAL},
        {WORLD_MP, ID(1) FD(5) REMOTE6 PORT VPN4 LMAPPED6, EINVAL},
        {WORLD_MP, GOOD INTERVAL, EINVAL}, /* one timer */
        {WORLD_MP, ID(1) FD(1) REMOTE4 PORT VPN4, ENOTSOCK},
        {WORLD_MP, "08000100 00000001 " FD(5) REMOTE4 PORT VPN4, ERANGE},  /* 25 bits */
        {WORLD_MP, "08000100 ffffff00 " FD(5) REMOTE4 PORT VPN4, EINVAL},  /* "undefined" */
        {WORLD_MP, ID(1) FD(5) REMOTE4 "06000500 00000000 " VPN4, ERANGE}, /* port 0 */
        {WORLD_MP, GOOD "08000f00 00000000 ", EINVAL}, /* an attribute of replies */
        {WORLD_P2P, GOOD, EINVAL},                     /* VPN address in P2P */
        {WORLD_MP, GOOD LOCAL4 TIMERS TX_ID, 0},
        {WORLD_MP, GOOD, EEXIST},
        {WORLD_MP, ID(2) FD(5) REMOTE4 PORT VPN4, 0}, /* the newest has the address */
        {WORLD_MP, ID(3) FD(5) MAPPED6 PORT VPN6 LMAPPED6, 0},
        {WORLD_MP, ID(4) FD(5) REMOTE6 SCOPE PORT VPN6 LOCAL6, 0},
        {WORLD_P2P, ID(1) FD(5) REMOTE4 PORT, 0},
        {WORLD_P2P, ID(1) FD(5) REMOTE4 PORT, 0}, /* replaces it */
    };

    world_init(&w);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int error = peer(OVPN_PEER_NEW, cases[i].ifindex, cases[i].attrs);

        CHECK_THAT(error == cases[i].error, "case %u: errno %d, not %d", i, error, cases[i].error);
    }
    world_fini(&w);
}

TEST("peers reach the core")
{
    struct dco_peer_info info;

    world_init(&w);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, GOOD LOCAL4 TIMERS TX_ID), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 1, &info), 0);
    CHECK_EQ(info.tx_id, 9);
    CHECK_EQ(info.interval_s, 5);
    CHECK_EQ(info.timeout_s, 40);
    CHECK_EQ(ntohs(info.path.remote.port), 1194);
    CHECK_MEM(info.path.local.addr, "\x0a\x63\x00\x01", 4);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, ID(3) FD(5) MAPPED6 PORT VPN6), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 3, &info), 0);
    CHECK_EQ(info.tx_id, 3);
    CHECK_EQ(info.interval_s, 0);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, ID(4) FD(5) LINK_LOCAL SCOPE3 PORT VPN6 LOCAL6), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 4, &info), 0);
    CHECK_EQ(info.path.remote.scope_id, 3);
    CHECK_EQ(info.path.local.family, 6);
    CHECK_EQ(info.path.local.addr[15], 1);
    CHECK_EQ(dco_control_peer_get(w.mp, 3, &info), 0);
    CHECK_EQ(info.path.remote.ip.family, 4); /* it was mapped */
    CHECK_EQ(info.vpn6.family, 6);

    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(3) TIMERS), 0);
    CHECK_EQ(dco_control_peer_get(w.mp, 3, &info), 0);
    CHECK_EQ(info.timeout_s, 40);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(3)), 0);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(3) INTERVAL), EINVAL);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(3) REMOTE4 PORT), EOPNOTSUPP);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(3) FD(5)), EINVAL);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, ID(5) TIMERS), ENOENT);
    CHECK_EQ(peer(OVPN_PEER_SET, WORLD_MP, TIMERS), EINVAL);

    CHECK_EQ(peer(OVPN_PEER_DEL, WORLD_MP, ID(3)), 0);
    CHECK_EQ(peer(OVPN_PEER_DEL, WORLD_MP, ID(3)), ENOENT);
    CHECK_EQ(peer(OVPN_PEER_DEL, WORLD_MP, ID(1) INTERVAL), EINVAL);
    CHECK_EQ(peer(OVPN_PEER_DEL_NTF, WORLD_MP, ID(1)), EOPNOTSUPP);
    CHECK_EQ(peer(200, WORLD_MP, ID(1)), EOPNOTSUPP);
    world_fini(&w);
}

/* Replies: each attribute once, numbers beyond 32 bits in 8 bytes and others in 4. */
TEST("a peer in a reply")
{
    const struct nlattr *nest, *tb[25];
    struct dco_peer *p;

    world_init(&w);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, ID(4) FD(5) REMOTE6 SCOPE PORT VPN4 VPN6 TIMERS), 0);
    p = dco_peers_by_id(w.mp, 4);
    dco_peer_count(p, DCO_LINK_RX, 0, 0x123456789aULL);
    dco_peer_count(p, DCO_VPN_TX, 7, 0);
    CHECK_EQ(peer(OVPN_PEER_GET, WORLD_MP, ID(4)), 0);
    CHECK_EQ(w.datagrams, 2);
    nest = mnl_nlmsg_get_payload_offset(datagram(0), GENL_HDRLEN);
    CHECK_EQ(mnl_attr_get_type(nest), OVPN_A_PEER); /* no interface before it */
    netlink_parse_nest(nest, 24, tb);
    CHECK_EQ(mnl_attr_get_u32(tb[1]), 4);
    CHECK(tb[2] == NULL && tb[10] == NULL);
    CHECK_EQ(mnl_attr_get_payload_len(tb[3]), 16);
    CHECK_EQ(mnl_attr_get_u32(tb[4]), 0);
    CHECK_EQ(ntohs(mnl_attr_get_u16(tb[5])), 1194);
    CHECK(tb[6] == NULL && tb[7] == NULL);
    CHECK(tb[8] && tb[9]);
    CHECK_EQ(mnl_attr_get_payload_len(tb[11]), 16);
    CHECK_EQ(ntohs(mnl_attr_get_u16(tb[12])), 1194);
    CHECK_EQ(mnl_attr_get_u32(tb[14]), 40);
    CHECK_EQ(mnl_attr_get_payload_len(tb[20]), 8);
    CHECK_EQ(mnl_attr_get_u64(tb[20]), 0x123456789aULL);
    CHECK_EQ(mnl_attr_get_u32(tb[19]), 7);
    CHECK_EQ(mnl_attr_get_payload_len(tb[16]), 4);
    CHECK_EQ(mnl_attr_get_u32(tb[24]), 4);
    CHECK_EQ(peer(OVPN_PEER_GET, WORLD_MP, ID(5)), ENOENT);
    CHECK_EQ(peer(OVPN_PEER_GET, WORLD_MP, ID(4) FD(5)), EINVAL);
    world_fini(&w);
}

/* OpenVPN 2.7 asks with the interface alone: libnl leaves its empty nest out. */
TEST("a dump")
{
    const struct nlmsghdr *nlh;
    int left;

    world_init(&w);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, GOOD), 0);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, ID(2) FD(5) REMOTE6 PORT VPN6), 0);
    world_forget(&w);
    world_request(&w, &nl_ovpn, start(OVPN_PEER_GET, NLM_F_DUMP, WORLD_MP));
    CHECK_EQ(w.datagrams, 2);
    nlh = datagram(0);
    left = (int)w.ends[0];
    for (uint32_t id = 1; id <= 2; id++, nlh = mnl_nlmsg_next(nlh, &left)) {
        const struct nlattr *nest = mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN);

        CHECK(mnl_nlmsg_ok(nlh, left));
        CHECK_EQ(nlh->nlmsg_flags, NLM_F_MULTI);
        CHECK_EQ(mnl_attr_get_u32(mnl_attr_get_payload(nest)), id);
    }
    CHECK_EQ(left, 0);
    CHECK_EQ(datagram(1)->nlmsg_type, NLMSG_DONE);
    CHECK_EQ(errno_of(start(OVPN_KEY_GET, NLM_F_DUMP, WORLD_MP)), EOPNOTSUPP);
    world_fini(&w);
}

/* Attributes of a key. */
#define KEY_PEER(n)  "08000100 0" #n "000000 "
#define SLOT(n)      "08000200 0" #n "000000 "
#define KEY_ID(n)    "08000300 0" #n "000000 "
#define CIPHER(n)    "08000400 0" #n "000000 "
#define BYTES32(b)   b b b b b b b b
#define DIR(type, b) "3400" type " 24000100 " BYTES32(b "000000 ") "0c000200 8f62dabc e6b204c8 "
#define ENCRYPT      DIR("0580", "11")
#define DECRYPT      DIR("0680", "22")
#define OTHER_KEY    DIR("0580", "33")
#define SHORT_DIR    "1c000680 0c000100 01020304 05060708 0c000200 8f62dabc e6b204c8 "

TEST("keys")
{
    static const struct {
        const char *attrs;
        int error;
    } cases[] = {
        {NULL, EINVAL},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) CIPHER(1) ENCRYPT, EINVAL},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) CIPHER(1) DECRYPT, EINVAL},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) ENCRYPT DECRYPT, EINVAL},
        {KEY_PEER(1) SLOT(0) CIPHER(1) ENCRYPT DECRYPT, EINVAL},
        {KEY_PEER(1) KEY_ID(0) CIPHER(1) ENCRYPT DECRYPT, EINVAL},
        {SLOT(0) KEY_ID(0) CIPHER(1) ENCRYPT DECRYPT, EINVAL},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) CIPHER(0) ENCRYPT DECRYPT, EINVAL},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) CIPHER(3) ENCRYPT DECRYPT, ERANGE},
        {KEY_PEER(1) SLOT(2) KEY_ID(0) CIPHER(1) ENCRYPT DECRYPT, ERANGE},
        {KEY_PEER(1) SLOT(0) KEY_ID(8) CIPHER(1) ENCRYPT DECRYPT, ERANGE},
        {KEY_PEER(1) SLOT(0) KEY_ID(0) CIPHER(1) ENCRYPT SHORT_DIR, EINVAL},
        {KEY_PEER(2) SLOT(0) KEY_ID(0) CIPHER(1) ENCRYPT DECRYPT, ENOENT},
        {KEY_PEER(1) SLOT(0) KEY_ID(3) CIPHER(1) ENCRYPT DECRYPT, 0},
        {KEY_PEER(1) SLOT(1) KEY_ID(4) CIPHER(1) ENCRYPT DECRYPT, EEXIST}, /* used before */
        {KEY_PEER(1) SLOT(1) KEY_ID(4) CIPHER(2) OTHER_KEY DECRYPT, 0},
    };
    const struct nlattr *nest, *tb[5];

    world_init(&w);
    CHECK_EQ(peer(OVPN_PEER_NEW, WORLD_MP, GOOD), 0);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int error = keyconf(OVPN_KEY_NEW, cases[i].attrs);

        CHECK_THAT(error == cases[i].error, "case %u: errno %d, not %d", i, error, cases[i].error);
        CHECK(error == 0 || datagram(0)->nlmsg_len == 36); /* no key material in an error */
    }
    CHECK_EQ(keyconf(OVPN_KEY_SWAP, KEY_PEER(1)), 0);
    CHECK_EQ(keyconf(OVPN_KEY_GET, KEY_PEER(1) SLOT(0)), 0);
    nest = mnl_nlmsg_get_payload_offset(datagram(0), GENL_HDRLEN);
    CHECK_EQ(mnl_attr_get_type(nest), OVPN_A_KEYCONF);
    netlink_parse_nest(nest, 4, tb);
    CHECK_EQ(mnl_attr_get_u32(tb[1]), 1);
    CHECK_EQ(mnl_attr_get_u32(tb[2]), 0);
    CHECK_EQ(mnl_attr_get_u32(tb[3]), 4);
    CHECK_EQ(mnl_attr_get_u32(tb[4]), DCO_CIPHER_CHACHA20_POLY1305);
    CHECK_EQ(keyconf(OVPN_KEY_DEL, KEY_PEER(1) SLOT(1)), 0);
    CHECK_EQ(keyconf(OVPN_KEY_DEL, KEY_PEER(1)), EINVAL);
    CHECK_EQ(keyconf(OVPN_KEY_GET, KEY_PEER(1) SLOT(1)), ENOENT);
    CHECK_EQ(keyconf(OVPN_KEY_GET, KEY_PEER(1)), EINVAL);
    CHECK_EQ(keyconf(OVPN_KEY_SWAP, KEY_PEER(2)), ENOENT);
    CHECK_EQ(keyconf(OVPN_KEY_SWAP, KEY_PEER(1) SLOT(0)), EINVAL);
    world_fini(&w);
}

static void
expect(const struct dco_event *event, const char *hex)
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8))), want[NL_NOTIFICATION_MAX];
    size_t len = world_bytes(hex, want);

    memset(buf, 0xee, sizeof(buf));
    CHECK_EQ(nl_notification_fill(&nl_ovpn, buf, 29, event), len);
    CHECK_MEM(buf, want, len);
    CHECK(nl_notification_of(buf, len) == &nl_ovpn);
}

TEST("notifications, byte for byte")
{
    struct dco_event event = {
        .kind = DCO_EVENT_DEL, .peer_id = 0x123456, .del_reason = DCO_DEL_EXPIRED};

    expect(&event, "30000000 037d0000 00000000 00000000 05010000 08000100 1d000000 "
                   "14000280 08000f00 02000000 08000100 56341200");
    event.kind = DCO_EVENT_FLOAT;
    event.remote = path4(2, 1194).remote;
    memcpy(event.remote.ip.addr, "\x0a\x63\x00\x02", 4);
    expect(&event, "38000000 037d0000 00000000 00000000 0b010000 08000100 1d000000 "
                   "1c000280 08000100 56341200 08000200 0a630002 06000500 04aa0000");
    event.remote.ip = dco_ip6((const uint8_t *)"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
    event.remote.scope_id = 3;
    expect(&event, "4c000000 037d0000 00000000 00000000 0b010000 08000100 1d000000 "
                   "30000280 08000100 56341200 14000300 fe800000 00000000 00000000 00000001 "
                   "08000400 03000000 06000500 04aa0000");
    event.kind = DCO_EVENT_KEY_WANTED;
    event.key_id = 5;
    expect(&event, "30000000 037d0000 00000000 00000000 09010000 08000100 1d000000 "
                   "14000380 08000100 56341200 06000300 05000000");
}

/* A notification is recognised as one about the peer that had the number of a new one. */
TEST("notifications about the former peer of a number")
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));
    struct dco_event event = {.kind = DCO_EVENT_DEL, .peer_id = 1};
    struct nl_peer_ref fresh, former;

    CHECK(nl_peer_ref_of(&nl_ovpn, request(OVPN_PEER_NEW, 29, OVPN_A_PEER, GOOD), &fresh));
    CHECK(nl_notification_fill(&nl_ovpn, buf, 29, &event) > 0);
    CHECK(nl_peer_ref_of(&nl_ovpn, (const void *)buf, &former));
    CHECK(fresh.ifindex == 29 && former.ifindex == 29);
    CHECK(fresh.peer_id == 1 && former.peer_id == 1);
    CHECK(!nl_peer_ref_of(&nl_ovpn, request(OVPN_PEER_NEW, 29, OVPN_A_PEER, FD(5)), &fresh));
    CHECK(nl_peer_ref_of(&nl_ovpn, request(OVPN_PEER_DEL, 29, OVPN_A_PEER, ID(1)), &fresh));
    CHECK(fresh.peer_id == 1 && !fresh.removal);
    CHECK(former.removal);
    for (unsigned i = 0; i < 2; i++) {
        event.kind = i ? DCO_EVENT_KEY_WANTED : DCO_EVENT_FLOAT;
        event.remote = path4(2, 1194).remote;
        CHECK(nl_notification_fill(&nl_ovpn, buf, 29, &event) > 0);
        CHECK(nl_peer_ref_of(&nl_ovpn, (const void *)buf, &former));
        CHECK(former.peer_id == 1 && former.ifindex == 29 && !former.removal);
        CHECK(!nl_peer_ref_of(&nl_dco_v2, (const void *)buf, &former));
    }
}

TEST("the family and its group")
{
    struct nlmsghdr *nlh = start(0, 0, 0);
    struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
    const struct nlattr *attr;
    uint16_t id = 0;
    uint32_t group = 0;

    world_init(&w);
    nlh->nlmsg_type = GENL_ID_CTRL;
    genl->cmd = CTRL_CMD_GETFAMILY;
    mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "ovpn");
    CHECK(nlctrl_asks_for(nlh) == &nl_ovpn);
    nlctrl_answer(&nl_ovpn, &w.sink, nlh);
    CHECK_EQ(w.datagrams, 2);
    mnl_attr_for_each(attr, datagram(0), GENL_HDRLEN)
    {
        if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
            id = mnl_attr_get_u16(attr);
        if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS) {
            const struct nlattr *tb[3];

            netlink_parse_nest(mnl_attr_get_payload(attr), 2, tb);
            CHECK_STR(mnl_attr_get_str(tb[CTRL_ATTR_MCAST_GRP_NAME]), "peers");
            group = mnl_attr_get_u32(tb[CTRL_ATTR_MCAST_GRP_ID]);
        }
    }
    CHECK_EQ(id, OVPN_FAMILY_ID);
    CHECK_EQ(group, nl_ovpn.group_id);
    world_fini(&w);
}
