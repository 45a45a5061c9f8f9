# SPDX-License-Identifier: BSD-2-Clause
"""Called by bench/run, which describes the arguments."""
import json
import os
import signal
import sys
import time

import figures
import plan
import report
from host import Failure, Host, machine

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')


def setting(name, default, low, high):
    text = os.environ.get(name, '')
    try:
        value = float(text) if text else default
    except ValueError:
        sys.exit('%s="%s" is not a number' % (name, text))
    if not low <= value <= high:
        sys.exit('%s=%s is not between %g and %g' % (name, text, low, high))
    return value


def load(path, default):
    try:
        with open(path) as f:
            return json.load(f)
    except FileNotFoundError:
        return default


def save(path, what):
    with open(path + '.new', 'w') as f:
        json.dump(what, f, indent=1)
        f.write('\n')
    os.replace(path + '.new', path)


def measure(build, samples, pinned, work, seconds, rounds):
    host = Host(build)
    host.pinned = pinned
    try:
        host.open()
        work(plan.Bench(host, samples, seconds, rounds))
    finally:
        host.close()


def told(cells, floors):
    """Prints every cell. Returns how many are below their floor."""
    fallen = 0
    for cell in cells:
        if cell.value is None:
            print('%-28s not measured' % cell.name)
            continue
        note = '' if cell.met() else '  goal not met'
        if figures.under_floor(cell, floors):
            note = '  BELOW ITS FLOOR of %g' % floors[cell.name] if cell.at_least else \
                '  ABOVE ITS LIMIT of %g' % floors[cell.name]
            fallen += 1
        print('%-28s %8s  (goal %s)%s' % (cell.name, cell.value_text(), cell.goal_text(), note))
    return fallen


def full(build, groups):
    path = os.path.join(build, 'bench-samples.json')
    samples = load(path, {}) if groups else {}
    unknown = [g for g in groups if g not in plan.GROUPS]
    if unknown:
        sys.exit('there is no group %s; the groups are: %s' % (unknown[0], ' '.join(plan.GROUPS)))
    seconds = setting('BENCH_SECONDS', 2, 0.3, 60)
    rounds = int(setting('BENCH_ROUNDS', 5, 1, 100))
    pinnings = os.environ.get('BENCH_PIN', 'both')
    if pinnings not in ('both', 'pinned', 'unpinned'):
        sys.exit('BENCH_PIN="%s" is not pinned, unpinned or both' % pinnings)
    load_before = os.getloadavg()[0]
    for pinning in figures.PINNINGS:
        if pinnings not in ('both', pinning):
            continue
        try:
            measure(build, samples, pinning == 'pinned',
                    lambda bench: plan.run(bench, groups or list(plan.GROUPS)), seconds, rounds)
        finally:
            samples.setdefault('about', {}).update(
                machine=machine(), seconds=seconds, rounds=rounds, load=[load_before, os.getloadavg()[0]],
                when=time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()))
            save(path, samples)
    return report_all(build, samples)


def report_all(build, samples):
    floors = load(os.path.join(TOP, 'bench', 'floors.json'), {})
    entries, fallen = [], 0
    for pinning in figures.PINNINGS:
        cells = figures.cells(samples, pinning)
        entries += [cell.json(samples, pinning) for cell in cells]
        fallen += told(cells, floors)
    save(os.path.join(build, 'bench.json'), entries)
    report.write(TOP, samples)
    print('%d figures: %d met their goal, %d did not, %d were not measured; %d are beyond their floor' % (
        len(entries), sum(e['met'] is True for e in entries),
        sum(e['met'] is False for e in entries), sum(e['met'] is None for e in entries), fallen))
    return 1 if fallen else 0


def quick(build):
    samples = {}
    measure(build, samples, True, plan.quick, 0.8, 3)
    floors = load(os.path.join(TOP, 'bench', 'floors.json'), {})
    cells = [c for c in figures.cells(samples, 'pinned') if c.value is not None]
    save(os.path.join(build, 'bench-quick.json'), [c.json(samples, 'pinned') for c in cells])
    fallen = told(cells, floors)
    return 1 if fallen else 0


def main():
    build = os.environ.get('BUILD', 'build')
    for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        if sys.argv[1] == 'quick':
            return quick(build)
        if sys.argv[1] == 'report':
            return report_all(build, load(os.path.join(build, 'bench-samples.json'), {}))
        return full(build, sys.argv[2:])
    except Failure as failure:
        print('bench: %s' % failure, file=sys.stderr)
        return 1


sys.exit(main())
