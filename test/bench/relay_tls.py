#!/usr/bin/env python3
"""Mail relayed by STARTTLS, Waybill beside Postfix: messages/s and TLS handshakes.

    relay_tls.py [--build DIR] [--hops 1,100] [--messages N] [--octets N] [--sessions N]
                 [--pairs N] [--logins no,yes] [--reuse] [--json]

As root, with Postfix in a root of its own below PEERS_ROOT (peers.py), test/bench/tls_hop
and relay_load built; with logins libsasl2's libplain.so on this machine.  The next hops are
addresses of 127.1.0.0/16 with one certificate (P-256), which both are told to trust; both are told
to encrypt and not to verify.  Each message goes to one of the hops in turn.  The order of a
pair turns (AB BA ...), each server is started anew and warmed with as many messages as there are
hops.  Told are messages accepted and relayed a second, connections, TLS handshakes and
how many of them resumed a session for 1,000 messages, processor time; medians and the ratio of each pair.

Postfix has its session cache (smtp_tls_session_cache_database); with --reuse also
smtp_tls_connection_reuse, which passes sessions on among its processes.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import peers

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'integration'))

USER, PASSWORD = 'bench', 'a-long-enough-password'
PLUGIN = '/usr/lib/x86_64-linux-gnu/sasl2/libplain.so'
PATIENCE_S = 300


class Hops:
    """tls_hop: the next hops of one run."""

    def __init__(self, build, folder, n, login):
        self.port = peers.free_port()
        self.process = subprocess.Popen(
            [f'{build}/test/bench/tls_hop', str(self.port), str(n), f'{folder}/hop.pem',
             f'{folder}/hop.key', *(['login'] if login else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        if self.process.stdout.readline() != 'ready\n':
            sys.exit('tls_hop does not start')

    def count(self):
        """Since it was asked last."""
        self.process.stdin.write('\n')
        return {k: int(v) for k, v in
                re.findall(r'(\w+)=(\d+)', self.process.stdout.readline())}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Postfix(peers.Postfix):
    name = 'Postfix'

    def __init__(self, args, hops, n, login):
        super().__init__('nothing', 0, args.build)
        self.args, self.hops, self.nhops, self.login = args, hops, n, login

    def configure(self):
        super().configure()
        hop = self.hops.port
        self.write('transport', ''.join(
            f'd{i}.bench.example smtp:[127.1.0.{i}]:{hop}\n' for i in range(1, self.nhops + 1)))
        self.make('postmap', 'hash:transport')
        text = f'''
max_use = 1000000
transport_maps = hash:{self.inside}/transport
smtp_tls_security_level = encrypt
smtp_tls_session_cache_database = btree:${{data_directory}}/smtp_scache
'''
        if self.args.reuse:
            text += 'smtp_tls_connection_reuse = yes\n'
        if self.login:
            os.mkdir(f'{self.folder}/sasl')
            shutil.copy(PLUGIN, f'{self.folder}/sasl/')
            self.write('password', ''.join(
                f'[127.1.0.{i}]:{hop} {USER}:{PASSWORD}\n' for i in range(1, self.nhops + 1)))
            self.make('postmap', 'hash:password')
            text += f'''
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = hash:{self.inside}/password
smtp_sasl_tls_security_options = noanonymous
import_environment = MAIL_CONFIG MAIL_LOGTAG TZ LANG=C SASL_PATH={self.inside}/sasl
'''
        with open(f'{self.folder}/main.cf', 'a', encoding='ascii') as f:
            f.write(text)

    def services(self, text):
        return super().services(text) + 'tlsproxy unix - - n - 0 tlsproxy\n'


class Waybill(peers.Waybill):
    def __init__(self, args, hops, n, login):
        super().__init__('nothing', 0, args.build)
        self.hops, self.nhops, self.login = hops, n, login

    def policy(self):
        login = f'auth "{USER}" password file "password"\n    auth in clear\n' if self.login else ''
        return f'''edition 1
hostname "waybill.example.test"
net here = {{ 127.0.0.0/8 }}
map hops = text "hops"
listen smtp on "127.0.0.1:@PORT@"
limits {{ per client 20000 connections; commands 100000000 }}
queue {{ mark 10000000 }}
relay hop {{
    host hops[rcpt.domain] port {self.hops.port}
    tls required
    {login}
}}
on rcpt {{ client.ip in here => accept }}
route {{ otherwise => relay hop }}
'''

    def __enter__(self):
        self.server = self.server_of(self.policy(), start=False, tables={
            'hops': ''.join(f'd{i}.bench.example: 127.1.0.{i}\n'
                            for i in range(1, self.nhops + 1)),
            'password': PASSWORD + '\n'})
        self.server.start()
        self.port = self.server.port
        return self


def load(args, peer, n, hops):
    """Seconds until all were accepted."""
    done = subprocess.run(
        [f'{args.build}/test/bench/relay_load', str(peer.port), str(args.sessions), str(n),
         str(args.octets), str(hops)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f'{peer.name}: {done.stderr}')
    return float(done.stdout)


def drain(hops, n, what):
    """What they have counted when n messages have come."""
    total, end = {}, time.monotonic() + PATIENCE_S
    while total.get('messages', 0) < n:
        if time.monotonic() > end:
            sys.exit(f'{what}: {total} of {n} messages have come')
        time.sleep(0.01)
        for k, v in hops.count().items():
            total[k] = total.get(k, 0) + v
    return total


def run(args, kind, n, login, folder):
    hops = Hops(args.build, folder, n, login)
    try:
        with kind(args, hops, n, login) as peer:
            load(args, peer, max(n, args.sessions), n)
            drain(hops, max(n, args.sessions), peer.name)
            cpu, began = peer.cpu_s(), time.monotonic()
            accepted = load(args, peer, args.messages, n)
            got = drain(hops, args.messages, peer.name)
            took = time.monotonic() - began
            k = 1000 / args.messages
            return {'accepted': args.messages / accepted, 'relayed': args.messages / took,
                    'cpu_ms': (peer.cpu_s() - cpu) * k * 1000,
                    **{w: got[w] * k for w in ('connections', 'handshakes', 'resumed', 'logins')}}
    finally:
        hops.close()


def pairs(args, n, login, folder):
    out = []
    for i in range(args.pairs):
        got = {}
        for kind in ((Waybill, Postfix), (Postfix, Waybill))[i % 2]:
            got[kind.__name__] = run(args, kind, n, login, folder)
            print(f'{n} hops, login {login}, {kind.__name__}: {got[kind.__name__]}',
                  file=sys.stderr)
        out.append(got)
    return out


def row(n, login, got):
    def median(side, what):
        return statistics.median(g[side][what] for g in got)

    def ratio(what):
        return statistics.median(g['Waybill'][what] / g['Postfix'][what] for g in got)
    return {'hops': n, 'login': login, 'accepted_ratio': ratio('accepted'),
            'relayed_ratio': ratio('relayed'), 'cpu_ratio': ratio('cpu_ms'),
            **{f'{side.lower()}_{w}': median(side, w) for side in ('Waybill', 'Postfix')
               for w in ('relayed', 'connections', 'handshakes', 'resumed', 'cpu_ms')}}


def certificate(folder):
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
         '-nodes', '-days', '30', '-keyout', f'{folder}/hop.key', '-out', f'{folder}/hop.pem',
         '-subj', '/CN=hop.bench.example'], check=True, capture_output=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--build', default=os.environ.get('WB_BUILD', '.'))
    parser.add_argument('--hops', default='1,100')
    parser.add_argument('--messages', type=int, default=4000)
    parser.add_argument('--octets', type=int, default=10240)
    parser.add_argument('--sessions', type=int, default=20)
    parser.add_argument('--pairs', type=int, default=3)
    parser.add_argument('--logins', default='no,yes')
    parser.add_argument('--reuse', action='store_true')
    parser.add_argument('--json', action='store_true')
    args = parser.parse_args()
    args.build = os.path.abspath(args.build)
    rows = []
    with peers.tempfile.TemporaryDirectory() as folder:
        certificate(folder)
        for n in map(int, args.hops.split(',')):
            for login in args.logins.split(','):
                rows.append(row(n, login, pairs(args, n, login == 'yes', folder)))
    if args.json:
        json.dump(rows, sys.stdout, indent=1)
        return
    print('| hops | login | relayed/s | Postfix | ratio | handshakes for 1,000 (resumed) | Postfix '
          '| connections | Postfix | CPU ratio |')
    print('|' + '---|' * 10)
    for r in rows:
        print('| {hops} | {login} | {waybill_relayed:.0f} | {postfix_relayed:.0f} | '
              '{relayed_ratio:.2f} | {waybill_handshakes:.0f} ({waybill_resumed:.0f}) | '
              '{postfix_handshakes:.0f} ({postfix_resumed:.0f}) | {waybill_connections:.0f} | '
              '{postfix_connections:.0f} | {cpu_ratio:.2f} |'.format(**r))


if __name__ == '__main__':
    main()
