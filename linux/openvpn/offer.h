/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether this process is offered a DCO family: decided when it first asks for one, and again
 * whenever it asks after a refusal or after it has read its configuration again. In between the
 * answer stands, whatever becomes of the file: openvpn would end if it changed at a soft restart.
 */
#ifndef DCO_OPENVPN_OFFER_H
#define DCO_OPENVPN_OFFER_H

#include <stdbool.h>

/* The process asks for a family by this name (static) now. False: it must not find it; the reason
 * is in the state. On the first success the plane has opened what it needs. The vfd lock held. */
bool offer_ask(const char *name);

/* Whether one was ever offered: until then the process is left alone. Any thread. */
bool offer_known(void);

/* The process opens a file to read. If its command line names it, this may be openvpn reading its
 * configuration again, and the answer may change. Any thread. */
void offer_file_opened(const char *path);

/* The process opened /dev/net/tun itself, so offload is not used. The vfd lock not held. */
void offer_tun_opened(void);

/* Called once, with main()'s arguments. */
void offer_set_args(int argc, char **argv);

/* Whether the command line is openvpn's, with the options of a tunnel. The vfd lock held. */
bool offer_is_openvpn(void);

/* Whether openvpn's configuration says that it is a client, which has one peer. */
bool offer_is_client(void);

/* Whether that lets the peer of a client, or in point-to-point mode, be at another address than
 * that of its session: config_scan_floats(). The vfd lock held. */
bool offer_floats(void);

/* In the child of fork(). */
void offer_fork_child(void);

#endif
