/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DCO_PRELOAD_HOOK_H
#define DCO_PRELOAD_HOOK_H

/* Marks a function that the process calls instead of the C library's function of the same name. The
 * C library's own header declares it. */
#define HOOK __attribute__((visibility("default")))

#endif
