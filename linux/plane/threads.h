/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of the plane: workers and housekeeping. They run while there is a device. Call from
 * openvpn's thread.
 */
#ifndef DCO_PLANE_THREADS_H
#define DCO_PLANE_THREADS_H

/* Starts all threads; does nothing if they run. 0 or -errno. */
int threads_start(void);
/* Joins all threads and runs what was deferred; does nothing if they do not run. */
void threads_stop(void);

#endif
