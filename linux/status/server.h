/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server that answers `opendco status` in each openvpn process: a listening socket
 * PID-UNIQUE.sock in the runtime folder (sys/runtime_dir.h), and a thread that sends one JSON text
 * to each connection and closes it. It reads nothing from the client.
 *
 * A socket file appears under its name only when the process listens, and no name is used twice.
 * So if a socket refuses a connection, its process is gone, and the client may remove the file.
 *
 * The server has its own thread, whether offload is active or not, so that neither a slow reader
 * nor a text about ten thousand peers delays a keepalive.
 *
 * It answers only the owner and root, and no answer holds a key or another secret.
 *
 * The preload layer calls these functions, one at a time.
 */
#ifndef DCO_STATUS_SERVER_H
#define DCO_STATUS_SERVER_H

/* Opens the listening socket. Call it before chroot() and the change of user. In another process
 * (after daemon()) a second call opens a socket under the new process id; otherwise it does
 * nothing. 0, or -errno after a line in the log; without the socket the process works as usual. */
int status_open(void);

/* Starts the thread if there is a socket and no thread yet. Call it after daemon() only. */
void status_start(void);

/* In the child of fork(): closes the socket. The file stays, because it is the parent's. */
void status_fork_child(void);

/* At exit: ends the thread, closes the socket, and removes the file if that is still allowed. */
void status_close(void);

#endif
