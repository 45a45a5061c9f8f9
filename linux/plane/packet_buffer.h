/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for plain-text packets of the tunnel. Any thread. */
#ifndef DCO_PLANE_PACKET_BUFFER_H
#define DCO_PLANE_PACKET_BUFFER_H

#include <stddef.h>

/* Returns zeroed memory that is left out of core dumps and empty in children; NULL if there is
 * none. It is not locked, because it exceeds the usual limit on locked memory. The caller owns it.
 */
void *packet_buffer_new(size_t size);
void packet_buffer_free(void *p, size_t size); /* NULL is allowed */

#endif
