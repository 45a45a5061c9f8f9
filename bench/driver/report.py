# SPDX-License-Identifier: BSD-2-Clause
"""Writes the plots and the parts of the document between its markers."""
import os
import re

import figures
import plot
from stacks import KINDS, LABEL

# Under docs/; each kind of machine has its own document.
NAME = os.environ.get('BENCH_DOCUMENT', 'performance')
DOCUMENT = os.path.join('docs', NAME + '.md')

# Rows of the overview: figure, label, key, format.
ROWS = [
    ('tcp1', 'TCP, 1 flow, Gbit/s', 'gbit', '%.2f'),
    ('tcp4', 'TCP, 4 flows, Gbit/s', 'gbit', '%.2f'),
    ('tcp-both', 'TCP, both directions at once, Gbit/s', 'gbit', '%.2f'),
    ('tcp1-plain-link', 'TCP, 1 flow, link without UDP segmentation, Gbit/s', 'gbit', '%.2f'),
    ('tcp4-plain-link', 'TCP, 4 flows, the same link, Gbit/s', 'gbit', '%.2f'),
    ('udp1300', 'UDP, 1300 bytes one by one, kpps', 'kpps', '%.0f'),
    ('udp1300-gso', 'UDP, 1300 bytes by UDP_SEGMENT, kpps', 'kpps', '%.0f'),
    ('udp256', 'UDP, 256 bytes, kpps', 'kpps', '%.0f'),
    ('udp64', 'UDP, 64 bytes, kpps', 'kpps', '%.0f'),
    ('rtt-idle', 'round trip, idle, p50, us', 'p50', '%.0f'),
    ('rtt-idle', 'round trip, idle, p99, us', 'p99', '%.0f'),
    ('rtt-loaded', 'round trip beside a TCP flow, p50, us', 'p50', '%.0f'),
    ('rtt-loaded', 'round trip beside a TCP flow, p99, us', 'p99', '%.0f'),
    ('rtt-loaded', 'that TCP flow, Gbit/s', 'gbit', '%.2f'),
    ('tcp1', 'CPU seconds of both ends per Gbit of TCP', 'cpu_per_gbit', '%.3f'),
    ('syscalls', 'system calls per 1000 inner packets', 'per_1000', '%.0f'),
    ('tcp1', 'context switches per 1000 inner packets', 'switches_per_1000', '%.1f'),
]
STACKS = [name for name in KINDS if not name.endswith('chacha')]


def table(header, rows):
    lines = ['| ' + ' | '.join(header) + ' |', '|' + '---|' * len(header)]
    return lines + ['| ' + ' | '.join(row) + ' |' for row in rows]


def overview(samples, pinning):
    """Medians of every stack, one row per figure."""
    rows = []
    for figure, label, key, form in ROWS:
        found = [figures.median(samples, pinning, figure, name, key) for name in STACKS]
        if any(v is not None for v in found):
            rows.append([label] + ['-' if v is None else form % v for v in found])
    if not rows:
        return []
    return table([pinning] + [LABEL[name] for name in STACKS], rows)


def chacha(samples, pinning):
    found = [figures.median(samples, pinning, 'tcp1-chacha', name, 'gbit')
             for name in ('stock-chacha', 'opendco-chacha')]
    if None in found:
        return []
    return ['', 'CHACHA20-POLY1305, TCP, 1 flow: openvpn %.2f Gbit/s, OpenDCO %.2f.' % tuple(found)]


def peers(samples, pinning):
    rows = []
    for n in 1, 10, 100, 1000:
        found = [figures.median(samples, pinning, '%s-%d' % (figure, n), stack, key)
                 for figure, stack, key in (('peers-udp', 'static', 'kpps'),
                                            ('peers-tcp', 'static', 'gbit'),
                                            ('flows-tcp', 'static', 'gbit'),
                                            ('flows-tcp', 'bridge', 'gbit'))]
        if None not in found:
            rows.append([str(n), '%.0f' % found[0]] + ['%.2f' % value for value in found[1:]])
    if not rows:
        return []
    return [''] + table([pinning + ': N peers or flows', 'UDP_SEGMENT spread over N peers, kpps',
                         'TCP, N peers with a flow each, Gbit/s',
                         'TCP, one peer with N flows, Gbit/s',
                         'TCP, TUN to TUN with N flows, Gbit/s'], rows)


SCALE = (
    ('peer-memory', 'static', 'bytes_per_peer', 'memory per idle peer with its key', '%.0f bytes'),
    ('churn-none', 'static', 'gbit', '4 peers with traffic, nothing else', '%.2f Gbit/s'),
    ('churn-500', 'static', 'gbit', 'the same while peers are removed and added', '%.2f Gbit/s'),
    ('churn-500', 'static', 'churn_rate', 'peers removed and added per second, each end', '%.0f'),
    ('workers', '1', 'gbit', 'one peer, 4 TCP flows, 1 worker', '%.2f Gbit/s'),
    ('workers', '2', 'gbit', 'one peer, 4 TCP flows, 2 workers', '%.2f Gbit/s'),
    ('workers-order', '2', 'packets', '2 workers: packets inspected on the wire', '%.0f'),
    ('workers-order', '2', 'late', 'of them out of id order', '%.0f'),
    ('workers-order', '2', 'reordered', 'inner TCP segments out of order', '%.0f'))


