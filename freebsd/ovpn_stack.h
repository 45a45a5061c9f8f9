/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much of the kernel's stack the callers of a packet have used. Tunnels inside each other, and
 * forwarding, are one chain of calls.
 */
#ifndef OVPN_STACK_H
#define OVPN_STACK_H

#include <sys/param.h>
#include <sys/proc.h>

#include <machine/stack.h>

/* True if more than so many quarters of the stack are in use. */
static inline bool
ovpn_stack_exceeds(unsigned quarters)
{
    size_t total, used;

    GET_STACK_USAGE(total, used);
    return used > total / 4 * quarters;
}

#endif
