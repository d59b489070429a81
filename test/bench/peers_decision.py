#!/usr/bin/env python3
"""What the same decision takes in Waybill, Postfix, Exim and sendmail.

    peers_decision.py [--build DIR] [--tables N,N] [--rules N,N]
                      [--rounds N] [--only NAME,NAME] [--json]

As root, with the peers' roots below PEERS_ROOT (peers.py).  For each size all
servers run at once, each twice: with the policy, and with one that takes every
recipient.  In each round each of them is given the same commands in one
session over loopback - transactions of many RCPT, in one write each, none with
content - and the processor time of all its processes is read from /proc.
`all` is what one RCPT costs; `decision` what it costs more than in the server
that takes everything, so that parsing, replies and system calls are out of it.
Printed are medians over the rounds, in microseconds, and ratios to Waybill of
the same round.

What Waybill's decision takes is little beside what its RCPT takes, and may
drown in the noise of a shared machine: where it does, the ratio of decisions is
to the same decision inside one process (test/bench/hooks), which is measured
too, with all keys asked before.
"""
import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import time

import decisions
import peers

RCPTS = 100                 # of one transaction, below every peer's limits
CHUNK_S = 0.15              # about what one server is asked for in a round
ASKED = 4000                # different recipients


class Session:
    """One that stays open; says what an RCPT costs."""

    def __init__(self, peer, chosen):
        self.peer, self.chosen = peer, chosen
        self.at = 0
        self.rcpts = self.transactions = 1
        self.socket = socket.create_connection(('127.0.0.1', peer.port), 60)
        self.socket.settimeout(120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.input = self.socket.makefile('rb')
        self.replies(1)
        self.socket.sendall(b'EHLO client.example.test\r\n')
        self.replies(1)

    def replies(self, n):
        for _ in range(n):
            while True:
                line = self.input.readline()
                if line[3:4] != b'-':
                    break
            if line[:1] != b'2':
                sys.exit(f'{self.peer.name} ({self.peer.ask}): {line}')

    def sizes(self):
        """RCPTs of a transaction, and transactions that take a chunk's time."""
        for _ in range(3):
            self.transaction(10)
        begin = time.monotonic()
        self.transaction(10)
        each = (time.monotonic() - begin) / 10
        rcpts = RCPTS if each * RCPTS < CHUNK_S else 20
        return rcpts, max(1, min(400, int(CHUNK_S / (each * rcpts))))

    def transaction(self, rcpts):
        """MAIL, RCPTs, RSET."""
        out = [b'MAIL FROM:<someone@elsewhere.example>\r\n']
        for _ in range(rcpts):
            out.append(b'RCPT TO:<' + self.chosen[self.at] + b'>\r\n')
            self.at = (self.at + 1) % len(self.chosen)
        out.append(b'RSET\r\n')
        self.socket.sendall(b''.join(out))
        # Some wait for an ACK before the next small reply (RFC 896).
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self.replies(rcpts + 2)

    def chunk(self):
        """Microseconds of processor and of the clock for one RCPT."""
        cpu, wall = self.peer.cpu_s(), time.monotonic()
        for _ in range(self.transactions):
            self.transaction(self.rcpts)
        wall = time.monotonic() - wall
        time.sleep(0.01)        # what others of its processes still do
        cpu = self.peer.cpu_s() - cpu
        n = self.transactions * self.rcpts / 1e6
        return cpu / n, wall / n

    def close(self):
        self.input.close()
        self.socket.close()


def recipients(n):
    """Addresses in domains that are in the table, in no order."""
    draw = random.Random(1)
    return [f'user{i}@{peers.domain(draw.randrange(n))}'.encode()
            for i in range(ASKED)]


def in_process(args, ask, n, chosen):
    """Nanoseconds that Waybill's `on rcpt` takes without its server."""
    with tempfile.TemporaryDirectory() as folder:
        bench = decisions.Bench(args.build, folder, args.rounds)
        waybill = peers.Waybill(ask, n, args.build)
        bench.write('policy', waybill.policy().replace('@PORT@', '2525'))
        if ask == 'tables':
            for name, text in waybill.tables().items():
                bench.write(name, text)
            for name, kind in waybill.KINDS:
                bench.run(bench.waybill, 'map', 'build', name, '--as', kind)
        figures = bench.measure('policy', (
            'ask rcpt client=127.0.0.1 from=someone@elsewhere.example '
            f'rcpt={who.decode()}\n' for who in chosen))['on rcpt']
        if figures[2] != ['accept']:
            sys.exit(f'in process: {figures[2]}')
        return figures[0]


def cell(args, chosen_peers, ask, n):
    """{peer: {'all': [...], 'decision': [...], 'wall': [...]}}"""
    found = {peer.name: {'all': [], 'decision': [], 'wall': []}
             for peer in chosen_peers}
    chosen = recipients(n)
    with contextlib.ExitStack() as stack:
        pairs = {}
        for peer in chosen_peers:
            pairs[peer.name] = [Session(stack.enter_context(
                peer(what, n, args.build)), chosen)
                for what in (ask, 'nothing')]
        for sessions in pairs.values():
            sizes = min(session.sizes() for session in sessions)
            for session in sessions:
                stack.callback(session.close)
                session.rcpts, session.transactions = sizes
        for turn in range(args.rounds):
            for name, sessions in pairs.items():
                order = (0, 1) if turn % 2 == 0 else (1, 0)
                figures = [None, None]
                for which in order:
                    figures[which] = sessions[which].chunk()
                (cpu, wall), (base, _) = figures
                found[name]['all'].append(cpu)
                found[name]['wall'].append(wall)
                found[name]['decision'].append(cpu - base)
    return found


def median(values):
    return statistics.median(values)


def rows(found, in_process_ns):
    ours = found['Waybill']
    own_us = median(ours['decision']) if min(ours['decision']) > 0 else \
        in_process_ns / 1e3
    for name, figures in found.items():
        yield {
            'name': name,
            'all_us': median(figures['all']),
            'wall_us': median(figures['wall']),
            'decision_us': median(figures['decision']),
            'decision_min_us': min(figures['decision']),
            'decision_max_us': max(figures['decision']),
            'all_ratio': median([
                theirs / our for theirs, our
                in zip(figures['all'], ours['all'])]),
            'decision_ratio': median(figures['decision']) / own_us,
        }


def to_waybill(row):
    """The ratio of decisions, where a peer's stands out of its noise."""
    if row['name'] == 'Waybill':
        return '| |'
    if row['decision_min_us'] <= 0:
        return '| in the noise |'
    return '| {decision_ratio:.0f}x |'.format(**row)


def tell(ask, n, found, own_ns):
    print(f'\n{ask}, {n:,}; in process Waybill takes {own_ns:.0f} ns\n\n'
          '| | all, us | to Waybill | clock, us | decision, us | range '
          '| to Waybill |\n|---|---|---|---|---|---|---|')
    for row in rows(found, own_ns):
        print('| {name} | {all_us:.1f} | {all_ratio:.1f}x | {wall_us:.1f} '
              '| {decision_us:.2f} '
              '| {decision_min_us:.2f}..{decision_max_us:.2f} '
              .format(**row) + to_waybill(row),
              flush=True)


def numbers(text):
    return [int(n) for n in text.split(',') if n]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default='.')
    parser.add_argument('--tables', type=numbers, default=[10, 1000, 100000])
    parser.add_argument('--rules', type=numbers, default=[10, 1000, 10000])
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--only', default='')
    parser.add_argument('--json', action='store_true')
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit('peers_decision.py: their roots are entered as root')
    only = args.only.lower().split(',')
    chosen_peers = [peer for peer in peers.there() if peer is peers.Waybill
                    or any(word in peer.name.lower() for word in only)]
    out = []
    for ask, sizes in (('tables', args.tables), ('rules', args.rules)):
        for n in sizes:
            found = cell(args, chosen_peers, ask, n)
            own_ns = in_process(args, ask, n, recipients(n)) - \
                in_process(args, 'nothing', n, recipients(n))
            if args.json:
                out.append({'ask': ask, 'n': n, 'in_process_ns': own_ns,
                            'rows': list(rows(found, own_ns))})
            else:
                tell(ask, n, found, own_ns)
    if args.json:
        print(json.dumps(out))


if __name__ == '__main__':
    main()
