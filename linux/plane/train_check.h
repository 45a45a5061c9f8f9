/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the peers that get single packets but no trains. A network card, a virtual one, or a kernel
 * may accept UDP segmentation and then lose or damage the packets, without an error.
 *
 * Nobody says that a train has arrived. But what a peer receives it usually answers: TCP
 * acknowledges. So where trains to a peer go with few packets from it, the check sends single
 * packets for a second, trains for the next, and so on. A peer that answers much more in each
 * second of single packets, TRAIN_CHECK_VOTES times in a row, gets no trains for TRAIN_CHECK_OFF_S
 * seconds. One-way traffic is alike in all seconds and changes nothing; it is checked ever more
 * rarely.
 *
 * A peer, or somebody on the path to it, can cause this by not answering trains. It costs the
 * traffic of this peer its trains and nobody else's.
 */
#ifndef DCO_PLANE_TRAIN_CHECK_H
#define DCO_PLANE_TRAIN_CHECK_H

#include "linux/plane/rx.h"

#define TRAIN_CHECK_VOTES 3U
#define TRAIN_CHECK_OFF_S 600U

/* Compares the last second with the one before for all peers of the device. Housekeeping, once a
 * second. */
void train_check(struct plane_dev *dev, uint64_t now_ns);

/* How many peers of the device get no trains because of that. Any thread, inside
 * plane_devs_lock(). */
unsigned train_check_count(struct plane_dev *dev, uint64_t now_ns);

/* Writes a line to the log if packets of the run that are not authentic are as long as trains: then
 * a device on the path did not cut what the other end sent. Worker, inside its lock. */
void train_check_failed(const struct rx *rx, const struct rx_run *run, uint64_t now_ns);

#endif
