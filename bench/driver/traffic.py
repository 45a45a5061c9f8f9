# SPDX-License-Identifier: BSD-2-Clause
"""One run of one kind of traffic through one stack; each returns a dictionary of numbers.

Every run verifies what arrived, byte by byte, and fails if anything was wrong.
"""
import json
import subprocess
import time

from host import Failure, cpu_seconds, switches

WARM_UP = 0.25  # left out by `stream sink`


def finish(child, seconds, what):
    """The JSON that a program prints last."""
    try:
        out, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure('%s: no end within %g s' % (what, seconds))
    lines = [line for line in out.splitlines() if line.startswith('{')]
    if not lines:
        raise Failure('%s printed nothing, exit status %d' % (what, child.returncode))
    return json.loads(lines[-1])


class Meter:
    """What the processes of the tunnel took between two points in time."""

    def __init__(self, stack):
        self.pids = stack.pids()
        self.cpu, self.switches = cpu_seconds(self.pids), switches(self.pids)

    def read(self):
        return {'cpu': cpu_seconds(self.pids) - self.cpu,
                'switches': switches(self.pids) - self.switches}


def tcp_start(stack, to, flows, seconds, source_base=None):
    """A sink in `to` and a source in the other side."""
    host = stack.host
    other = 'b' if to == 'a' else 'a'
    port = host.next_port()
    sink = host.talker(to, [host.program('stream'), 'sink',
                            '0.0.0.0' if source_base else stack.addr[to], port, str(flows), '5',
                            str(seconds - WARM_UP)])
    source = host.start(other, [host.program('stream'), 'source', stack.addr[to], port, str(flows),
                                str(seconds)], stdout=subprocess.PIPE, text=True,
                        env={'SOURCE': source_base} if source_base else None)
    return sink, source


def tcp_finish(stack, pair, seconds):
    sink, source = pair
    sent = finish(source, seconds + 20, 'stream source')
    got = finish(sink, seconds + 20, 'stream sink')
    for child in pair:
        stack.host.stop(child)
    if got['wrong']:
        raise Failure('a stream arrived with wrong content')
    if got['seconds'] <= 0:
        raise Failure('a stream ended at once')
    return dict(got, gbit=got['bytes'] * 8e-9 / got['seconds'], mss=sent['mss'],
                retransmits=sent['retransmits'], reordered=sent['reordered'])


def tcp(stack, flows, seconds, source_base=None, meanwhile=None):
    """Throughput one way, and what it cost the processes of the tunnel."""
    meter = Meter(stack)
    pair = tcp_start(stack, 'a', flows, seconds + WARM_UP, source_base)
    extra = meanwhile() if meanwhile else {}
    got = tcp_finish(stack, pair, seconds)
    used = meter.read()
    gigabits = got['all_bytes'] * 8e-9
    packets = got['all_bytes'] / got['mss']
    got.update(cpu_per_gbit=used['cpu'] / gigabits,
               switches_per_1000=used['switches'] * 1000 / packets, **extra)
    return got


def tcp_both(stack, seconds):
    """Both directions at once; the sum."""
    meter = Meter(stack)
    pairs = [tcp_start(stack, side, 1, seconds + WARM_UP) for side in 'ab']
    got = [tcp_finish(stack, pair, seconds) for pair in pairs]
    used = meter.read()
    return {'gbit': sum(g['gbit'] for g in got), 'ways': [g['gbit'] for g in got],
            'cpu_per_gbit': used['cpu'] / (sum(g['all_bytes'] for g in got) * 8e-9),
            'retransmits': sum(g['retransmits'] for g in got)}


def udp(stack, size, mode, seconds, spread=None):
    """Datagrams as fast as the sender can; what arrives per second is the figure. spread: (first
    source address, number): each send goes from and to the next of so many pairs of addresses."""
    host = stack.host
    port = host.next_port()
    meter = Meter(stack)
    sink = host.talker('a', [host.program('sink'), '0.0.0.0' if spread else stack.addr['a'], port,
                             '5', 'gro' if mode == 'gso' else 'plain'])
    command = [host.program('blast'), stack.addr['a'], port, str(size), str(seconds), mode]
    source = host.start('b', command + (['0', str(spread[1])] if spread else []),
                        env={'SOURCE': spread[0]} if spread else None, stdout=subprocess.PIPE,
                        text=True)
    sent = finish(source, seconds + 20, 'blast')
    got = finish(sink, seconds + 20, 'sink')
    for child in sink, source:
        host.stop(child)
    if got['wrong']:
        raise Failure('%d datagrams arrived with wrong content' % got['wrong'])
    if got['received'] == 0 or got['seconds'] <= 0:
        raise Failure('no datagram arrived')
    return {'kpps': got['received'] / got['seconds'] / 1000,
            'gbit': got['bytes'] * 8e-9 / got['seconds'],
            'loss': 1 - got['received'] / max(sent['sent'], 1), 'late': got['late'],
            'cpu_us_per_packet': meter.read()['cpu'] * 1e6 / got['received']}


def rtt(stack, count, loaded):
    """Round trips of small datagrams, idle or beside one TCP flow in each run."""
    host = stack.host
    port = host.next_port()
    seconds = count * 0.004 + 1.0
    pair = None
    echo = host.talker('a', [host.program('rtt'), 'echo', stack.addr['a'], port, '1'])
    if loaded:
        pair = tcp_start(stack, 'a', 1, seconds)
        time.sleep(0.4)
    ping = host.start('b', [host.program('rtt'), 'ping', stack.addr['a'], port, str(count), '500'],
                      stdout=subprocess.PIPE, text=True)
    got = finish(ping, count * 0.3 + 10, 'rtt ping')
    if pair:
        got['gbit'] = tcp_finish(stack, pair, seconds)['gbit']
    for child in ping, echo:
        host.stop(child)
    if got['wrong'] or not got['answered']:
        raise Failure('round trips: %s' % got)
    return got


def syscalls(stack, seconds):
    """System calls per 1000 inner packets of bulk TCP, counted in the kernel, both ends."""
    host = stack.host
    pids = ','.join(str(p) for p in stack.pids())
    counter = subprocess.Popen(
        ['perf', 'stat', '-x', ';', '-e', 'raw_syscalls:sys_enter', '-p', pids, '--', 'sleep',
         str(seconds + 1.0)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    host.children.append(counter)
    time.sleep(0.3)
    got = tcp(stack, 1, seconds - WARM_UP)
    _, err = counter.communicate(timeout=seconds + 20)
    host.children.remove(counter)
    calls = [line.split(';')[0] for line in err.splitlines() if 'sys_enter' in line]
    if not calls or not calls[0].isdigit():
        raise Failure('perf cannot count system calls: ' + err.strip()[:200])
    return {'per_1000': int(calls[0]) * 1000 / (got['all_bytes'] / got['mss']),
            'switches_per_1000': got['switches_per_1000'], 'gbit': got['gbit']}


def order(stack, seconds):
    """Packets that arrived out of id order on the wire, and inner segments out of order."""
    host = stack.host
    watch = host.talker('a', [host.program('order'), 'eth0', str(5000 + stack.number),
                              str(seconds + 1)])
    got = tcp(stack, 4, seconds)
    seen = finish(watch, seconds + 20, 'order')
    host.stop(watch)
    return {'packets': seen['packets'], 'late': seen['late'], 'unseen': seen['unseen'],
            'reordered': got['reordered'], 'gbit': got['gbit']}
