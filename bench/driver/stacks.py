# SPDX-License-Identifier: BSD-2-Clause
"""The tunnels that are compared. All are up at once, each with devices, subnet and port of its own.

A stack has inner addresses (addr['a'], addr['b']), and the process ids that the tunnel runs in.
"""
import os
import shutil
import subprocess

from host import OUTER, Failure, until


class Stack:
    def __init__(self, host, number):
        self.host = host
        self.number = number
        self.addr = {'a': '10.%d.0.1' % (100 + number), 'b': '10.%d.0.2' % (100 + number)}
        self.processes = []
        self.device = 'bench%d' % number

    def pids(self):
        return [p.pid for p in self.processes]

    def configure(self, mtu):
        for side in 'ab':
            self.host.ip(side, 'addr', 'add', self.addr[side] + '/24', 'dev', self.device)
            self.host.ip(side, 'link', 'set', self.device, 'mtu', str(mtu), 'up')

    def stop(self):
        for process in reversed(self.processes):
            self.host.stop(process)
        self.processes = []


class OpenVPN(Stack):
    """Stock openvpn; through OpenDCO when opendco is set."""

    def __init__(self, host, number, opendco=False, lines=(), workers=None):
        super().__init__(host, number)
        self.opendco = opendco
        self.lines = list(lines)
        self.workers = workers

    def common(self, side):
        pki = os.path.join(self.host.work, 'pki')
        return ['dev %s' % self.device, 'dev-type tun', 'ca %s/ca.crt' % pki,
                'cert %s/%s.crt' % (pki, side), 'key %s/%s.key' % (pki, side),
                'verb 3'] + self.lines

    def config(self, side):
        port = 5000 + self.number
        if side == 'a':
            lines = ['proto udp4', 'local %s' % OUTER['a'], 'port %d' % port, 'dh none',
                     'topology subnet', 'server 10.%d.0.0 255.255.255.0' % (100 + self.number),
                     'keepalive 10 60']
        else:
            lines = ['client', 'proto udp4', 'remote %s %d' % (OUTER['a'], port), 'nobind',
                     'remote-cert-tls server']
        text = '\n'.join(self.common(side) + lines) + '\n'
        return self.host.file('%s-%s.conf' % (self.device, side), text)

    def command(self, side):
        command = ['openvpn', '--config', self.config(side)]
        if not self.opendco:
            return command + ['--disable-dco']
        options = ['--workers', str(self.workers)] if self.workers else []
        return [os.path.join(self.host.build, 'opendco'), 'run'] + options + ['--'] + command

    def start(self):
        pki_make(self.host)
        for side in 'ab':
            log = '%s-%s.log' % (self.device, side)
            runtime = os.path.join(self.host.work, 'run-%s-%s' % (self.device, side))
            process = self.host.start(side, self.command(side), log=log,
                                      env={'OPENDCO_RUNTIME_DIR': runtime})
            self.processes.append(process)
            until(lambda: process.poll() is not None or
                  'Initialization Sequence Completed' in self.host.log(log), 20,
                  '%s is not up: %s' % (log, self.host.log(log)[-2000:]))
            if process.poll() is not None:
                raise Failure('%s ended: %s' % (log, self.host.log(log)[-2000:]))

    def offloaded(self):
        """Did the plane, not openvpn, carry the packets? From `opendco status`, both ends."""
        for side in 'ab':
            runtime = os.path.join(self.host.work, 'run-%s-%s' % (self.device, side))
            done = subprocess.run(
                [os.path.join(self.host.build, 'opendco'), 'status', '--json'],
                env=dict(os.environ, OPENDCO_RUNTIME_DIR=runtime), capture_output=True, text=True)
            if '"active": true' not in done.stdout and '"active":true' not in done.stdout:
                return False
        return True


class WireGuardGo(Stack):
    def start(self):
        keys = {}
        for side in 'ab':
            private = self.host.sh('wg', 'genkey').strip()
            public = subprocess.run(['wg', 'pubkey'], input=private, capture_output=True,
                                    text=True).stdout.strip()
            keys[side] = private, public
        # The control sockets of both live in one folder, so the names differ.
        for side in 'ab':
            name = self.name(side)
            self.processes.append(self.host.start(
                side, ['wireguard-go', '-f', name], log=name + '.log',
                env={'WG_PROCESS_FOREGROUND': '1'}))
            path = '/var/run/wireguard/%s.sock' % name
            until(lambda: os.path.exists(path), 5,
                  'wireguard-go is not up: ' + self.host.log(name + '.log')[-500:])
            self.join(side, keys)

    def name(self, side):
        return 'wg%s%d' % (side, os.getpid())

    def join(self, side, keys):
        other = 'b' if side == 'a' else 'a'
        port = 5000 + self.number
        path = self.host.file('wg-%s.conf' % side, '\n'.join([
            '[Interface]', 'PrivateKey = ' + keys[side][0], 'ListenPort = %d' % port, '[Peer]',
            'PublicKey = ' + keys[other][1], 'AllowedIPs = 0.0.0.0/0',
            'Endpoint = %s:%d' % (OUTER[other], port), '']))
        self.host.sh(*self.host.inside(side, ['wg', 'setconf', self.name(side), path]))
        self.host.ip(side, 'addr', 'add', self.addr[side] + '/24', 'dev', self.name(side))
        self.host.ip(side, 'link', 'set', self.name(side), 'mtu', '1420', 'up')


