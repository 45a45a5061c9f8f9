/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/key_exhaustion.h"

#include "linux/sys/log.h"

void
key_exhaustion_handle(struct plane_dev *dev, const struct openvpn_traits *traits,
                      const struct dco_event *event)
{
    uint32_t id = event->peer_id;

    if (traits->renews_keys && event->key_spent) {
        log_line(LOG_LEVEL_ERROR, "peer %u: its key is used up, openvpn is asked for a new one",
                 id);
    } else if (traits->renews_keys) {
        log_line(LOG_LEVEL_INFO, "peer %u: openvpn is asked for a new key", id);
    } else if (!event->key_spent) {
        log_line(
            LOG_LEVEL_WARN,
            "peer %u: its key comes near its limit; lower reneg-sec, or the session ends there",
            id);
    } else {
        log_line(
            LOG_LEVEL_ERROR,
            "peer %u: its key is used up, so the session ends and is made anew: lower reneg-sec",
            id);
        (void)dco_control_peer_del(plane_dev_peers(dev), id, DCO_DEL_EXPIRED);
    }
}
