/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/route_requests.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "linux/netlink/attr.h"
#include "linux/openvpn/offer.h"
#include "linux/plane/plane.h"

#define IROUTE_METRIC  100U /* openvpn's DCO_IROUTE_METRIC */
#define DEFAULT_METRIC 200U /* openvpn's DCO_DEFAULT_METRIC */

/* Iroutes */

static bool
is_host(const struct route_key *key)
{
    return key->len == (key->prefix.family == 4 ? 32 : 128);
}

/* The server's device to which the request would lead an iroute, or NULL. openvpn names device and
 * gateway for an iroute, and not both for any other route. Since 2.7 it also has a request without
 * a gateway, for a client whose address is outside of the device's subnet. */
static struct plane_dev *
iroute_dev(const struct route_msg *msg)
{
    struct plane_dev *dev;

    if (msg->n != 1 || msg->key.metric != IROUTE_METRIC || msg->key.table != RT_TABLE_MAIN)
        return NULL;
    if (msg->hop[0].gateway.family == 0 && !is_host(&msg->key))
        return NULL;
    dev = plane_dev_by_index(msg->hop[0].ifindex);
    return dev != NULL && dco_peers_mode(plane_dev_peers(dev)) == DCO_MODE_MP ? dev : NULL;
}

/* Whether the request was about an iroute. A route without a gateway is somebody else's, with an
 * explicit metric, if the address is no client's. */
static bool
iroute_request(const struct route_msg *msg, int *err)
{
    struct plane_dev *dev = iroute_dev(msg);
    const struct dco_ip *gateway = &msg->hop[0].gateway;

    if (dev == NULL)
        return false;
    *err = 0;
    if (!msg->add)
        return plane_iroute_del(dev, &msg->key, gateway);
    if (gateway->family == 0 && !dco_peers_own(plane_dev_peers(dev), &msg->key.prefix))
        return false;
    *err = plane_iroute_add(dev, &msg->key, gateway);
    return true;
}

/* Routes of the host */

/* No metric is the same to the kernel as 0. */
static void
metric_clear(struct nlmsghdr *request)
{
    const uint32_t none = 0;
    struct nlattr *attr;

    attr_for_each (attr, request, sizeof(struct rtmsg)) {
        if (mnl_attr_get_type(attr) == RTA_PRIORITY &&
            mnl_attr_get_payload_len(attr) == sizeof(none))
            memcpy(attr + 1, &none, sizeof(none));
    }
}

bool
route_request(struct nlmsghdr *request, int *err)
{
    struct route_msg msg;

    if (plane_dev_next(NULL) == NULL || !route_msg_parse(request, &msg))
        return false;
    if (iroute_request(&msg, err))
        return true;
    if (msg.key.metric == DEFAULT_METRIC && !offer_has_route_metric()) {
        metric_clear(request);
        msg.key.metric = 0;
    }
    if (msg.add && msg.n == 1 && msg.hop[0].gateway.family != 0)
        plane_route_asked(&msg.key, &msg.hop[0].gateway);
    return false;
}
