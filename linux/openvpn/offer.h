/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether openvpn is offered a DCO family. Decided when openvpn first asks for one, and again when
 * it asks after a refusal or after it has read its configuration again. Between these points the
 * decision is fixed: openvpn exits if DCO disappears at a soft restart.
 *
 * "Preload lock held" means the lock of linux/preload that plane.h names too.
 */
#ifndef DCO_OPENVPN_OFFER_H
#define DCO_OPENVPN_OFFER_H

#include <stdbool.h>

#include "linux/plane/plane.h"

/* The process asks for a family. False: the process must not find it, and
 * offload_state.h has the reason. The first call that succeeds prepares the plane
 * (plane_prepare()). The preload lock held. */
bool offer_ask(void);

/* Whether a family was ever offered: until then the process is left alone. Any thread. */
bool offer_known(void);

/* Whether openvpn's TCP connections are to be taken over as well, when it is offered a family. Any
 * thread. */
bool offer_takes_tcp(void);

/* The process opens a file to read. If the command line names that file, openvpn may be reading its
 * configuration again, and the decision is made anew. Any thread. */
void offer_file_opened(const char *path);

/* Whether the process is an openvpn and path, as it is given to fopen(), or "stdin" is a part of
 * its configuration. The preload lock held. */
bool offer_config_names(const char *path);

/* The process has decrypted a message of its control channel. Returns true if it is a PUSH_REPLY
 * with an option that does not go with offload, and openvpn has been told to read its configuration
 * and to connect again: it must not see the message, and the next offer_ask() will refuse.
 * Otherwise offer_device_options() may have changed. The preload lock held. */
bool offer_pushed(const char *text, size_t len);

/* openvpn reads its configuration again because of offer_pushed(). The preload lock held. */
bool offer_rereads(void);

/* The process opened /dev/net/tun itself, so it does not use offload. Returns whether it is an
 * openvpn with a tunnel; then offload_state.h has the likely reason. The preload lock held. */
bool offer_tun_opened(void);

/* Called once, with main()'s arguments. */
void offer_set_args(int argc, char **argv);

/* Whether the command line is openvpn's, with the options of a tunnel. The preload lock held. */
bool offer_is_openvpn(void);

/* Whether openvpn's configuration says that it is a client, which has one peer. The preload lock
 * held. */
bool offer_is_client(void);

/* config_scan_floats() of openvpn's configuration. The preload lock held. */
bool offer_floats(void);

/* What openvpn's configuration and its server ask of its device. The preload lock held. */
struct plane_dev_options offer_device_options(void);

/* Whether openvpn's configuration sets the metric of its routes. The preload lock held. */
bool offer_has_route_metric(void);

/* In the child of fork(). */
void offer_fork_child(void);

#endif
