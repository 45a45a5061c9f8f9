/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors 0 to 2 of a process that was started without them. The next files that it opens get
 * these numbers. Our log lines must not go into such a file (log.h), and no descriptor of the plane
 * may have such a number, because openvpn writes its own lines to 1 and 2.
 */
#ifndef DCO_SYS_STD_FDS_H
#define DCO_SYS_STD_FDS_H

/* Opens /dev/null on each of the three numbers that is free, in the wrong direction, so that
 * reading and writing fail as before. Call it before the plane opens anything; more calls do no
 * harm. */
void std_fds_reserve(void);

/* The process made fd a duplicate of another descriptor. Any thread. */
void std_fds_duplicated(int fd);

#endif
