#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Payload that shows whether a tunnel changed it.

payload.py serve                     answer the two below, until killed
payload.py tcp ADDRESS BYTES         random bytes both ways at once, compared by digest
payload.py udp ADDRESS SIZE...       random datagrams, each echoed and compared
payload.py trains ADDRESS SIZE PER-TRAIN TRAINS
                                     the same with datagrams that the kernel gets as trains
payload.py ping ADDRESS SIZE COUNT   echo requests with random payload, each answered and compared

ping(8) gives the last answer two round trips and no more, which a busy machine exceeds.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

PORT = 5300
BLOCK = 1 << 16
PATIENCE = 120
WAITS = (1, 4, 15)  # for the answer to a datagram, before it is sent again
UDP_SEGMENT = 103


def send_random(connection, count):
    """Sends count random bytes and then their digest."""
    digest = hashlib.sha256()
    while count > 0:
        block = os.urandom(min(count, BLOCK))
        digest.update(block)
        connection.sendall(block)
        count -= len(block)
    connection.sendall(digest.digest())


def receive_random(connection, count):
    """Receives them; says whether the digest is right."""
    digest = hashlib.sha256()
    while count > 0:
        block = connection.recv(min(count, BLOCK))
        if not block:
            return False
        digest.update(block)
        count -= len(block)
    expected = b""
    while len(expected) < 32:
        block = connection.recv(32 - len(expected))
        if not block:
            return False
        expected += block
    return digest.digest() == expected


def serve_stream(connection):
    with connection:
        connection.settimeout(PATIENCE)
        try:
            count = int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "big")
            sender = threading.Thread(target=send_random, args=(connection, count))
            sender.start()
            good = receive_random(connection, count)
            sender.join()
            connection.sendall(b"y" if good else b"n")
        except OSError as error:
            print(error, flush=True)


def serve():
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.bind(("::", PORT))
    streams = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)

    def echo():
        while True:
            data, address = datagrams.recvfrom(1 << 16)
            datagrams.sendto(data, address)

    threading.Thread(target=echo, daemon=True).start()
    print("ready", flush=True)
    while True:
        connection, _ = streams.accept()
        threading.Thread(target=serve_stream, args=(connection,), daemon=True).start()


def tcp(address, count):
    connection = socket.create_connection((address, PORT), timeout=PATIENCE)
    connection.sendall(count.to_bytes(8, "big"))
    sender = threading.Thread(target=send_random, args=(connection, count))
    sender.start()
    good = receive_random(connection, count)
    sender.join()
    if not good:
        sys.exit("what came back differs from what was sent")
    if connection.recv(1) != b"y":
        sys.exit("what arrived differs from what was sent")


def echoed(connection, data):
    """One datagram; lost ones are sent again, twice."""
    for wait in WAITS:
        connection.settimeout(wait)
        connection.send(data)
        try:
            while True:
                answer = connection.recv(1 << 16)
                if answer == data:
                    return True
                if answer[:8] == data[:8]:
                    sys.exit(f"a datagram of {len(data)} bytes came back changed")
        except socket.timeout:
            pass
    return False


def udp(address, sizes):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_DGRAM)
    connection.connect((address, PORT))
    for size in sizes:
        if not echoed(connection, os.urandom(size)):
            sys.exit(f"a datagram of {size} bytes was not answered")


def echoes(connection, waiting):
    """Takes what comes back out of waiting; what is not in there came back changed or twice."""
    try:
        while waiting:
            answer = connection.recv(1 << 16)
            if waiting.pop(answer[:8], answer) != answer:
                sys.exit(f"a datagram of {len(answer)} bytes came back changed")
    except socket.timeout:
        pass


def trains(address, size, per_train, count):
    """UDP_SEGMENT: the kernel takes a train as one packet, and so does a TUN device that can."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_DGRAM)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    connection.connect((address, PORT))
    for _ in range(count):
        datagrams = [os.urandom(size) for _ in range(per_train - 1)] + [os.urandom(size // 2)]
        waiting = {data[:8]: data for data in datagrams}
        for wait in WAITS:
            connection.settimeout(wait)
            again = [data for data in datagrams if data[:8] in waiting]
            segment = struct.pack("H", size)
            connection.sendmsg([b"".join(again)], [(socket.IPPROTO_UDP, UDP_SEGMENT, segment)])
            echoes(connection, waiting)
            if not waiting:
                break
        if waiting:
            sys.exit(f"{len(waiting)} of {per_train} datagrams of {size} bytes were not answered")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def echo_request(kind, identity, sequence, payload):
    """The kernel fills in the checksum for IPv6 only."""
    message = struct.pack("!BBHHH", kind, 0, 0, identity, sequence) + payload
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def collect(raw, version, identity, waiting, until):
    """Takes answers out of waiting until it is empty or the time is over."""
    kind = 0 if version == 4 else 129
    while waiting and time.monotonic() < until:
        raw.settimeout(max(until - time.monotonic(), 0.001))
        try:
            message = raw.recv(1 << 16)
        except socket.timeout:
            return
        if version == 4:
            message = message[(message[0] & 15) * 4:]
        got, _, _, who, sequence = struct.unpack_from("!BBHHH", message)
        if got == kind and who == identity and waiting.get(sequence) == message[8:]:
            del waiting[sequence]


def ping(address, size, count):
    version = 6 if ":" in address else 4
    if version == 6:
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    else:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    identity = os.getpid() & 0xffff
    waiting = {}
    for sequence in range(count):
        waiting[sequence] = os.urandom(size)
        message = echo_request(8 if version == 4 else 128, identity, sequence, waiting[sequence])
        try:
            raw.sendto(message, (address, 0))
        except OSError as error:
            sys.exit(f"{address}: {error.strerror}")
        collect(raw, version, identity, waiting, time.monotonic() + 0.02)
    collect(raw, version, identity, waiting, time.monotonic() + 4)
    if waiting:
        sys.exit(f"{address}: {len(waiting)} of {count} pings of {size} bytes not answered")


def main():
    what, *rest = sys.argv[1:]
    if what == "serve":
        serve()
    elif what == "tcp":
        tcp(rest[0], int(rest[1]))
    elif what == "trains":
        trains(rest[0], *(int(number) for number in rest[1:]))
    elif what == "ping":
        ping(rest[0], int(rest[1]), int(rest[2]))
    else:
        udp(rest[0], [int(size) for size in rest[1:]])


main()
