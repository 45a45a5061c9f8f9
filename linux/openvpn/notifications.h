/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The datagrams that openvpn has not read yet from one netlink socket, in the order that its
 * version needs.
 *
 * OpenVPN before 2.6.20 loses a notification that it reads while it waits for the answer to a
 * request. So all notifications are held back while requests are answered, and follow the answers.
 * In addition:
 *
 * - An openvpn with keeps_order (traits.h) reads what a request itself caused before the
 *   acknowledgement. Other events follow it here, too; otherwise openvpn might close a client
 *   that it is still setting up.
 * - A notification about a former peer with the id of a new one would be attributed to the new
 *   peer, so it is dropped.
 * - A key for a peer whose removal openvpn has not read yet is acknowledged and discarded:
 *   openvpn exits when a key is refused, disconnecting every client.
 *
 * The owner of the socket calls, for each datagram of requests: notifications_hold(); for each
 * request notifications_before(), the request itself, notifications_after(); and at last
 * notifications_release(). Between these the plane's events may be added at any time. The preload
 * lock held.
 */
#ifndef DCO_OPENVPN_NOTIFICATIONS_H
#define DCO_OPENVPN_NOTIFICATIONS_H

#include "linux/netlink/datagrams.h"
#include "linux/netlink/notification.h"

struct notifications {
    struct datagrams ready; /* answers and notifications that the process may read now */
    struct datagrams held;  /* notifications that follow the answers; empty unless holding */
    bool holding;           /* requests are being answered */
};

void notifications_init(struct notifications *n);
void notifications_free(struct notifications *n);

/* Adds the notification (data) of an event. */
void notifications_add(struct notifications *n, const struct nl_family *family,
                       const struct dco_event *event, const void *data, size_t len);

/* Requests are going to be answered. Takes everything out of unread: datagrams that the process has
 * not read yet, older than everything in n. */
void notifications_hold(struct notifications *n, struct datagrams *unread);

/* The request is going to be carried out; all events so far were added. */
void notifications_before(struct notifications *n, const struct nl_family *family,
                          const struct nlmsghdr *request);

/* The request was carried out and ended with err (0 or a negative errno); the events that it caused
 * were added. Returns the error to acknowledge it with. */
int notifications_after(struct notifications *n, const struct nl_family *family,
                        const struct nlmsghdr *request, int err);

/* All answers are in n->ready; appends the notifications that were held. */
void notifications_release(struct notifications *n);

#endif
