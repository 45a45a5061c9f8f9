/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `opendco status` asks each openvpn process: a listening socket PID-UNIQUE.sock in
 * $OPENDCO_RUNTIME_DIR, else /run/opendco for root and $XDG_RUNTIME_DIR/opendco for others, and a
 * thread that answers each connection with one JSON text and closes it. Nothing is read from the
 * client.
 *
 * A file of that kind is there only once somebody listens, and no name comes twice. Whoever is
 * refused by one knows that its process is gone, and may remove it.
 *
 * The thread is its own, whether offload is active or not: there is one answer to both, and neither
 * a slow reader nor a text about ten thousand peers holds up a keepalive.
 *
 * Only the owner and root are answered, and no key or other secret is in any answer.
 *
 * All functions but the thread's own belong to the thread that serialises the process's life.
 */
#ifndef DCO_STATUS_SERVER_H
#define DCO_STATUS_SERVER_H

/* Opens the listening socket, before chroot() and the change of user. Called again in another
 * process (after daemon()) it opens one under the new process id; else it does nothing. A process
 * without the socket works like any other: -errno is for information, and a line is in the log. */
int status_open(void);

/* Starts the thread if there is a socket and no thread yet. After daemon() only. */
void status_start(void);

/* The child of fork(): closes the socket; the file stays, it is the parent's. */
void status_fork_child(void);

/* At exit: ends the thread, closes the socket and removes the file where that is still allowed. */
void status_close(void);

#endif
