# SPDX-License-Identifier: BSD-2-Clause
"""Two network namespaces joined by a veth pair, and the processes in them.

Everything started or made here is ended and removed by Host.close(), by process id, whatever way the
program leaves. A "side" is "a" or "b"; data flows from b to a unless a run says otherwise.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

OUTER = {'a': '10.77.0.1', 'b': '10.77.0.2'}
TICK = os.sysconf('SC_CLK_TCK')


class Failure(Exception):
    """Something that was needed did not work; the text says what."""


class Host:
    """pinned: every process of side a runs on one processor and every one of b on another."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.prefix = 'ob%d' % os.getpid()
        self.work = tempfile.mkdtemp(prefix='opendco-bench.')
        self.pinned = False
        self.children = []
        self.cpus = sorted(os.sched_getaffinity(0))
        self.namespaces = []
        self.port = 20000

    def program(self, name):
        return os.path.join(self.build, 'bench', name)

    def namespace(self, side):
        return '%s-%s' % (self.prefix, side)

    def sh(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure('%s: %s' % (' '.join(command), done.stderr.strip() or done.stdout.strip()))
        return done.stdout

    def ip(self, side, *arguments):
        return self.sh('ip', '-n', self.namespace(side), *arguments)

    def open(self):
        for side in 'ab':
            self.sh('ip', 'netns', 'add', self.namespace(side))
            self.namespaces.append(self.namespace(side))
            self.ip(side, 'link', 'set', 'lo', 'up')
        self.ip('a', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0',
                'netns', self.namespace('b'))
        for side in 'ab':
            self.ip(side, 'addr', 'add', OUTER[side] + '/24', 'dev', 'eth0')
            self.ip(side, 'link', 'set', 'eth0', 'up')

    def link_offloads(self, on):
        """Off: a link whose device cannot segment; what it receives is aggregated in software, with
        the kernel's defaults."""
        state = 'on' if on else 'off'
        for side in 'ab':
            self.sh(*self.inside(side, ['ethtool', '-K', 'eth0', 'tso', state, 'gso', state,
                                        'tx-udp-segmentation', state, 'gro', 'off' if on else 'on']))

    def inside(self, side, command):
        return ['ip', 'netns', 'exec', self.namespace(side)] + command

    def cpu(self, side):
        return self.cpus[0 if side == 'a' else 1 % len(self.cpus)]

    def placed(self, side, command):
        if self.pinned:
            command = ['taskset', '-c', str(self.cpu(side))] + command
        return self.inside(side, command)

    def start(self, side, command, log=None, env=None, **more):
        """A process that runs until stop(). log: file name for its output."""
        out = open(os.path.join(self.work, log), 'ab') if log else None
        child = subprocess.Popen(
            self.placed(side, command) if side else command,
            stdin=more.pop('stdin', subprocess.DEVNULL), stdout=more.pop('stdout', out),
            stderr=out if out else None, env=dict(os.environ, **(env or {})), **more)
        if out:
            out.close()
        self.children.append(child)
        return child

    def talker(self, side, command, env=None):
        """A process with text pipes both ways whose first line is "ready"."""
        child = self.start(side, command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           text=True)
        line = child.stdout.readline()
        if line.strip() != 'ready':
            raise Failure('%s did not start: %s' % (' '.join(command), line.strip()))
        return child

    def stop(self, child, patience=5.0):
        if child in self.children:
            self.children.remove(child)
        if child.poll() is None:
            if child.stdin and not child.stdin.closed:
                child.stdin.close()
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if child.stdout:
            child.stdout.close()

    def next_port(self):
        self.port = 20000 + (self.port - 20000 + 1) % 10000
        return str(self.port)

    def file(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, 'w') as f:
            f.write(text)
        return path

    def log(self, name):
        try:
            with open(os.path.join(self.work, name)) as f:
                return f.read()
        except OSError:
            return ''

    def close(self):
        for child in list(reversed(self.children)):
            try:
                self.stop(child)
            except OSError as error:
                print('cannot end %d: %s' % (child.pid, error), file=sys.stderr)
        for name in self.namespaces:
            subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
        self.namespaces = []
        shutil.rmtree(self.work, ignore_errors=True)


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failure(what)
        time.sleep(0.05)


def threads(pid):
    try:
        return ['/proc/%d/task/%s' % (pid, t) for t in os.listdir('/proc/%d/task' % pid)]
    except OSError:
        return []


def cpu_seconds(pids):
    """User and system time that these processes have taken so far."""
    total = 0
    for pid in pids:
        with open('/proc/%d/stat' % pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def switches(pids):
    """Voluntary and involuntary context switches of all their threads so far."""
    total = 0
    for pid in pids:
        for thread in threads(pid):
            with open(thread + '/status') as f:
                total += sum(int(line.split()[1]) for line in f if 'ctxt_switches' in line)
    return total


def machine():
    """One line about the machine, for the document."""
    model = 'unknown processor'
    with open('/proc/cpuinfo') as f:
        for line in f:
            if line.startswith('model name'):
                model = line.split(':', 1)[1].strip()
                break
    with open('/proc/meminfo') as f:
        memory = int(f.readline().split()[1]) >> 20
    return '%d processors (%s), %d GiB, Linux %s' % (
        len(os.sched_getaffinity(0)), model, memory, os.uname().release)
