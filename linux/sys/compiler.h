/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The product is built with -ftrivial-auto-var-init=zero, so that what a function forgot to set is
 * zero and not what the stack held. For arrays of kilobytes that are filled as far as they are
 * used, once per burst or packet, that is paid for nothing: those bear this mark, each with its
 * reason.
 */
#ifndef DCO_SYS_COMPILER_H
#define DCO_SYS_COMPILER_H

#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

#endif
