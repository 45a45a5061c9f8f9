/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order in which openvpn reads answers and notifications. If this failed, openvpn 2.6 would
 * lose the removal of a client, 2.7 would close a client that it is setting up, and either would
 * exit with all its clients when it installs a key for one that has just been removed.
 */
#include "linux/openvpn/notifications.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "harness.h"
#include "linux/netlink/dco_v2.h"
#include "linux/netlink/ovpn.h"
#include "linux/openvpn/offer.h"

#define IFINDEX 29U
#define ANSWER  "an answer"

static struct notifications n;
static uint8_t message[256] __attribute__((aligned(8)));

static void
begin(void)
{
    struct datagrams unread;

    notifications_init(&n);
    datagrams_init(&unread);
    notifications_hold(&n, &unread);
}

static void
add(const struct nl_family *family, struct dco_event event)
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));

    notifications_add(&n, family, &event, buf, nl_notification_fill(family, buf, IFINDEX, &event));
}

static void
removed(const struct nl_family *family, uint32_t id, enum dco_del_reason reason)
{
    add(family, (struct dco_event){.kind = DCO_EVENT_DEL, .peer_id = id, .del_reason = reason});
}

static void
answered(void)
{
    datagrams_copy(&n.ready, ANSWER, sizeof(ANSWER));
}

/* The next datagram is the answer. */
static bool
is_answer(void)
{
    struct datagram *dg = datagrams_take(&n.ready);
    bool same = dg != NULL && dg->len == sizeof(ANSWER) && memcmp(dg->data, ANSWER, dg->len) == 0;

    free(dg);
    return same;
}

/* The next datagram is a notification about this peer. */
static bool
is_about(const struct nl_family *family, uint32_t id)
{
    struct datagram *dg = datagrams_take(&n.ready);
    struct nl_peer_ref ref;
    bool same = dg != NULL && nl_notification_of(dg->data, dg->len) == family &&
                nl_peer_ref_of(family, (const void *)dg->data, &ref) && ref.peer_id == id;

    free(dg);
    return same;
}

static bool
is_end(void)
{
    bool end = n.ready.head == NULL && n.held.head == NULL;

    notifications_free(&n);
    return end;
}

/* A request whose nest names the peer; its other attributes do not matter here. */
static const struct nlmsghdr *
request_of(const struct nl_family *family, uint8_t command, uint16_t nest_type, uint16_t id_type,
           uint32_t id)
{
    struct nlmsghdr *nlh;
    struct genlmsghdr *genl;
    struct nlattr *nest;

    memset(message, 0, sizeof(message));
    nlh = mnl_nlmsg_put_header(message);
    nlh->nlmsg_type = family->family_id;
    nlh->nlmsg_seq = 77;
    genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
    genl->cmd = command;
    mnl_attr_put_u32(nlh, NL_A_IFINDEX, IFINDEX);
    nest = mnl_attr_nest_start(nlh, nest_type);
    mnl_attr_put_u32(nlh, id_type, id);
    mnl_attr_nest_end(nlh, nest);
    return nlh;
}

/* One of OpenVPN 2.6. */
static const struct nlmsghdr *
request(uint8_t command, uint16_t nest_type, uint32_t id)
{
    return request_of(&nl_dco_v2, command, nest_type, 1, id);
}

TEST("2.6 reads all notifications behind the answer")
{
    begin();
    removed(&nl_dco_v2, 1, DCO_DEL_EXPIRED);
    removed(&nl_dco_v2, 2, DCO_DEL_USERSPACE);
    answered();
    notifications_release(&n);
    removed(&nl_dco_v2, 3, DCO_DEL_EXPIRED);
    CHECK(is_answer());
    CHECK(is_about(&nl_dco_v2, 1));
    CHECK(is_about(&nl_dco_v2, 2));
    CHECK(is_about(&nl_dco_v2, 3));
    CHECK(is_end());
}

TEST("2.7 reads what a request caused first")
{
    begin();
    removed(&nl_ovpn, 1, DCO_DEL_EXPIRED);
    removed(&nl_ovpn, 2, DCO_DEL_USERSPACE);
    removed(&nl_ovpn, 3, DCO_DEL_TEARDOWN);
    answered();
    notifications_release(&n);
    CHECK(is_about(&nl_ovpn, 2));
    CHECK(is_about(&nl_ovpn, 3));
    CHECK(is_answer());
    CHECK(is_about(&nl_ovpn, 1));
    CHECK(is_end());
}

TEST("a removal leaves nothing held about its peer")
{
    begin();
    add(&nl_ovpn, (struct dco_event){.kind = DCO_EVENT_KEY_WANTED, .peer_id = 1});
    add(&nl_ovpn, (struct dco_event){.kind = DCO_EVENT_KEY_WANTED, .peer_id = 2});
    removed(&nl_ovpn, 1, DCO_DEL_USERSPACE);
    answered();
    notifications_release(&n);
    CHECK(is_about(&nl_ovpn, 1));
    CHECK(is_answer());
    CHECK(is_about(&nl_ovpn, 2));
    CHECK(is_end());
}

