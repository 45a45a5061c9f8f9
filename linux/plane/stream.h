/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream is the port of one peer over TCP: a connection that openvpn accepted or made, and that a
 * worker reads and every sender writes in whole frames (core/frame.h). Data frames go to the plane.
 * All others go to openvpn over a pair of stream sockets, with their lengths, as it would read them
 * from the connection.
 *
 * A stream is a struct plane_port: references, options, device and end are those of port.h. It is
 * read from plane_port_bind_dev() on. openvpn's thread, unless a function says otherwise.
 *
 * When the other end closes the connection, breaks it or sends what is no frame, the peer is
 * removed with a reason for openvpn, and openvpn reads the end of the pair behind the frames that
 * came before.
 */
#ifndef DCO_PLANE_STREAM_H
#define DCO_PLANE_STREAM_H

#include <sys/types.h>

#include "core/frame.h"
#include "linux/plane/port.h"

/* Makes a stream of fd, a connected TCP socket. pair is the plane's end of the pair, which does not
 * block. read: how far openvpn has read; the rest of a frame that it has begun goes to it whatever
 * it is. Takes over fd and pair, also on error. The caller owns the reference in *port. 0 or
 * -errno. */
int plane_stream_new(int fd, int pair, const struct dco_frame_meter *read,
                     struct plane_port **port);

/* Sends whole frames of openvpn between those of the plane, all of them or none. Returns len or
 * -errno: -EAGAIN if too much is waiting, the error of the connection once it has ended. Any
 * thread. */
ssize_t plane_stream_write(struct plane_port *port, const void *frames, size_t len);

/* The error with which the connection ended, a positive errno; 0 if there is none or it was taken
 * before. Any thread. */
int plane_stream_take_error(struct plane_port *port);

#endif
