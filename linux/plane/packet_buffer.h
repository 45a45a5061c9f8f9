/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for packets of the tunnel in plain text. Any thread. */
#ifndef DCO_PLANE_PACKET_BUFFER_H
#define DCO_PLANE_PACKET_BUFFER_H

#include <stddef.h>

/* Zeroed, in no core dump, and empty in children. Not locked: it is far more than the limit on
 * locked memory allows. The caller owns it. NULL: none. */
void *packet_buffer_new(size_t size);
void packet_buffer_free(void *p, size_t size); /* NULL is allowed */

#endif
