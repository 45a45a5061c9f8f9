# SPDX-License-Identifier: BSD-2-Clause
"""What is measured, in groups. A sample is kept under (pinning, figure, stack): a list of runs.

Within a group the stacks take turns round by round, so that every ratio is taken within one stretch
of time.
"""
import time

import profile_run
import stacks
import traffic
from host import Failure
from swarm import BASE, Swarm, nth

ALL = ['stock', 'tuned', 'jumbo', 'wggo', 'opendco', 'static', 'null', 'bridge']
OURS = ['stock', 'opendco', 'static', 'null']
# Without the tunnels that only show where our own time goes.
RIVALS = ['stock', 'tuned', 'wggo', 'opendco', 'null']


class Bench:
    def __init__(self, host, samples, seconds, rounds):
        self.host = host
        self.samples = samples
        self.seconds = seconds
        self.rounds = rounds
        self.round = 0
        self.up = {}

    def pinning(self):
        return 'pinned' if self.host.pinned else 'unpinned'

    def start(self, names):
        self.up = stacks.start(self.host, names)
        time.sleep(1.5)  # keys settle, path MTUs are looked up

    def stop(self):
        for stack in self.up.values():
            stack.stop()
        self.up = {}

    def forget(self, figure):
        self.samples.get(self.pinning(), {}).pop(figure, None)

    def keep(self, figure, stack, sample):
        runs = self.samples.setdefault(self.pinning(), {}).setdefault(figure, {})
        runs.setdefault(stack, []).append(dict(sample, round=self.round))

    def attempt(self, figure, name, run):
        """One run; a failed one is told and leaves no sample."""
        before = list(self.host.children)
        try:
            sample = run()
        except Failure as failure:
            for child in [c for c in self.host.children if c not in before]:
                self.host.stop(child)
            print('%-9s %-22s %-14s FAILED: %s' % (self.pinning(), figure, name, failure), flush=True)
            return
        self.keep(figure, name, sample)
        shown = ' '.join('%s %.4g' % (key, sample[key]) for key in (
            'gbit', 'kpps', 'p50', 'p99', 'per_1000', 'cpu_per_gbit', 'switches_per_1000',
            'retransmits', 'instructions', 'threads', 'loss', 'late', 'reordered', 'bytes_per_peer') if key in sample)
        print('%-9s %-22s %-14s %s' % (self.pinning(), figure, name, shown), flush=True)

    def turns(self, names, figures, rounds=None):
        """figures: name -> function of a stack."""
        names = [n for n in names if n in self.up]
        for figure in figures:
            self.forget(figure)
        for self.round in range(rounds or self.rounds):
            for figure, run in figures.items():
                for name in names:
                    self.attempt(figure, name, lambda: run(self.up[name]))


def group_tcp(bench):
    s = bench.seconds
    bench.turns(ALL, {
        'tcp1': lambda stack: traffic.tcp(stack, 1, s),
        'tcp4': lambda stack: traffic.tcp(stack, 4, s)})
    bench.turns(RIVALS, {'tcp-both': lambda stack: traffic.tcp_both(stack, s)})


def group_chacha(bench):
    bench.turns(['stock-chacha', 'opendco-chacha'],
                {'tcp1-chacha': lambda stack: traffic.tcp(stack, 1, bench.seconds)})


def group_plain_link(bench):
    s = bench.seconds
    bench.host.link_offloads(False)
    try:
        bench.turns([n for n in RIVALS if n != 'tuned'], {
            'tcp1-plain-link': lambda stack: traffic.tcp(stack, 1, s),
            'tcp4-plain-link': lambda stack: traffic.tcp(stack, 4, s)})
    finally:
        bench.host.link_offloads(True)


def group_udp(bench):
    s = bench.seconds
    bench.turns(RIVALS, {
        'udp1300': lambda stack: traffic.udp(stack, 1300, 'one', s),
        'udp1300-gso': lambda stack: traffic.udp(stack, 1300, 'gso', s),
        'udp64': lambda stack: traffic.udp(stack, 64, 'one', s),
        'udp256': lambda stack: traffic.udp(stack, 256, 'one', s)})


def group_rtt(bench):
    count = max(200, int(bench.seconds * 500))
    names = [n for n in RIVALS if n != 'null']
    bench.turns(names, {
        'rtt-idle': lambda stack: traffic.rtt(stack, count, False),
        'rtt-loaded': lambda stack: traffic.rtt(stack, count, True)})


def group_syscalls(bench):
    bench.turns(RIVALS, {'syscalls': lambda stack: traffic.syscalls(stack, bench.seconds)},
                min(3, bench.rounds))


PEERS = (1, 10, 100, 1000)


def peers_memory(bench, swarm):
    before = swarm.memory()
    swarm.command('add 2001 1000')
    after = swarm.memory()
    bench.attempt('peer-memory', 'static', lambda: {
        'bytes_per_peer': max(a - b for a, b in zip(after, before)) / 1000})