TEST("only the last address is told")
{
    struct dco_event event = {.kind = DCO_EVENT_FLOAT, .peer_id = 1};

    event.remote.ip.family = 4;
    notifications_init(&n);
    add(&nl_ovpn, event);
    add(&nl_ovpn, (struct dco_event){.kind = DCO_EVENT_KEY_WANTED, .peer_id = 1});
    add(&nl_ovpn, event);
    CHECK(is_about(&nl_ovpn, 1));
    CHECK(is_about(&nl_ovpn, 1));
    CHECK(is_end());
}

TEST("unread notifications come behind the answer")
{
    struct datagrams unread;

    notifications_init(&n);
    removed(&nl_dco_v2, 1, DCO_DEL_EXPIRED);
    datagrams_init(&unread);
    datagrams_move(&unread, &n.ready);
    datagrams_copy(&unread, ANSWER, sizeof(ANSWER));
    removed(&nl_dco_v2, 2, DCO_DEL_EXPIRED);
    notifications_hold(&n, &unread);
    answered();
    notifications_release(&n);
    CHECK(unread.head == NULL);
    CHECK(is_answer());
    CHECK(is_answer());
    CHECK(is_about(&nl_dco_v2, 1));
    CHECK(is_about(&nl_dco_v2, 2));
    CHECK(is_end());
}

/* Before the request and after it, when the event came in between. */
TEST("a new peer ends what is said of the former one")
{
    const struct nlmsghdr *fresh = request(DCO_V2_NEW_PEER, DCO_V2_A_NEW_PEER, 1);

    begin();
    removed(&nl_dco_v2, 1, DCO_DEL_EXPIRED);
    removed(&nl_dco_v2, 2, DCO_DEL_EXPIRED);
    notifications_before(&n, &nl_dco_v2, fresh);
    removed(&nl_dco_v2, 1, DCO_DEL_TEARDOWN);
    CHECK_EQ(notifications_after(&n, &nl_dco_v2, fresh, 0), 0);
    notifications_release(&n);
    CHECK(is_about(&nl_dco_v2, 2));
    CHECK(is_end());
}

static int
key_refused(uint32_t id, int err)
{
    return notifications_after(&n, &nl_dco_v2, request(DCO_V2_NEW_KEY, DCO_V2_A_NEW_KEY, id), err);
}

TEST("another program is told that the peer is gone")
{
    begin();
    removed(&nl_dco_v2, 7, DCO_DEL_EXPIRED);
    CHECK_EQ(key_refused(7, -ENOENT), -ENOENT);
    notifications_free(&n);
}

TEST("openvpn's key for a peer whose removal is unread is accepted")
{
    static char *argv[] = {"openvpn", "--dev", "tun", "--tls-client", "--remote", "server"};

    offer_set_args(6, argv);
    CHECK(offer_tun_opened());
    begin();
    removed(&nl_dco_v2, 7, DCO_DEL_EXPIRED);
    CHECK_EQ(key_refused(7, -ENOENT), 0);
    CHECK_EQ(key_refused(8, -ENOENT), -ENOENT);
    CHECK_EQ(key_refused(7, -EINVAL), -EINVAL);
    CHECK_EQ(notifications_after(&n, &nl_dco_v2, request(DCO_V2_GET_PEER, DCO_V2_A_GET_PEER, 7),
                                 -ENOENT),
             -ENOENT);
    notifications_free(&n);
    CHECK_EQ(key_refused(7, -ENOENT), -ENOENT); /* it was read meanwhile */
}

/* Over TCP openvpn reads the end of the connection, removes the peer, and gives its id to the next
 * client. That one must not be ended by what is said of the first. */
TEST("a removal that openvpn asks for ends what is said of the peer")
{
    static char *argv[] = {"openvpn", "--dev", "tun", "--tls-client", "--remote", "server"};
    static const struct {
        const struct nl_family *family;
        uint8_t command, nest;
        uint16_t id;
    } t[] = {{&nl_dco_v2, DCO_V2_DEL_PEER, DCO_V2_A_DEL_PEER, 2},
             {&nl_ovpn, OVPN_PEER_DEL, OVPN_A_PEER, 1}};

    offer_set_args(6, argv);
    CHECK(offer_tun_opened());
    for (unsigned i = 0; i < 2; i++) {
        const struct nlmsghdr *gone = request_of(t[i].family, t[i].command, t[i].nest, t[i].id, 7);

        begin();
        removed(t[i].family, 7, DCO_DEL_TRANSPORT_DISCONNECT);
        removed(t[i].family, 8, DCO_DEL_TRANSPORT_DISCONNECT);
        notifications_before(&n, t[i].family, gone);
        CHECK_EQ(notifications_after(&n, t[i].family, gone, -ENOENT), -ENOENT);
        notifications_release(&n);
        CHECK(is_about(t[i].family, 8));
        CHECK(is_end());
        begin(); /* the peer was removed in between */
        notifications_before(&n, t[i].family, gone);
        removed(t[i].family, 7, DCO_DEL_TRANSPORT_DISCONNECT);
        CHECK_EQ(notifications_after(&n, t[i].family, gone, -ENOENT), -ENOENT);
        notifications_release(&n);
        CHECK(is_end());
    }
}
