#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stranger who sends as fast as it can.

flood.py ADDRESS PORT SECONDS KIND...

KIND is data (a peer id of somebody, a wrong tag), nobody (a peer id of nobody), control (control
packets of sessions that do not exist) or junk. Prints how many packets were sent.
"""
import os
import random
import socket
import sys
import time

SOCKETS = 50
P_CONTROL_V1, P_ACK_V1, P_DATA_V2 = 4, 5, 9


def packet(kind):
    if kind == 'data':
        return bytes([P_DATA_V2 << 3, 0, 0, random.randrange(3)]) + os.urandom(200)
    if kind == 'nobody':
        return bytes([P_DATA_V2 << 3, 7, 7, 7]) + os.urandom(200)
    if kind == 'control':
        return bytes([random.choice((P_CONTROL_V1, P_ACK_V1)) << 3]) + os.urandom(300)
    return os.urandom(random.randrange(1, 100))


def main():
    address, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    packets = [packet(random.choice(sys.argv[4:])) for _ in range(2000)]
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    sockets = []
    for _ in range(SOCKETS):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setblocking(False)
        s.connect((address, port))
        sockets.append(s)
    end = time.monotonic() + seconds
    sent = 0
    while time.monotonic() < end:
        for i, data in enumerate(packets):
            try:
                sockets[i % SOCKETS].send(data)
                sent += 1
            except OSError:
                pass
    print(sent)


main()
