/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of the core: platform.c implements the dco_env_*() functions of core/env.h. */
#ifndef DCO_PLANE_PLATFORM_H
#define DCO_PLANE_PLATFORM_H

#include <stddef.h>

#include "core/env.h"

/* The environment of every device. It is empty, because the process has only one plane. */
extern const struct dco_env plane_env;

/* Zeroed memory that begins on a cache line and shares none, or NULL. The caller frees it with
 * free(). Any thread. */
void *platform_alloc(size_t size);

#endif
