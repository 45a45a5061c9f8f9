/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interposed function by which openvpn reads what it has decrypted of its control channel. Only
 * a PUSH_REPLY is of interest; offer.h says what becomes of it.
 */
#include <openssl/bio.h>
#include <string.h>

#include "linux/openvpn/offer.h"
#include "linux/plane/plane.h"
#include "linux/preload/hook.h"
#include "linux/preload/lock.h"
#include "linux/sys/calls.h"

/* Returns whether openvpn must not see the message. */
static bool
push_reply(const char *text, size_t len)
{
    struct plane_dev_options options;
    bool hide;

    preload_lock();
    hide = offer_pushed(text, len);
    options = offer_device_options();
    for (struct plane_dev *dev = plane_dev_next(NULL); dev != NULL; dev = plane_dev_next(dev))
        plane_dev_set_options(dev, &options);
    preload_unlock();
    return hide;
}

/* 0 is "nothing to read yet". */
HOOK int
BIO_read(BIO *bio, void *data, int len)
{
    static const char reply[] = "PUSH_REPLY";
    int n = sys()->bio_read(bio, data, len);

    if (n < (int)sizeof(reply) || !offer_known() || preload_inside() ||
        memcmp(data, reply, sizeof(reply) - 1) != 0)
        return n;
    return push_reply(data, (size_t)n) ? 0 : n;
}
