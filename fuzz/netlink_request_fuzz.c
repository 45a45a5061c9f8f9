/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: requests to the families and to the controller, each as a length (2 bytes, little endian),
 * the first two bytes of its generic header or of the controller's, flags, and attributes. They run
 * one after the other against two devices, so peers and keys come and go. Whatever is asked, the
 * answers are well formed and say who asked; in the end nothing is left alive.
 */
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

#include "linux/netlink/nlctrl.h"
#include "linux/netlink/ovpn.h"
#include "tests/linux/netlink_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEAD         5U /* length, kind, flags, command */
#define REQUESTS_MAX 64U

static struct world w;

static void
must(bool held)
{
    if (!held)
        abort();
}

/* Every message of the datagram [at, at + len). */
static void
datagram_check(const uint8_t *at, size_t len, const struct nlmsghdr *request, unsigned *ends)
{
    uint8_t *copy = malloc(len);
    struct nlmsghdr *nlh = (void *)copy;
    int left = (int)len;

    must(copy != NULL && len >= NLMSG_HDRLEN);
    memcpy(copy, at, len);
    for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        must(nlh->nlmsg_seq == request->nlmsg_seq && nlh->nlmsg_pid == WORLD_PORTID);
        *ends += nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE;
        if (nlh->nlmsg_type == NLMSG_ERROR)
            must(((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error <= 0);
        else if (nlh->nlmsg_type != NLMSG_DONE)
            must(len <= NETLINK_DATAGRAM_MAX);
    }
    must(left <= 3 && left >= -3);
    free(copy);
}

static void
answers_check(const struct nlmsghdr *request)
{
    bool asked =
        (request->nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK)) == (NLM_F_REQUEST | NLM_F_ACK);
    unsigned ends = 0;

    for (unsigned i = 0; i < w.datagrams; i++) {
        size_t from = i ? w.ends[i - 1] : 0;

        datagram_check(w.out + from, w.ends[i] - from, request, &ends);
    }
    must(ends <= 1 && (ends == 1 || !asked));
}

static void
request(uint8_t kind, uint8_t flags, const uint8_t *body, size_t len)
{
    size_t size = NLMSG_ALIGN(NLMSG_HDRLEN + len);
    const struct nl_family *family = kind & 2 ? &nl_ovpn : &nl_dco_v2;
    struct nlmsghdr *nlh = calloc(1, size);
    struct nl_peer_ref ref;

    must(nlh != NULL);
    nlh->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len);
    nlh->nlmsg_type = kind & 1 ? GENL_ID_CTRL : family->family_id;
    nlh->nlmsg_flags = (uint16_t)(flags & 7U) | (uint16_t)(flags & 8U ? NLM_F_DUMP : 0);
    nlh->nlmsg_seq = 4711;
    memcpy(nlh + 1, body, len);
    w.out_len = 0;
    w.datagrams = 0;
    w.now += 1000000;
    if (kind & 1) {
        family = nlctrl_asks_for(nlh);
        if (family)
            nlctrl_answer(family, &w.sink, nlh);
    } else {
        (void)nl_peer_ref_of(family, nlh, &ref);
        world_request(&w, family, nlh);
        answers_check(nlh);
    }
    free(nlh);
}

static void
events_drain(struct dco_peers *peers)
{
    uint8_t buf[NL_NOTIFICATION_MAX] __attribute__((aligned(8)));
    struct dco_event event;

    while (dco_event_take(peers, &event)) {
        for (unsigned i = 0; i < NL_FAMILIES; i++) {
            size_t len = nl_notification_fill(nl_families[i], buf, WORLD_MP, &event);

            must(len <= sizeof(buf));
            must(len == 0 || nl_notification_of(buf, len) == nl_families[i]);
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world_init(&w);
    for (unsigned n = 0; size >= HEAD && n < REQUESTS_MAX; n++) {
        size_t len = (size_t)data[0] | (size_t)data[1] << 8;
        uint8_t kind = data[2], flags = data[3];

        data += 4;
        size -= 4;
        len = len < size ? len : size;
        request(kind, flags, data, len);
        data += len;
        size -= len;
    }
    events_drain(w.mp);
    events_drain(w.p2p);
    world_fini(&w);
    must(w.platform.allocations == 0 && w.platform.cryptos == 0 && w.platform.transports == 0);
    return 0;
}
