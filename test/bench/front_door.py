#!/usr/bin/env python3
"""TLS handshakes and authenticated submissions a second, Waybill beside Postfix.

    front_door.py [--build DIR] [--threads N,N] [--seconds S] [--rounds N]
                  [--keys K,K] [--kinds K,K] [--json]

As root, with Postfix in a root of its own below PEERS_ROOT (peers.py), and
test/bench/door built.  Both run at once; in each round each is given the same
sessions by the same client, one server after the other: in the clear, STARTTLS,
TLS first, TLS resumed, TLS with AUTH PLAIN, and that with a message of 2 KiB,
which is stored (synced to disk) and then discarded by routing.  Printed are
sessions a second by the clock and the processor time that all processes of the
server took for one, medians over the rounds, and the ratio of each round.

Both have the same certificates, RSA-2048 and P-256, and the same client.  Ann's
secret is a yescrypt hash in Waybill, which pays for it once (its cache of
verified passwords is part of what is measured); Postfix asks a small stand-in
for Dovecot's auth service, which compares a text: its hash costs nothing.
"""
import argparse
import base64
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import threading

import peers

KINDS = ('plain', 'starttls', 'first', 'resume', 'login', 'submit')
USER, PASSWORD = 'ann', 'a long enough password'
KEYS = {'RSA-2048': ['-newkey', 'rsa:2048'],
        'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']}


def certificate(folder, key):
    """chain.pem and key.pem."""
    subprocess.run(
        ['openssl', 'req', '-x509', *KEYS[key], '-nodes', '-days', '30',
         '-keyout', f'{folder}/key.pem', '-out', f'{folder}/chain.pem',
         '-subj', '/CN=bench.example.test', '-addext',
         'subjectAltName=DNS:bench.example.test'],
        check=True, capture_output=True)
    os.chmod(f'{folder}/key.pem', 0o600)


