/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tunnels of the bench have no openvpn and answer no `opendco status`: housekeeping starts a
 * server that is not there.
 */
#include "linux/status/status.h"

void
status_start(void)
{
}
