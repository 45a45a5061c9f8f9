/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles a key that nears the limit of its use, or has reached it. OpenVPN 2.7 is asked for a new
 * key. OpenVPN 2.6 cannot be asked: the log advises a lower reneg-sec, and a key that must not
 * be used any more ends the session, as if the peer had been lost. openvpn then makes a new session
 * with new keys. The preload lock held.
 */
#ifndef DCO_OPENVPN_KEY_EXHAUSTION_H
#define DCO_OPENVPN_KEY_EXHAUSTION_H

#include "linux/openvpn/traits.h"
#include "linux/plane/plane.h"

/* event: DCO_EVENT_KEY_WANTED of a peer of dev. May remove the peer, which is a further event. */
void key_exhaustion_handle(struct plane_dev *dev, const struct openvpn_traits *traits,
                           const struct dco_event *event);

#endif
