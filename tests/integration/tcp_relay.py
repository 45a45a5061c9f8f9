#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""tcp_relay.py PORT TO-ADDRESS TO-PORT COMMANDS

A relay of TCP connections that does to them what a hostile peer or a bad network does. It reads
COMMANDS, a FIFO, line by line; each line concerns all present connections, in the direction to the
server:

  pass            whole pieces, as they come (at the beginning)
  bytes           one byte at a time
  inject HEX [N]  these bytes and N zeros, behind what was passed
  fin             half-close
  rst             an abortive close of both sides
"""
import binascii
import os
import select
import socket
import struct
import sys
import threading

lock = threading.Lock()
pairs = []
slowly = False


def listen(port):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(('::', port))
    listener.listen(64)
    return listener


def send_bytes(to, data):
    for i in range(len(data)):
        to.sendall(data[i:i + 1])


def carry(pair, frm, to, to_server):
    try:
        while True:
            data = frm.recv(65536)
            if not data:
                break
            if to_server and slowly:
                send_bytes(to, data)
            else:
                to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    with lock:
        pair[2] -= 1
        if pair[2] == 0:
            pair[0].close()
            pair[1].close()
            if pair in pairs:
                pairs.remove(pair)


def serve(listener, target):
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(target)
        except OSError:
            client.close()
            continue
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = [client, server, 2]
        with lock:
            pairs.append(pair)
        for frm, to, up in ((client, server, True), (server, client, False)):
            threading.Thread(target=carry, args=(pair, frm, to, up), daemon=True).start()


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.shutdown(socket.SHUT_RD)
    # close() alone would wait for the thread that reads
    os.close(s.detach())


def command(words):
    global slowly
    if words[0] in ('pass', 'bytes'):
        slowly = words[0] == 'bytes'
        return
    with lock:
        for client, server, _ in pairs:
            try:
                if words[0] == 'inject':
                    zeros = int(words[2]) if len(words) > 2 else 0
                    server.sendall(binascii.unhexlify(words[1]) + bytes(zeros))
                elif words[0] == 'fin':
                    server.shutdown(socket.SHUT_WR)
                elif words[0] == 'rst':
                    reset(server)
                    reset(client)
            except OSError:
                pass


def main():
    listener = listen(int(sys.argv[1]))
    target = (sys.argv[2], int(sys.argv[3]))
    threading.Thread(target=serve, args=(listener, target), daemon=True).start()
    print('ready', flush=True)
    fifo = os.open(sys.argv[4], os.O_RDWR)
    while True:
        select.select([fifo], [], [])
        for line in os.read(fifo, 65536).decode().splitlines():
            command(line.split())
            print('done', line[:40], flush=True)


main()
