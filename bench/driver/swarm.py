# SPDX-License-Identifier: BSD-2-Clause
"""Many peers: the product's plane in server mode on both ends, with fixed keys, one device and port.

Side a owns the inner addresses 10.96.0.0/16, side b 10.97.0.0/16; peer i connects address i of the
one with address i of the other. openvpn takes no part: what is measured is the plane's tables, not a
thousand TLS sessions.
"""
from host import OUTER
from stacks import Stack

BASE = {'a': '10.96.0.0', 'b': '10.97.0.0'}
PORT = 4999


def nth(base, i):
    a, b, _, _ = base.split('.')
    return '%s.%s.%d.%d' % (a, b, i >> 8, i & 255)


class Swarm(Stack):
    def __init__(self, host, workers=None):
        super().__init__(host, 0)
        self.device = 'swarm'
        self.workers = workers
        self.peers = 0

    def program(self, side):
        return [self.host.program('swarm')]

    def start(self):
        for side, other in ('a', 'b'), ('b', 'a'):
            self.processes.append(self.host.talker(
                side, self.program(side) + [self.device, OUTER[side], str(PORT), OUTER[other],
                                            str(int(side == 'b')), BASE[other]],
                env={'WORKERS': str(self.workers or 1)}))
            self.host.ip(side, 'link', 'set', self.device, 'mtu', '1500', 'up')
            self.host.ip(side, 'addr', 'add', nth(BASE[side], 1) + '/32', 'dev', self.device)
            self.host.ip(side, 'route', 'replace', BASE[other] + '/16', 'dev', self.device,
                         'src', nth(BASE[side], 1))
            # The whole network is local: any of its addresses can be bound.
            self.host.ip(side, 'route', 'replace', 'local', BASE[side] + '/16', 'dev', 'lo')
        self.first(1)

    def first(self, i):
        """The peer that traffic starts from."""
        self.addr = {side: nth(BASE[side], i) for side in 'ab'}

    def command(self, line):
        answers = []
        for process in self.processes:
            process.stdin.write(line + '\n')
            process.stdin.flush()
        for process in self.processes:
            answers.append(process.stdout.readline().strip())
        return answers

    def grow(self, peers):
        if peers > self.peers:
            self.command('add %d %d' % (self.peers + 1, peers - self.peers))
            self.peers = peers

    def memory(self):
        return [int(answer) for answer in self.command('memory')]