def group_peers(bench):
    """1000 peers are connected. Traffic goes to the first N of them in turns: UDP_SEGMENT sends to
    one after the other, and one TCP flow each; beside it as many TCP flows over one peer, and over
    the bridge, which shows what the kernel alone loses with so many."""
    swarm, bridge = Swarm(bench.host), stacks.Bridge(bench.host, 30)
    first, s = nth(BASE['b'], 1), bench.seconds
    for figure in ['peer-memory'] + ['%s-%d' % (kind, n) for n in PEERS for kind in (
            'peers-udp', 'peers-tcp', 'flows-tcp')]:
        bench.forget(figure)
    try:
        swarm.start()
        bridge.start()
        swarm.grow(1000)
        peers_memory(bench, swarm)
        for bench.round in range(bench.rounds):
            for n in PEERS:
                bench.attempt('peers-udp-%d' % n, 'static',
                              lambda: traffic.udp(swarm, 1300, 'gso', s, (first, n)))
                bench.attempt('peers-tcp-%d' % n, 'static', lambda: traffic.tcp(swarm, n, s, first))
                for name, stack in ('static', swarm), ('bridge', bridge):
                    bench.attempt('flows-tcp-%d' % n, name, lambda: traffic.tcp(stack, n, s))
    finally:
        swarm.stop()
        bridge.stop()


def group_churn(bench):
    """500 idle peers per second come and go on both ends while four others carry traffic."""
    rate, seconds = 500, bench.seconds
    swarm = Swarm(bench.host)

    def churned():
        for process in swarm.processes:
            process.stdin.write('churn 1001 500 %d %g\n' % (rate, seconds))
            process.stdin.flush()
        return {}

    def settle(sample):
        answers = [int(p.stdout.readline()) for p in swarm.processes]
        return dict(sample, churn_rate=min(answers) / seconds)

    try:
        swarm.start()
        swarm.grow(4)
        swarm.command('add 1001 500')
        for figure in 'churn-none', 'churn-500':
            bench.forget(figure)
        for bench.round in range(bench.rounds):
            bench.attempt('churn-none', 'static', lambda: traffic.tcp(
                swarm, 4, seconds, source_base=nth(BASE['b'], 1)))
            bench.attempt('churn-500', 'static', lambda: settle(traffic.tcp(
                swarm, 4, seconds, source_base=nth(BASE['b'], 1), meanwhile=churned)))
    finally:
        swarm.stop()


def group_workers(bench):
    """One peer, 4 flows, 1 and 2 workers on the same two processors."""
    if bench.host.pinned:
        return
    for figure in 'workers', 'workers-order':
        bench.forget(figure)
    pair = {}
    try:
        for workers in 1, 2:
            pair[workers] = stacks.Tunnel(bench.host, 20 + workers, workers=workers)
            pair[workers].start()
        time.sleep(1)
        for bench.round in range(bench.rounds):
            for workers, stack in pair.items():
                bench.attempt('workers', str(workers),
                              lambda: traffic.tcp(stack, 4, bench.seconds))
        for workers, stack in pair.items():
            bench.attempt('workers-order', str(workers),
                          lambda: traffic.order(stack, bench.seconds))
    finally:
        for stack in pair.values():
            stack.stop()


def group_profile(bench):
    bench.turns(['opendco', 'null'],
                {'profile': lambda stack: profile_run.record(stack, bench.seconds)}, 1)


def group_instructions(bench):
    """Does the work per packet grow with the number of workers?"""
    if bench.host.pinned:
        return
    bench.forget('instructions')
    for workers in 1, 2, 4, 8:
        bench.attempt('instructions', str(workers),
                      lambda: profile_run.instructions(bench.host, workers, 4))


GROUPS = {
    'tcp': group_tcp, 'chacha': group_chacha, 'plain-link': group_plain_link, 'udp': group_udp,
    'rtt': group_rtt, 'syscalls': group_syscalls, 'peers': group_peers, 'churn': group_churn,
    'workers': group_workers, 'profile': group_profile, 'instructions': group_instructions,
}
# Which groups need which stacks up; the others start their own.
STACKS = {'tcp': ALL, 'plain-link': ALL, 'udp': ALL, 'rtt': ALL, 'syscalls': ALL,
          'profile': ALL, 'chacha': ['stock-chacha', 'opendco-chacha']}


def group_run(bench, group):
    """A group that cannot run costs its own figures only."""
    try:
        GROUPS[group](bench)
    except Failure as failure:
        print('%-9s group %s FAILED: %s' % (bench.pinning(), group, failure), flush=True)


def run(bench, groups):
    names = {name for group in groups for name in STACKS.get(group, ())}
    try:
        bench.start(names)
        for name, stack in bench.up.items():
            if getattr(stack, 'opendco', False) and not stack.offloaded():
                raise Failure('%s is not offloaded: %s' % (
                    name, bench.host.log(stack.device + '-a.log')[-1500:]))
        for group in groups:
            if group in STACKS:
                group_run(bench, group)
    finally:
        bench.stop()
    for group in groups:
        if group not in STACKS:
            group_run(bench, group)


def quick(bench):
    """The figures that a change to the data path moves first."""
    bench.start(['stock', 'opendco', 'static', 'null'])
    try:
        bench.turns(OURS, {
            'tcp1': lambda stack: traffic.tcp(stack, 1, bench.seconds),
            'udp64': lambda stack: traffic.udp(stack, 64, 'one', bench.seconds)})
        bench.turns(['stock', 'opendco'], {
            'rtt-idle': lambda stack: traffic.rtt(stack, 300, False)}, 1)
    finally:
        bench.stop()
