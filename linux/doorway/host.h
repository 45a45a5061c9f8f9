/* SPDX-License-Identifier: BSD-2-Clause */
/* What the codecs in linux/abi need of this process: devices, sockets, ciphers, time. */
#ifndef DCO_DOORWAY_HOST_H
#define DCO_DOORWAY_HOST_H

#include "linux/abi/host.h"

/* Its functions are called with the door lock held. */
extern const struct abi_host host_abi;

#endif
