# SPDX-License-Identifier: BSD-2-Clause
"""Where the time goes: sampled stacks of the whole machine during bulk TCP, and instructions per
packet of our own code by number of workers."""
import collections
import glob
import os
import re
import shutil
import subprocess

import traffic
from host import Failure
from swarm import BASE, Swarm, nth

# The first of these that is anywhere in the call chain names the kernel's part.
KERNEL = (
    ('tun_chr_write_iter', 'kernel: TUN write and the inner stack receiving'),
    ('tun_chr_read_iter', 'kernel: TUN read'),
    ('udp_sendmsg', 'kernel: UDP send, veth, outer stack receiving'),
    ('udpv6_sendmsg', 'kernel: UDP send, veth, outer stack receiving'),
    ('udp_recvmsg', 'kernel: UDP receive'),
    ('epoll_wait', 'kernel: waiting'),
)
AEAD = re.compile(r'^(\.\.@|aes_|gcm_|ghash|.*_blocks_ok|.*_16_ok|.*enc_dec_done|.*AAD_blocks)')


def part(chain):
    """chain: [(symbol, dso)], innermost first."""
    symbol, dso = chain[0]
    if 'kernel' not in dso:
        return 'AEAD' if AEAD.match(symbol) else 'our code'
    for wanted, label in KERNEL:
        if any(wanted in s for s, _ in chain):
            return label
    return 'kernel: rest (interrupts, scheduling, entry)'


def samples_of(path):
    """(command, chain) of every sample."""
    out = subprocess.run(['perf', 'script', '-i', path, '-F', 'comm,ip,sym,dso'],
                         capture_output=True, text=True).stdout
    for block in out.split('\n\n'):
        lines = block.strip('\n').split('\n')
        chain = [m.groups() for m in (re.match(r'\s+[0-9a-f]+ (.*) \((.*)\)$', line)
                                      for line in lines[1:]) if m]
        if chain:
            yield lines[0].strip(), chain


def shares(path):
    """Share of each part in the busy samples; what the copies are of it."""
    parts, copies, busy = collections.Counter(), 0, 0
    for command, chain in samples_of(path):
        if command.startswith('swapper'):
            continue
        busy += 1
        copy = 'copy' in chain[0][0] and 'kernel' in chain[0][1]
        if command.startswith('opendco'):
            parts[part(chain)] += 1
            copies += copy
        elif command.startswith(('stream', 'b-stream')):
            parts['application (both ends)'] += 1
        else:
            parts['other processes of the machine'] += 1
    found = {name: count / busy for name, count in parts.items()}
    found['of these, the tunnel copying between kernel and user'] = copies / busy
    return found


def record(stack, seconds):
    """One profiled run of TCP with one flow."""
    if not shutil.which('perf'):
        raise Failure('perf is not installed')
    host = stack.host
    path = os.path.join(host.work, 'perf.data')
    recorder = host.start(None, ['perf', 'record', '-q', '-a', '-g', '-e', 'cpu-clock', '-F', '2000',
                                 '-o', path, '--', 'sleep', str(seconds)], log='perf.log')
    got = traffic.tcp(stack, 1, seconds + 0.5)
    recorder.wait(seconds + 20)
    host.stop(recorder)
    return dict(shares(path), gbit=got['gbit'])


# ---- instructions ------------------------------------------------------------------------------


def own_instructions(path):
    """Instructions of code whose source is core/ or linux/, from one callgrind file."""
    names, total, file, skip = {}, 0, '', False
    with open(path) as f:
        for line in f:
            match = re.match(r'(fl|fi|fe)=\((\d+)\)(?: (.*))?', line)
            if match:
                if match.group(3):
                    names[match.group(2)] = match.group(3).strip()
                file = names.get(match.group(2), '')
            elif line.startswith('calls='):
                skip = True
            elif line[:1] in '0123456789+-*' and line.strip():
                if not skip and re.search(r'(^|/)(core|linux)/', file) and '.c' in file:
                    total += int(line.split()[1])
                skip = False
            elif re.match(r'c?fi=|cfl=', line):
                match = re.match(r'cf[il]=\((\d+)\) (.*)', line)
                if match:
                    names[match.group(1)] = match.group(2).strip()
    return total


class Counted(Swarm):
    """Eight peers; the sending end runs under callgrind."""

    def program(self, side):
        self.out = os.path.join(self.host.work, 'callgrind.%d' % self.workers)
        if side == 'a':
            return super().program(side)
        return ['valgrind', '-q', '--log-file=%s.log' % self.out, '--tool=callgrind',
                '--separate-threads=yes', '--callgrind-out-file=' + self.out,
                self.host.program('swarm-bare')]


def instructions(host, workers, seconds):
    """Per sent packet, all workers together, and how many of them worked."""
    if not shutil.which('valgrind'):
        raise Failure('valgrind is not installed')
    stack = Counted(host, workers)
    try:
        stack.start()
        stack.grow(8)
        got = traffic.tcp(stack, 8, seconds, nth(BASE['b'], 1))
        child = stack.processes[1]
        child.stdin.close()
        child.wait(30)
    except subprocess.TimeoutExpired:
        raise Failure('callgrind did not end')
    finally:
        stack.stop()
    counts = [own_instructions(path) for path in glob.glob(stack.out + '-[0-9]*')]
    packets = got['all_bytes'] / got['mss']
    busy = [c for c in counts if c > 0.02 * sum(counts)]
    return {'instructions': sum(counts) / packets, 'threads': len(busy), 'packets': packets}