class Auth(threading.Thread):
    """As much of Dovecot's auth protocol as Postfix speaks."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(128)
        self.right = base64.b64encode(
            f'\0{USER}\0{PASSWORD}'.encode()).decode()
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,),
                             daemon=True).start()

    def serve(self, client):
        with client, client.makefile('rw', encoding='ascii') as f:
            f.write('VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\n'
                    'CUID\t1\nCOOKIE\t0123456789abcdef0123456789abcdef\n'
                    'DONE\n')
            f.flush()
            for line in f:
                words = line.rstrip('\n').split('\t')
                if words[0] != 'AUTH':
                    continue
                good = words[-1] == f'resp={self.right}'
                f.write(f'OK\t{words[1]}\tuser={USER}\n' if good
                        else f'FAIL\t{words[1]}\tuser={USER}\n')
                f.flush()

    def close(self):
        self.listener.close()


class Postfix(peers.Postfix):
    name = 'Postfix'

    def __init__(self, key, build):
        super().__init__('nothing', 0, build)
        self.key, self.auth = key, None
        self.first = peers.free_port()

    def configure(self):
        super().configure()
        certificate(self.folder, self.key)
        self.auth = Auth(f'{self.folder}/spool/auth')
        with open(f'{self.folder}/main.cf', 'a', encoding='ascii') as f:
            f.write(f'''
max_use = 1000000
default_transport = discard:
smtpd_tls_chain_files = {self.inside}/key.pem {self.inside}/chain.pem
smtpd_tls_security_level = may
smtpd_client_connection_count_limit = 0
smtpd_sasl_type = dovecot
smtpd_sasl_path = auth
smtpd_sasl_auth_enable = yes
''')

    def services(self, text):
        return super().services(text) + f'''
127.0.0.1:{self.first} inet n - n - - smtpd
 -o smtpd_tls_wrappermode=yes
 -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
'''

    def __exit__(self, *what):
        if self.auth is not None:
            self.auth.close()
        super().__exit__(*what)


class Waybill(peers.Waybill):
    def __init__(self, key, build):
        super().__init__('nothing', 0, build)
        self.key = key
        self.first = peers.free_port()

    def policy(self):
        return f'''edition 1
hostname "waybill.example.test"
tls {{ certificate "chain.pem"; key "key.pem" }}
map users = text "users" as accounts
listen smtp on "127.0.0.1:@PORT@"
listen submissions on "127.0.0.1:{self.first}" {{ accounts users }}
limits {{ per client 20000 connections; commands 100000000 }}
on rcpt {{ client.authenticated => accept }}
route {{ otherwise => discard }}
'''

    def __enter__(self):
        self.server = self.server_of(self.policy(), start=False,
                                     tables={'users': '# accounts\n'})
        certificate(self.server.dir, self.key)
        subprocess.run(
            [f'{os.environ["WB_BUILD"]}/waybill', 'user', 'add', USER,
             '--file', f'{self.server.dir}/users', '--scheme', 'CRYPT'],
            input=PASSWORD + '\n', text=True, check=True,
            capture_output=True)
        self.server.start()
        self.port = self.server.port
        return self


def sessions(door, peer, kind, threads, n):
    """Sessions/s, and processor time of the server for each, in us."""
    port = peer.first if kind in ('first', 'resume', 'login', 'submit') \
        else peer.port
    before = peer.cpu_s()
    done = subprocess.run(
        [door, str(port), kind, str(threads), str(n), USER, PASSWORD],
        capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f'{peer.name}, {kind}: {done.stderr}{done.stdout}')
    said = dict(re.findall(r'(\w+)=([\d.]+)', done.stdout))
    if kind == 'resume' and int(said['resumed']) < n - threads:
        sys.exit(f'{peer.name}: only {said["resumed"]} of {n} were resumed')
    return (n / float(said['s']),
            (peer.cpu_s() - before) * 1e6 / n)


def measure(door, both, kind, threads, seconds, rounds):
    """Rows (peer, sessions/s, us) of each round."""
    out = []
    sizes = {}
    for peer in both:           # warm, and how many fill the time
        rate, _ = sessions(door, peer, kind, threads, 20 * threads)
        sizes[peer] = max(4 * threads, int(rate * seconds))
    for _ in range(rounds):
        out.append([sessions(door, peer, kind, threads, sizes[peer])
                    for peer in both])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--build', default=os.environ.get('WB_BUILD', '.'))
    parser.add_argument('--threads', default='1,20')
    parser.add_argument('--seconds', type=float, default=3)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--keys', default=','.join(KEYS))
    parser.add_argument('--kinds', default=','.join(KINDS))
    parser.add_argument('--json', action='store_true')
    args = parser.parse_args()
    door = f'{os.path.abspath(args.build)}/test/bench/door'
    rows = []
    for key in args.keys.split(','):
        with Waybill(key, args.build) as ours, \
                Postfix(key, args.build) as theirs:
            for threads in map(int, args.threads.split(',')):
                for kind in args.kinds.split(','):
                    got = measure(door, (ours, theirs), kind, threads,
                                  args.seconds, args.rounds)
                    rows.append({
                        'key': key, 'sessions': threads, 'kind': kind,
                        'waybill_per_s': statistics.median(r[0][0] for r in got),
                        'postfix_per_s': statistics.median(r[1][0] for r in got),
                        'waybill_us': statistics.median(r[0][1] for r in got),
                        'postfix_us': statistics.median(r[1][1] for r in got),
                        'ratio': statistics.median(r[0][0] / r[1][0] for r in got),
                        'cpu_ratio': statistics.median(r[0][1] / r[1][1] for r in got),
                    })
                    print(f'{key} {threads} {kind}: done', file=sys.stderr)
    if args.json:
        json.dump(rows, sys.stdout, indent=1)
        return
    print('| key | at once | session | Waybill/s | Postfix/s | ratio | '
          'Waybill us | Postfix us | ratio |')
    print('|---|---|---|---|---|---|---|---|---|')
    for r in rows:
        print('| {key} | {sessions} | {kind} | {waybill_per_s:.0f} | '
              '{postfix_per_s:.0f} | {ratio:.2f} | {waybill_us:.0f} | '
              '{postfix_us:.0f} | {cpu_ratio:.2f} |'.format(**r))


if __name__ == '__main__':
    main()
