/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server pushes to its client, as far as offload is concerned. openvpn decides about offload
 * before it connects. What the server pushes later may not go with offload: openvpn then refuses it
 * and connects again, for ever, or ignores it. Pure functions; any thread.
 */
#ifndef DCO_OPENVPN_PUSHED_H
#define DCO_OPENVPN_PUSHED_H

#include "linux/openvpn/config_scan.h"

struct pushed {
    /* The first option that does not go with offload, or what is missing; "" if all is well. */
    char option[CONFIG_TEXT_MAX];
    bool refused; /* openvpn refuses it with offload; otherwise offload would ignore it */
    bool block_ipv6;
    bool partial; /* other messages belong to it (push-continuation) */
    bool peer_id;
};

/* text: a message of the control channel, in clear, of len bytes. conf: what the client itself says
 * about pushed options. False: it is no PUSH_REPLY. */
bool pushed_parse(struct pushed *pushed, const struct config_scan *conf, const char *text,
                  size_t len);

#endif
