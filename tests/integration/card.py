#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""card.py PID-A PID-B MODE-FILE: a wire between two network namespaces whose cards claim UDP segmentation.

Each namespace gets a TAP device eth0 that takes trains whole, and this program carries what leaves one
into the other. The first word in MODE-FILE says what it does with trains:

  good   hands them over as the kernel does between virtual devices
  uncut  hands over one datagram as long as the train (QEMU's igb)
  lost   drops them
  equal  drops those whose last packet is as long as the others (Linux 7.0 to 7.1.4 with some cards)

It prints "ready", and appends the number of trains that it saw to MODE-FILE.trains.
"""
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import sys

TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
TAP_NO_PI_VNET = 0x0002 | 0x1000 | 0x4000
OFFLOADS = 0x01 | 0x02 | 0x04 | 0x20 | 0x40  # checksums, TSO for IPv4 and IPv6, USO for both
UDP_L4 = 5
LIBC = ctypes.CDLL(None, use_errno=True)


def card(pid):
    """Makes eth0 in the namespace of that process."""
    namespace = os.open('/proc/%s/ns/net' % pid, os.O_RDONLY)
    if LIBC.setns(namespace, 0) != 0:
        sys.exit('setns: ' + os.strerror(ctypes.get_errno()))
    os.close(namespace)
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', b'eth0', TAP_NO_PI_VNET))
    fcntl.ioctl(fd, TUNSETOFFLOAD, OFFLOADS)
    subprocess.check_call(['ip', 'link', 'set', 'eth0', 'up'])
    return fd


def equal(frame, size):
    """Whether the packets of a train are all of this size. frame: with its virtio header."""
    start = struct.unpack_from('=H', frame, 6)[0]
    return (len(frame) - 10 - start - 8) % size == 0


def carry(frame, mode):
    """What arrives of a frame, or None."""
    size = struct.unpack_from('=H', frame, 4)[0]
    if mode == 'lost' or (mode == 'equal' and equal(frame, size)):
        return None
    if mode == 'uncut':
        return frame[:1] + b'\0\0\0\0\0' + frame[6:]
    return frame


def main():
    """Carries frames until it is ended."""
    mode_file = sys.argv[3]
    ends = [card(sys.argv[1]), card(sys.argv[2])]
    print('ready', flush=True)
    trains = 0
    while True:
        for end in select.select(ends, [], [], 0.5)[0]:
            frame = os.read(end, 70000)
            if frame[1] & 0x7F == UDP_L4:
                trains += 1
                with open(mode_file, encoding='ascii') as modes:
                    frame = carry(frame, modes.read().strip())
                with open(mode_file + '.trains', 'w', encoding='ascii') as count:
                    count.write('%d\n' % trains)
            if frame is None:
                continue
            try:
                os.write(ends[1] if end == ends[0] else ends[0], frame)
            except OSError:
                pass  # a full queue, as on a real wire


main()
