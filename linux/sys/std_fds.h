/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors 0 to 2 where the process began without them: the next files that it opens get those
 * numbers. Our log lines must not go into such a file (log.h), and nothing of the plane may have
 * such a number, because openvpn writes its own lines to 1 and 2.
 */
#ifndef DCO_SYS_STD_FDS_H
#define DCO_SYS_STD_FDS_H

/* Opens /dev/null on each of the three numbers that is free, in the wrong direction, so that
 * reading and writing fail as before. Before the plane opens anything; any number of times. */
void std_fds_reserve(void);

/* The process made fd a duplicate of another descriptor. Any thread. */
void std_fds_duplicated(int fd);

#endif
