/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/fib.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core/atomic.h"
#include "linux/plane/route_msg.h"
#include "linux/plane/rtnl_query.h"
#include "linux/sys/calls.h"

#define ANSWER_BYTES  16384U /* a route with some hundred nexthops */
#define REQUEST_BYTES 256U

static uint32_t generation; /* atomic; housekeeping writes it */

uint32_t
fib_generation(void)
{
    return dco_load_acquire(&generation);
}

void
fib_raise_generation(void)
{
    dco_store_release(&generation, dco_load(&generation) + 1);
}

int
fib_open(struct fib *fib)
{
    fib->seq = 0;
    fib->fd = rtnl_query_open();
    return fib->fd < 0 ? fib->fd : 0;
}

void
fib_close(struct fib *fib)
{
    if (fib->fd >= 0)
        sys()->close(fib->fd);
    fib->fd = -1;
}

static void
ip_fill(struct nlmsghdr *nlh, uint16_t type, const struct dco_ip *ip)
{
    mnl_attr_put(nlh, type, ip->family == 4 ? 4 : 16, ip->addr);
}

/* RTM_F_FIB_MATCH asks for the entry of the table instead of the chosen nexthop. */
static struct nlmsghdr *
request_make(struct fib *fib, char *buf, const struct fib_flow *flow)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct rtmsg *rtm;
    uint8_t bits = flow->dst.family == 4 ? 32 : 128;

    nlh->nlmsg_type = RTM_GETROUTE;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    nlh->nlmsg_seq = ++fib->seq;
    rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
    rtm->rtm_family = flow->dst.family == 4 ? AF_INET : AF_INET6;
    rtm->rtm_flags = RTM_F_FIB_MATCH;
    rtm->rtm_dst_len = bits;
    ip_fill(nlh, RTA_DST, &flow->dst);
    if (flow->src.family == flow->dst.family) {
        rtm->rtm_src_len = bits;
        ip_fill(nlh, RTA_SRC, &flow->src);
    }
    if (flow->oif != 0)
        mnl_attr_put_u32(nlh, RTA_OIF, flow->oif);
    if (flow->mark != 0)
        mnl_attr_put_u32(nlh, RTA_MARK, flow->mark);
    if (flow->udp) {
        mnl_attr_put_u32(nlh, RTA_UID, flow->uid);
        mnl_attr_put_u8(nlh, RTA_IP_PROTO, IPPROTO_UDP);
        mnl_attr_put_u16(nlh, RTA_SPORT, flow->sport);
        mnl_attr_put_u16(nlh, RTA_DPORT, flow->dport);
    }
    return nlh;
}

ssize_t
fib_ask(struct fib *fib, const struct fib_flow *flow, void *answer, size_t size)
{
    char buf[REQUEST_BYTES] __attribute__((aligned(8)));

    return rtnl_query(fib->fd, request_make(fib, buf, flow), answer, size);
}

/* An error is an answer as well, except for a lack of memory or rights. */
static int
error_verdict(const struct nlmsghdr *nlh)
{
    int err = 0;

    if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(err))
        memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
    if (err == -ENOMEM || err == -ENOBUFS || err == -EPERM)
        return err;
    return err == -ENETUNREACH ? FIB_DEFAULT : FIB_ELSEWHERE;
}

static int
route_verdict(const struct route_msg *msg, uint32_t ifindex)
{
    for (unsigned i = 0; i < msg->n; i++)
        if (msg->hop[i].ifindex == ifindex)
            return FIB_DEVICE;
    return msg->n > 0 && msg->key.len == 0 ? FIB_DEFAULT : FIB_ELSEWHERE;
}

int
fib_leads_to(struct fib *fib, const struct fib_flow *flow, uint32_t ifindex)
{
    char answer[ANSWER_BYTES] __attribute__((aligned(8)));
    const struct nlmsghdr *nlh = (const void *)answer;
    struct route_msg msg;
    ssize_t len;

    if (flow->dst.family == 0 || fib->fd < 0)
        return -EINVAL;
    if (flow->oif == ifindex) /* the socket is bound to it, whatever the tables say */
        return FIB_DEVICE;
    len = fib_ask(fib, flow, answer, sizeof(answer));
    if (len < 0)
        return (int)len;
    if (nlh->nlmsg_type == NLMSG_ERROR)
        return error_verdict(nlh);
    return route_msg_parse(nlh, &msg) ? route_verdict(&msg, ifindex) : -EAGAIN;
}