class Tunnel(Stack):
    """The product's plane with fixed keys and without openvpn; null: with no cipher."""

    def __init__(self, host, number, null=False, cipher='aes-256-gcm', workers=None):
        super().__init__(host, number)
        self.null = null
        self.cipher = cipher
        self.workers = workers

    def start(self):
        workers = self.workers or (1 if self.host.pinned else min(2, len(self.host.cpus)))
        env = {'WORKERS': str(workers)}
        for side, other in ('a', 'b'), ('b', 'a'):
            self.processes.append(self.host.talker(
                side, [self.host.program('tunnel-null' if self.null else 'tunnel'), self.device,
                       OUTER[side], str(5000 + self.number), OUTER[other], str(int(side == 'b')),
                       self.cipher], env=env))
        self.configure(1500)


class Bridge(Stack):
    """TUN to TUN, no UDP: the floor of the TUN hop. One process serves both namespaces."""

    def start(self):
        command = [self.host.program('tunbridge')]
        command += ['/run/netns/' + self.host.namespace(side) for side in 'ab'] + [self.device]
        if self.host.pinned:
            command += [str(self.host.cpu('a')), str(self.host.cpu('b'))]
        self.processes.append(self.host.talker(None, command))
        self.configure(1396 + 40)


def pki_make(host):
    """An authority and one certificate for each side, for this run only."""
    pki = os.path.join(host.work, 'pki')
    if os.path.exists(pki + '/b.crt'):
        return
    os.makedirs(pki)
    new = ['openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    host.sh(*new, '-x509', '-days', '2', '-subj', '/CN=bench', '-keyout', pki + '/ca.key',
            '-out', pki + '/ca.crt')
    for side, usage in ('a', 'serverAuth'), ('b', 'clientAuth'):
        extensions = host.file('pki/%s.ext' % side, 'keyUsage=digitalSignature\n'
                               'extendedKeyUsage=%s\n' % usage)
        host.sh(*new, '-new', '-subj', '/CN=' + side, '-keyout', '%s/%s.key' % (pki, side),
                '-out', '%s/%s.csr' % (pki, side))
        host.sh('openssl', 'x509', '-req', '-in', '%s/%s.csr' % (pki, side), '-CA', pki + '/ca.crt',
                '-CAkey', pki + '/ca.key', '-CAcreateserial', '-days', '2', '-extfile', extensions,
                '-out', '%s/%s.crt' % (pki, side))


TUNED = ['fast-io', 'sndbuf 2097152', 'rcvbuf 2097152', 'txqueuelen 2000']
# Fewer and larger packets inside, fragments outside: fast on a link that loses none of them.
JUMBO = TUNED + ['tun-mtu 48000', 'mssfix 0']
CHACHA = ['data-ciphers CHACHA20-POLY1305']

# Every stack by the name it has in samples and tables: what it is, and how to make it.
KINDS = {
    'stock': ('openvpn, defaults', lambda h, n: OpenVPN(h, n)),
    'tuned': ('openvpn, tuned', lambda h, n: OpenVPN(h, n, lines=TUNED)),
    'jumbo': ('openvpn, tuned, tun-mtu 48000', lambda h, n: OpenVPN(h, n, lines=JUMBO)),
    'wggo': ('wireguard-go', WireGuardGo),
    'opendco': ('OpenDCO', lambda h, n: OpenVPN(h, n, opendco=True)),
    'static': ('our plane, fixed keys', lambda h, n: Tunnel(h, n)),
    'null': ('our plane, no cipher', lambda h, n: Tunnel(h, n, null=True)),
    'bridge': ('TUN to TUN', Bridge),
    'stock-chacha': ('openvpn, ChaCha20', lambda h, n: OpenVPN(h, n, lines=CHACHA)),
    'opendco-chacha': ('OpenDCO, ChaCha20', lambda h, n: OpenVPN(h, n, opendco=True, lines=CHACHA)),
}
LABEL = {name: label for name, (label, _) in KINDS.items()}


def available(name):
    """None, or why this stack cannot run here."""
    if name == 'wggo' and not (shutil.which('wireguard-go') and shutil.which('wg')):
        return 'wireguard-go and wireguard-tools are not installed'
    return None


def start(host, names):
    """The stacks of these names, up. Those that are not available are left out."""
    stacks = {}
    for number, name in enumerate(KINDS):
        if name not in names or available(name):
            continue
        stack = KINDS[name][1](host, number + 1)
        stack.start()
        stacks[name] = stack
    return stacks
