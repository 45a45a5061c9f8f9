/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors 0 to 2, where the process began without them: whatever it opens next gets their
 * numbers. Lines of our log must not go into that (log.h), and what the plane opens must not be
 * there, because openvpn writes its own lines to 1 and 2.
 */
#ifndef DCO_PRELOAD_STD_FDS_H
#define DCO_PRELOAD_STD_FDS_H

/* Fills those of the three numbers that are free, so that nobody gets them, with something that can
 * be neither read from nor written to, as before. Before the plane opens anything; any number of
 * times. */
void stdio_reserve(void);

/* The process made this number a duplicate of another descriptor. Any thread. */
void stdio_duplicated(int fd);

#endif
