/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The product is built with -ftrivial-auto-var-init=zero: a variable that a function forgot to set
 * is zero and does not hold old contents of the stack. An array of kilobytes that is set per burst
 * or packet as far as it is used would be zeroed for nothing. Such arrays have this mark, each with
 * its reason.
 */
#ifndef DCO_SYS_COMPILER_H
#define DCO_SYS_COMPILER_H

#if __has_attribute(uninitialized)
#define UNINITIALIZED __attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

#endif
