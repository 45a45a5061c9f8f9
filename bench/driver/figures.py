# SPDX-License-Identifier: BSD-2-Clause
"""The goals, one cell each, computed from samples, and the regression floors.

A ratio is the median of the ratios of the rounds. The two runs of a round follow each other within
seconds, so a machine that is slower for a while is slower for both."""
import statistics

PINNINGS = ('pinned', 'unpinned')


def values(samples, pinning, figure, stack, key):
    runs = samples.get(pinning, {}).get(figure, {}).get(stack, [])
    return [run[key] for run in runs if key in run]


def median(samples, pinning, figure, stack, key):
    """None where nothing was measured."""
    found = values(samples, pinning, figure, stack, key)
    return statistics.median(found) if found else None


def by_round(samples, pinning, figure, stack, key):
    """round -> value. Samples in old files have no round number but are in order."""
    runs = samples.get(pinning, {}).get(figure, {}).get(stack, [])
    return {run.get('round', i): run[key] for i, run in enumerate(runs) if key in run}


def ratio(above, below):
    """The median ratio of two by_round(); None if no round has both."""
    found = [above[r] / below[r] for r in above if below.get(r)]
    return statistics.median(found) if found else None


class Cell:
    """One figure with its goal: a minimum if at_least is set, else a maximum."""

    def __init__(self, name, text, value, goal, at_least=True, raw=(), unit='x'):
        self.name = name
        self.text = text
        self.value = value
        self.goal = goal
        self.at_least = at_least
        self.raw = raw  # (figure, stack, key) of every sample behind it
        self.unit = unit

    def met(self):
        if self.value is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def goal_text(self):
        return '%s %g%s' % ('>=' if self.at_least else '<=', self.goal,
                            ' x' if self.unit == 'x' else self.unit and ' ' + self.unit)

    def value_text(self):
        return ('%.0f' if self.value >= 1000 else '%.3g') % self.value

    def json(self, samples, pinning):
        raw = {'/'.join(where): values(samples, pinning, *where) for where in self.raw}
        value = None if self.value is None else float('%.4g' % self.value)
        return {'figure': self.name, 'value': value, 'goal': self.goal_text(), 'met': self.met(),
                'text': self.text, 'raw': raw}


class Cells:
    """Collects the cells of one pinning."""

    def __init__(self, samples, pinning):
        self.samples = samples
        self.pinning = pinning
        self.cells = []

    def median(self, *where):
        return median(self.samples, self.pinning, *where)

    def ratio(self, name, text, top, bottom, goal, at_least=True):
        value = ratio(*(by_round(self.samples, self.pinning, *where) for where in (top, bottom)))
        self.cells.append(Cell('%s/%s' % (self.pinning, name), text, value, goal, at_least,
                               (top, bottom)))

    def plain(self, name, text, where, goal, unit, at_least=False):
        self.cells.append(Cell('%s/%s' % (self.pinning, name), text, self.median(*where), goal,
                               at_least, (where,), unit))


def throughput(c):
    for flows in '1', '4':
        figure = 'tcp' + flows
        c.ratio(figure, 'TCP, %s flow(s), against stock' % flows, (figure, 'opendco', 'gbit'),
                (figure, 'stock', 'gbit'), 20)
        c.ratio(figure + '-ceiling', 'TCP, %s flow(s), against no cipher' % flows,
                (figure, 'opendco', 'gbit'), (figure, 'null', 'gbit'), 0.9)
    c.ratio('tcp-both', 'TCP both directions at once, against stock', ('tcp-both', 'opendco', 'gbit'),
            ('tcp-both', 'stock', 'gbit'), 20)
    c.ratio('tcp1-chacha', 'TCP, CHACHA20-POLY1305, against stock with it',
            ('tcp1-chacha', 'opendco-chacha', 'gbit'), ('tcp1-chacha', 'stock-chacha', 'gbit'), 12)
    for flows, goal in ('1', 10), ('4', 8):
        figure = 'tcp%s-plain-link' % flows
        c.ratio(figure, 'TCP, %s flow(s), link without UDP segmentation, against stock' % flows,
                (figure, 'opendco', 'gbit'), (figure, 'stock', 'gbit'), goal)


