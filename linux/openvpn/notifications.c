/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/notifications.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <stdlib.h>

#include "linux/openvpn/offer.h"
#include "linux/openvpn/restart_timer.h"
#include "linux/openvpn/traits.h"
#include "linux/plane/plane.h"

void
notifications_init(struct notifications *n)
{
    datagrams_init(&n->ready);
    datagrams_init(&n->held);
    n->holding = false;
}

void
notifications_free(struct notifications *n)
{
    datagrams_free(&n->ready);
    datagrams_free(&n->held);
}

/* Removes the notifications about that peer from the list: those of one command, or (0) all. */
static void
forget(struct datagrams *list, const struct nl_family *family, const struct nl_peer_ref *peer,
       uint8_t command)
{
    struct nl_peer_ref ref;
    struct datagrams others;
    struct datagram *dg;

    datagrams_init(&others);
    while ((dg = datagrams_take(list)) != NULL) {
        if (nl_peer_ref_of(family, (const void *)dg->data, &ref) && ref.ifindex == peer->ifindex &&
            ref.peer_id == peer->peer_id && (command == 0 || ref.command == command))
            free(dg);
        else
            datagrams_add(&others, dg);
    }
    datagrams_move(list, &others);
}

/* Whether openvpn itself removed the peer of the event by a request. */
static bool
is_caused_by_request(const struct dco_event *event)
{
    return event->kind == DCO_EVENT_DEL &&
           (event->del_reason == DCO_DEL_TEARDOWN || event->del_reason == DCO_DEL_USERSPACE);
}

void
notifications_add(struct notifications *n, const struct nl_family *family,
                  const struct dco_event *event, const void *data, size_t len)
{
    bool now = !n->holding || (openvpn_traits(family)->keeps_order && is_caused_by_request(event));
    struct datagrams *list = now ? &n->ready : &n->held;
    struct nl_peer_ref ref;

    if (nl_peer_ref_of(family, data, &ref)) {
        if (n->holding && now) /* a removal overtakes what is held about its peer */
            forget(&n->held, family, &ref, 0);
        if (event->kind == DCO_EVENT_FLOAT) /* only the last address counts */
            forget(list, family, &ref, ref.command);
    }
    datagrams_copy(list, data, len);
}

void
notifications_hold(struct notifications *n, struct datagrams *unread)
{
    struct datagram *dg;

    datagrams_move(unread, &n->ready);
    while ((dg = datagrams_take(unread)) != NULL)
        datagrams_add(nl_notification_of(dg->data, dg->len) != NULL ? &n->held : &n->ready, dg);
    n->holding = true;
}

/* A request ends or begins a session. An openvpn that the restart timer is for may no longer read
 * notifications; they would pile up, so a new session drops all of them. */
static void
session_changes(struct notifications *n, const struct nl_family *family,
                const struct nlmsghdr *request)
{
    const struct genlmsghdr *genl = NLMSG_DATA(request);
    struct plane_dev *dev = plane_dev_next(NULL);
    struct nl_peer_ref fresh;

    if (request->nlmsg_len < NLMSG_LENGTH(sizeof(*genl)) ||
        (genl->cmd != family->peer_new && genl->cmd != family->peer_del))
        return;
    restart_timer_cancel();
    if (genl->cmd != family->peer_new)
        return;
    if (dev != NULL && restart_timer_applies(dev))
        datagrams_free(&n->held);
    else if (nl_peer_ref_of(family, request, &fresh))
        forget(&n->held, family, &fresh, 0);
}

/* openvpn removes the peer by this request. It need not hear of an earlier removal that it has not
 * read, and must not: over TCP it reads the end of a connection before that, gives the id to the
 * next client at once, and would end that one. A program other than openvpn hears what the kernel
 * would tell it. */
static void
removal_asked(struct notifications *n, const struct nl_family *family,
              const struct nlmsghdr *request)
{
    const struct genlmsghdr *genl = NLMSG_DATA(request);
    struct nl_peer_ref peer;

    if (offer_is_openvpn() && nl_peer_ref_of(family, request, &peer) &&
        genl->cmd == family->peer_del)
        forget(&n->held, family, &peer, 0);
}

/* Whether openvpn has yet to read that the peer was removed. A program other than openvpn is told
 * what the kernel would tell it. */
static bool
is_removal_unread(const struct notifications *n, const struct nl_family *family,
                  const struct nl_peer_ref *peer)
{
    struct nl_peer_ref ref;

    if (!offer_is_openvpn())
        return false;
    for (const struct datagram *dg = n->held.head; dg != NULL; dg = dg->next)
        if (nl_peer_ref_of(family, (const void *)dg->data, &ref) && ref.removal &&
            ref.ifindex == peer->ifindex && ref.peer_id == peer->peer_id)
            return true;
    return false;
}

void
notifications_before(struct notifications *n, const struct nl_family *family,
                     const struct nlmsghdr *request)
{
    session_changes(n, family, request);
    removal_asked(n, family, request);
}

int
notifications_after(struct notifications *n, const struct nl_family *family,
                    const struct nlmsghdr *request, int err)
{
    struct nl_peer_ref peer;

    session_changes(n, family, request);
    if (err == -ENOENT) /* it may have been removed since notifications_before() */
        removal_asked(n, family, request);
    if (err == -ENOENT && nl_peer_ref_of(family, request, &peer) && peer.key &&
        is_removal_unread(n, family, &peer))
        return 0;
    return err;
}

void
notifications_release(struct notifications *n)
{
    n->holding = false;
    datagrams_move(&n->ready, &n->held);
}
