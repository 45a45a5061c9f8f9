/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DCO_PRELOAD_HOOK_H
#define DCO_PRELOAD_HOOK_H

/* A function that the process gets instead of the C library's of the same name. Each is declared by
 * the C library's own header. */
#define HOOK __attribute__((visibility("default")))

#endif