def datagrams(c):
    c.ratio('udp1300', 'UDP 1300 bytes one by one, against stock', ('udp1300', 'opendco', 'kpps'),
            ('udp1300', 'stock', 'kpps'), 3)
    c.ratio('udp1300-gso', 'UDP 1300 bytes with UDP_SEGMENT, against stock',
            ('udp1300-gso', 'opendco', 'kpps'), ('udp1300-gso', 'stock', 'kpps'), 12)
    for size in '64', '256':
        figure = 'udp' + size
        c.ratio(figure, 'UDP %s bytes, packets per second, against stock' % size,
                (figure, 'opendco', 'kpps'), (figure, 'stock', 'kpps'),
                6 if c.pinning == 'unpinned' else 3)
        c.ratio(figure + '-ceiling', 'UDP %s bytes, against no cipher' % size,
                (figure, 'opendco', 'kpps'), (figure, 'null', 'kpps'), 0.9)


def latency(c):
    for part in 'p50', 'p99':
        c.ratio('rtt-idle-' + part, 'round trip, idle, %s, against stock' % part,
                ('rtt-idle', 'opendco', part), ('rtt-idle', 'stock', part), 1, False)
    c.ratio('rtt-loaded-p99', 'round trip beside a TCP flow, p99, against stock',
            ('rtt-loaded', 'opendco', 'p99'), ('rtt-loaded', 'stock', 'p99'), 1, False)


def cost(c):
    c.ratio('cpu', 'CPU seconds per gigabit of TCP, against stock',
            ('tcp1', 'opendco', 'cpu_per_gbit'), ('tcp1', 'stock', 'cpu_per_gbit'), 0.05, False)
    c.plain('syscalls', 'system calls per 1000 inner packets, both ends',
            ('syscalls', 'opendco', 'per_1000'), 100, '')
    c.plain('switches', 'context switches per 1000 inner packets, both ends',
            ('tcp1', 'opendco', 'switches_per_1000'), 20, '')


def scale(c):
    c.ratio('peers-1000', 'UDP total spread over 1000 peers, against 1',
            ('peers-udp-1000', 'static', 'kpps'), ('peers-udp-1', 'static', 'kpps'), 0.8)
    c.ratio('peers-100-tcp', 'TCP total, 100 peers with a flow each, against 1 with 100 flows',
            ('peers-tcp-100', 'static', 'gbit'), ('flows-tcp-100', 'static', 'gbit'), 0.8)
    c.ratio('peers-1000-tcp', 'TCP total, 1000 peers with a flow each, against 1 with 1000 flows',
            ('peers-tcp-1000', 'static', 'gbit'), ('flows-tcp-1000', 'static', 'gbit'), 0.8)
    c.ratio('peers-1000-ceiling', 'TCP total, 1000 peers with a flow each, against TUN to TUN',
            ('peers-tcp-1000', 'static', 'gbit'), ('flows-tcp-1000', 'bridge', 'gbit'), 0.8)
    c.plain('peer-memory', 'memory per idle peer', ('peer-memory', 'static', 'bytes_per_peer'), 8192,
            'bytes')
    c.ratio('churn', 'TCP while 500 peers per second come and go, against no churn',
            ('churn-500', 'static', 'gbit'), ('churn-none', 'static', 'gbit'), 0.9)
    if c.pinning == 'unpinned':
        c.ratio('workers', 'one peer, 2 workers against 1, same two processors',
                ('workers', '2', 'gbit'), ('workers', '1', 'gbit'), 1)
        c.plain('order-ids', 'packets out of id order, 2 workers', ('workers-order', '2', 'late'), 0,
                '')
        c.plain('order-segments', 'inner TCP segments out of order, 2 workers',
                ('workers-order', '2', 'reordered'), 0, '')


def cells(samples, pinning):
    c = Cells(samples, pinning)
    for part in throughput, datagrams, latency, cost, scale:
        part(c)
    return c.cells


def under_floor(cell, floors):
    """A floor has the unit of its cell. A value beyond it is a regression."""
    floor = floors.get(cell.name)
    if floor is None or cell.value is None:
        return False
    return cell.value < floor if cell.at_least else cell.value > floor
