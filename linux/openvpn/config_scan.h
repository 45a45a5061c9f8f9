/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads openvpn's command line and configuration files for facts that openvpn does not tell the
 * kernel: whether the transport is TCP, which option probably keeps openvpn from using offload, and
 * whether lines of its log carry the time. The result is a guess: openvpn decides by itself, and
 * files that cannot be read are skipped.
 *
 * The work is bounded: regular files only, CONFIG_FILE_MAX bytes each, CONFIG_FILES_MAX files,
 * nested at most CONFIG_DEPTH_MAX deep. No state, no locks; any thread.
 */
#ifndef DCO_OPENVPN_CONFIG_SCAN_H
#define DCO_OPENVPN_CONFIG_SCAN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "linux/plane/plane.h"

#define CONFIG_TEXT_MAX 96U

struct config_scan {
    bool readable; /* the command line, and every file it names, could be read */
    bool tcp;      /* the socket or one of the remotes uses TCP */
    bool server;   /* --server, --mode server, ... */
    bool client;   /* --client or --pull */
    bool remote;   /* --remote */
    bool floats;   /* --float */
    bool user;     /* --user */
    bool metric;   /* --route-metric */
    bool no_time;  /* --suppress-timestamps: lines of the log carry none */
    bool vpn;      /* the options of a tunnel; not those of another program, --mktun and the like */
    struct plane_dev_options device;
    char dev[IFNAMSIZ];            /* --dev; "" if there is none or no device can have the name */
    char dropped[CONFIG_TEXT_MAX]; /* an option that has no effect with offload; "" if none */
    char option[CONFIG_TEXT_MAX];  /* what rules offload out, as a phrase; "" if nothing was seen */
};

/* Whether a peer in point-to-point mode, or a client's server, may be at another address than that
 * of its session. openvpn(8): with --float, or without --remote. A configuration that cannot be
 * read is taken to forbid it, which is openvpn's default. */
bool config_scan_floats(const struct config_scan *conf);

/* argv as given to openvpn's main(). */
void config_scan_args(struct config_scan *conf, int argc, char *const *argv);

/* The lines of one file that was read already; for tests. */
void config_scan_text(struct config_scan *conf, const char *text, size_t len);

#endif
