/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every option of openvpn, and what becomes of it with offload. openvpn checks some of its options
 * itself before it uses offload, and silently ignores others. tests/openvpn-options compares the
 * table with the options of the installed versions, so an option of a new version cannot be missed.
 * Constants; any thread.
 */
#ifndef DCO_OPENVPN_OPTIONS_H
#define DCO_OPENVPN_OPTIONS_H

enum openvpn_option {
    OPTION_UNKNOWN,   /* not in the table: of a newer version, or misspelt */
    OPTION_OPENVPN,   /* openvpn does it, with offload as without */
    OPTION_PLANE,     /* the plane does it, or takes over from the socket or device */
    OPTION_NEEDLESS,  /* concerns only openvpn's own data channel, and nobody misses it */
    OPTION_RULES_OUT, /* openvpn does not use offload with it */
    OPTION_LEFT,      /* offload would ignore it, so the configuration is left to openvpn */
    OPTION_DEPENDS,   /* its arguments, or other options, decide: config_scan.c, offer.c */
    OPTION_NO_TUNNEL, /* openvpn does something else and makes no tunnel */
};

/* name: without the leading "--". */
enum openvpn_option openvpn_option(const char *name);

#endif
