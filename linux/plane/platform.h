/* SPDX-License-Identifier: BSD-2-Clause */
/* What the plane lends to the core: the dco_env_*() functions of core/env.h, in platform.c. */
#ifndef DCO_PLANE_PLATFORM_H
#define DCO_PLANE_PLATFORM_H

#include "core/env.h"

/* Of every device: the process has one plane, so nothing is in it. */
extern const struct dco_env plane_env;

#endif
