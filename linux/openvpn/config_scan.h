/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads openvpn's command line and configuration files for facts that openvpn does not tell the
 * kernel: whether the transport is TCP, which option probably keeps openvpn from using offload, and
 * whether lines of its log carry the time. The result is a guess, because openvpn decides by
 * itself.
 *
 * The work is bounded: CONFIG_FILE_MAX bytes of each file, CONFIG_FILES_MAX files, nested at most
 * CONFIG_DEPTH_MAX deep. Of pipes it sees what config_copy.h holds. No state of its own; the
 * preload lock held.
 */
#ifndef DCO_OPENVPN_CONFIG_SCAN_H
#define DCO_OPENVPN_CONFIG_SCAN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "linux/plane/plane.h"

#define CONFIG_TEXT_MAX    96U
#define CONFIG_FILTERS_MAX 32U

/* --pull-filter: pushed options that begin with text are accepted or not. */
struct config_filter {
    bool accept;
    char text[CONFIG_TEXT_MAX];
};

struct config_scan {
    bool readable;  /* the command line, and every file it names, could be read */
    bool tcp;       /* the socket or one of the remotes uses TCP */
    bool server;    /* --server, --mode server, ... */
    bool client;    /* --client or --pull */
    bool remote;    /* --remote */
    bool floats;    /* --float */
    bool user;      /* --user */
    bool metric;    /* --route-metric */
    bool chroot;    /* --chroot */
    bool no_routes; /* --route-nopull */
    bool no_time;   /* --suppress-timestamps: lines of the log carry none */
    bool vpn; /* the options of a tunnel; not those of another program, --mktun and the like */
    struct plane_dev_options device;
    char dev[IFNAMSIZ];            /* --dev; "" if there is none or no device can have the name */
    char dropped[CONFIG_TEXT_MAX]; /* an option that has no effect with offload; "" if none */
    char unreadable[CONFIG_TEXT_MAX]; /* the first file that could not be read; "" if none */
    struct config_filter filter[CONFIG_FILTERS_MAX]; /* the first that fits decides */
    unsigned filters;
    char option[CONFIG_TEXT_MAX]; /* what rules offload out, as a phrase; "" if nothing was seen */
};

/* Sets an empty text to the phrase and what follows it (NULL: nothing), in printable characters. A
 * text that is there stays: the first reason is enough. */
void config_text_first(char text[CONFIG_TEXT_MAX], const char *phrase, const char *value);

/* Whether a peer in point-to-point mode, or a client's server, may be at another address than that
 * of its session. openvpn(8): with --float, or without --remote. A configuration that cannot be
 * read is taken to forbid it, which is openvpn's default. */
bool config_scan_floats(const struct config_scan *conf);

/* argv as given to openvpn's main(). */
void config_scan_args(struct config_scan *conf, int argc, char *const *argv);

/* Whether the command line, or a file that it names, names path as a part of the configuration. */
bool config_scan_names(int argc, char *const *argv, const char *path);

/* The lines of one file that was read already; for tests. */
void config_scan_text(struct config_scan *conf, const char *text, size_t len);

#endif
