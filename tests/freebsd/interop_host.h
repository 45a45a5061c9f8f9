/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What interop_test needs of the real machine below the stand-in: a network namespace, UDP sockets
 * on its loopback, and the Linux end as a child process. Apart from the tests, because the
 * stand-in's declarations and the machine's own cannot be seen by one file.
 */
#ifndef INTEROP_HOST_H
#define INTEROP_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* NULL, or what is missing here. */
const char *host_missing(void);

/* This process gets a network namespace of its own, with loopback up. */
bool host_namespace(void);

/* A socket on 127.0.0.1; -1 on errors. Ports in host order. */
int host_socket(uint16_t port);
bool host_send(int fd, uint16_t port, const void *data, int len);
/* Waits up to wait_ms; the length, or -1 when nothing came. *port: the sender's. */
int host_receive(int fd, uint16_t *port, void *data, int max, int wait_ms);

/* Starts interop_linux, which lies beside the folder of this program; false if it does not run. */
bool host_peer_start(const char *device, const char *address, uint16_t port, uint16_t remote_port);
/* One command; the number it answered with, or -1 (its answer is then on standard error). */
int host_peer(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool host_peer_stop(void); /* whether it ended well */

#endif