def scale(samples, pinning):
    rows = []
    for figure, stack, key, label, form in SCALE:
        value = figures.median(samples, pinning, figure, stack, key)
        if value is not None:
            rows.append([label, form % value])
    return [''] + table([pinning, ''], rows) if rows else []


OTHERS = 'other processes of the machine'
COPIES = 'of this, copies between kernel and tunnel process'


def profile(samples):
    """Shares of the busy time, other processes of the machine left out."""
    runs = samples.get('pinned', {}).get('profile', {})
    parts = {name: {part: share for part, share in found[-1].items() if part not in ('gbit', 'round')}
             for name, found in runs.items()}
    if not parts:
        return ['Not measured.']
    names = [name for name in ('opendco', 'null') if name in parts]
    rows = []
    for part in sorted(set().union(*parts.values()) - {OTHERS, COPIES},
                       key=lambda p: -parts[names[0]].get(p, 0)) + [COPIES]:
        rows.append([part] + ['%.1f %%' % (100 * parts[name].get(part, 0) /
                                           (1 - parts[name].get(OTHERS, 0))) for name in names])
    return table(['share of busy time, TCP, 1 flow, pinned'] + [LABEL[name] for name in names], rows)


def instructions(samples):
    runs = samples.get('unpinned', {}).get('instructions', {})
    rows = [[workers, '%d' % runs[workers][-1]['threads'],
             '%.0f' % runs[workers][-1]['instructions']]
            for workers in ('1', '2', '4', '8') if runs.get(workers)]
    if not rows:
        return ['Not measured.']
    return table(['workers', 'busy workers', 'instructions per packet, all workers together'], rows)


def goals(samples):
    rows = []
    for pinning in figures.PINNINGS:
        for cell in figures.cells(samples, pinning):
            if cell.value is None:
                continue
            rows.append([pinning, cell.text, cell.value_text(), cell.goal_text(),
                         'yes' if cell.met() else '**no**'])
    return table(['', 'figure', 'value', 'goal', 'met'], rows)


def plots(top, samples):
    """The names of the plots that were written, relative to docs/."""
    written = []
    legend = [(name, LABEL[name]) for name in STACKS]
    wanted = (
        ('throughput', 'TCP', 'Gbit/s', 'gbit',
         [('tcp1', '1 flow'), ('tcp4', '4 flows'), ('tcp-both', 'both directions'),
          ('tcp1-plain-link', 'link without USO')]),
        ('packets', 'UDP', 'thousand datagrams per second', 'kpps',
         [('udp1300', '1300 bytes'), ('udp1300-gso', '1300, UDP_SEGMENT'), ('udp256', '256 bytes'),
          ('udp64', '64 bytes')]))
    for name, title, unit, key, kinds in wanted:
        groups = []
        for figure, label in kinds:
            groups.append((label, {stack: figures.median(samples, 'pinned', figure, stack, key)
                                   for stack in STACKS}))
        svg = plot.bars(title + ', one core per host', unit, groups, legend)
        if svg is None:
            continue
        path = '%s-%s.svg' % (NAME, name)
        with open(os.path.join(top, 'docs', path), 'w') as f:
            f.write(svg)
        written.append((title, path))
    return written


def head(samples):
    about = samples.get('about', {})
    load = about.get('load', [0, 0])
    return ['Measured %s on %s.' % (about.get('when', '?'), about.get('machine', '?')),
            'Figures are medians of %s runs of %g s; all tunnels are up at once and take turns.' % (
                about.get('rounds', '?'), about.get('seconds', 0)),
            'The load average was %.1f before and %.1f after; the bench itself causes about 2.' %
            tuple(load)]


def replace(document, marker, lines):
    start, end = '<!-- bench:%s -->' % marker, '<!-- /bench:%s -->' % marker
    if start not in document or end not in document:
        raise SystemExit('%s has no place marked %s' % (DOCUMENT, start))
    return re.sub(re.escape(start) + '.*?' + re.escape(end),
                  lambda _: '\n'.join([start, ''] + lines + ['', end]), document, flags=re.S)


def write(top, samples):
    path = os.path.join(top, DOCUMENT)
    with open(path) as f:
        document = f.read()
    results = head(samples)
    for title, name in plots(top, samples):
        results += ['', '![%s](%s)' % (title, name)]
    for pinning in figures.PINNINGS:
        if samples.get(pinning):
            results += [''] + overview(samples, pinning) + chacha(samples, pinning)
            results += peers(samples, pinning) + scale(samples, pinning)
    document = replace(document, 'results', results)
    for marker, part in ('goals', goals), ('profile', profile), ('instructions', instructions):
        document = replace(document, marker, part(samples))
    with open(path + '.new', 'w') as f:
        f.write(document)
    os.replace(path + '.new', path)
