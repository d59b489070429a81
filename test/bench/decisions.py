#!/usr/bin/env python3
"""What decisions cost: each sample policy, many rules, many items.

    decisions.py [--build DIR] [--most-rules N] [--most-items N]
                 [--rounds N] [--json] [samples|rules|items ...]

DIR is where `waybill` and `test/bench/hooks` have been built (default: here).
Printed are nanoseconds of processor for a decision, and behind each row that
grows how much more the largest costs than the smallest: flat is about 1.
Keys are drawn at random from all items, so the large tables also pay for what
no longer lies in the processor's caches.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

POLICIES = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        '../../cf/policies')
OUTSIDE = 'client=203.0.113.9 name=mx.elsewhere.example ' \
          'helo=mx.elsewhere.example'
SIZES = (10, 100, 1000, 10000, 100000, 1000000)
DRAWN = 20000                   # keys asked for, at most

# Questions to each sample policy: those that walk the longest way to an
# accept, and a refusal where there is a short one.
SAMPLES = {
    'backup-mx': f'''
ask rcpt {OUTSIDE} from=x@world.example rcpt=y@mail.club.example
ask route {OUTSIDE} from=x@world.example rcpt=y@mail.club.example
''',
    'campus': f'''
map system ada ada
ask rcpt {OUTSIDE} from=x@world.example rcpt=ada@campus.example
ask route {OUTSIDE} from=x@world.example rcpt=ada@campus.example
ask rewrite-inbound-rcpt {OUTSIDE} rcpt=ada@old-campus.example
ask rewrite-outbound-sender client=10.0.0.7 from=ada@maths.campus.example
''',
    'gateway': f'''
map routes .firm.example smtp:[exchange.firm.example]
ask connect {OUTSIDE}
ask rcpt {OUTSIDE} from=x@world.example rcpt=boss@a.firm.example
ask content {OUTSIDE} from=x@world.example content=message
ask route {OUTSIDE} from=x@world.example rcpt=boss@a.firm.example
''',
    'home': f'''
ask rcpt {OUTSIDE} from=x@world.example rcpt=colin@murphy.example
ask route {OUTSIDE} from=x@world.example rcpt=colin@murphy.example
''',
    'hosting': f'''
map domains shop.example gold
map virtusers @shop.example owner@shop.example
map users owner@shop.example quota=2G home=
ask mail {OUTSIDE} from=x@world.example
ask rcpt {OUTSIDE} from=x@world.example rcpt=anything@shop.example
ask route {OUTSIDE} from=x@world.example rcpt=anything@shop.example
''',
    'office': f'''
ask connect {OUTSIDE}
ask mail {OUTSIDE} from=a@elsewhere.example
ask rcpt {OUTSIDE} from=a@elsewhere.example rcpt=bob@office.example
ask content {OUTSIDE} from=a@elsewhere.example content=message hops=3
ask route {OUTSIDE} from=a@elsewhere.example rcpt=bob@office.example
''',
    'sandbox': f'''
ask rcpt {OUTSIDE} from=x@world.example rcpt=demo@sandbox.example
ask content {OUTSIDE} from=x@world.example content=message hops=3
ask route {OUTSIDE} from=x@world.example rcpt=demo@sandbox.example
''',
    'satellite': '''
ask rcpt client=127.0.0.1 from=root@web7.corp.example rcpt=ops@corp.example
ask route client=127.0.0.1 from=root@web7.corp.example rcpt=ops@corp.example
ask rewrite-outbound-sender client=127.0.0.1 from=root@web7.corp.example
''',
    'tenants': '''
map tenants shop.example host=smtp.big.example owner=shop
ask mail client=203.0.113.9 user=shop from=news@shop.example
ask rcpt client=203.0.113.9 user=shop from=news@shop.example rcpt=x@world.example
ask route client=203.0.113.9 user=shop from=news@shop.example rcpt=x@world.example
ask bounce client=203.0.113.9 from=news@shop.example size=2000000
''',
}
MESSAGE = '''Received: from a.example by b.example; Mon, 5 Jan 2026 08:00:00 +0000
Received: from c.example by d.example; Mon, 5 Jan 2026 08:00:00 +0000
From: Ann <a@elsewhere.example>
To: Bob <bob@office.example>
Subject: =?utf-8?Q?minutes_of_the_meeting_of_caf=C3=A9?=
Message-ID: <1@elsewhere.example>
Date: Mon, 5 Jan 2026 08:00:00 +0000

''' + 'text of the message\n' * 500


HEAD = '''edition 1
hostname "mx.here.example"
listen smtp on "*:25"
set ours = { "here.example" }
'''
TAIL = '''
    rcpt.domain in ours => accept
}
route { otherwise => mx }
'''

# A rule of each shape, none of which is taken.
RULES = {
    'equal, address': 'rcpt == <u{i}@here.example> => reject 550 5.1.1',
    'equal, domain': 'sender.domain == "d{i}.there.example" => reject',
    'equal, client': 'client.ip == 10.{a}.{b}.{c} => reject',
    'in sets of three': 'sender.domain in s{i} => reject',
    'two by or': 'client.helo == "h{i}.example" or '
                 'client.helo == "n{i}.example" => reject',
}
MIXED = ('equal, address', 'equal, domain', 'equal, client', 'two by or')
LINEAR = {
    'expressions': 'rcpt.user matches /^u{i}-/ => reject',
    'and of two facts': 'sender.domain == "d{i}.there.example" and '
                        'rcpt.user == "box{i}" => reject',
}


class Bench:
    """A folder to work in, and the programs."""

    def __init__(self, build, folder, rounds):
        self.waybill = os.path.abspath(f'{build}/waybill')
        self.hooks = os.path.abspath(f'{build}/test/bench/hooks')
        self.folder = folder
        self.rounds = str(rounds)

    def write(self, name, lines):
        with open(f'{self.folder}/{name}', 'w', newline='') as out:
            out.writelines(lines)

    def run(self, *command):
        done = subprocess.run(command, cwd=self.folder, text=True,
                              capture_output=True)
        if done.returncode != 0:
            sys.exit(f'{" ".join(command)}:\n{done.stdout}{done.stderr}')
        return done.stdout

    def measure(self, policy, questions):
        """Figures by hook: ns, instructions, what was said."""
        self.write('questions', questions)
        self.run(self.waybill, 'compile', policy, '-o', 'image')
        rows = json.loads(self.run(self.hooks, '--json', '--rounds',
                                   self.rounds, 'image', 'questions'))
        return {row['hook']: (row['picoseconds'] / 1e3,
                              row['milliinstructions'] / 1e3,
                              list(row['verdicts'])) for row in rows}


def samples(bench):
    for name in os.listdir(POLICIES):
        source = os.path.join(POLICIES, name)
        if os.path.isdir(source):
            shutil.copytree(source, f'{bench.folder}/{name}')
        else:
            shutil.copy(source, bench.folder)
    for table, kind in (('aliases', 'aliases'), ('access', 'access'),
                        ('mailertable', 'routes'), ('hosted', 'plain'),
                        ('virtusertable', 'virtusers'),
                        ('domaintable', 'domains'),
                        ('genericstable', 'generics')):
        bench.run(bench.waybill, 'map', 'build', f'tables/{table}',
                  '--as', kind)
    bench.write('message', MESSAGE.replace('\n', '\r\n'))
    rows = {}
    for name, questions in SAMPLES.items():
        for hook, figures in bench.measure(f'{name}.conf',
                                           questions).items():
            rows[f'{name}, {hook}'] = figures
    return rows


def rule(shape, i):
    text = RULES.get(shape) or LINEAR[shape]
    return text.format(i=i, a=i // 65536, b=i // 256 % 256, c=i % 256)


def rules_policy(shapes, n):
    yield HEAD
    if 'in sets of three' in shapes:
        for i in range(n):
            yield f'set s{i} = {{ "a{i}.example", "b{i}.example", ' \
                  f'"c{i}.example" }}\n'
    yield 'on rcpt {\n'
    for i in range(n):
        yield rule(shapes[i % len(shapes)], i) + '\n'
    yield TAIL


def rules(bench, most):
    """Nobody is refused: all rules are passed."""
    question = f'ask rcpt {OUTSIDE} from=x@world.example ' \
               'rcpt=colin@here.example\n'
    shapes = {shape: (shape,) for shape in (*RULES, *LINEAR)}
    shapes['four of these, in turn'] = MIXED
    rows = {}
    for name, of in shapes.items():
        rows[name] = {}
        for n in (n for n in SIZES if n <= most):
            bench.write('rules.conf', rules_policy(of, n))
            rows[name][n] = bench.measure('rules.conf',
                                          question)['on rcpt'][0]
    return rows


# A line of a file, what is asked of it, and the policy's question.
ITEMS = {
    'set of domains': (lambda i: f'd{i}.example', 'from=a@d{i}.example',
                       'set t = {{ file "items" }}', 'sender.domain in t'),
    'set of domains below': (lambda i: f'.d{i}.example',
                             'from=a@mx.d{i}.example',
                             'set t = {{ file "items" }}',
                             'sender.domain in t'),
    'set of addresses': (lambda i: f'u{i}@d{i % 997}.example',
                         'from=u{i}@d{r}.example',
                         'set t = {{ file "items" }}', 'sender in t'),
    'networks': (lambda i: f'{i // 65536 + 11}.{i // 256 % 256}.{i % 256}'
                           '.0/24',
                 'client={a}.{b}.{c}.7', 'net t = {{ file "items" }}',
                 'client.ip in t'),
    'table, text': (lambda i: f'd{i}.example: x', 'from=a@d{i}.example',
                    'map t = text "items"', 'sender.domain in t'),
    'table, gdbm': (lambda i: f'd{i}.example: x', 'from=a@d{i}.example',
                    'map t = gdbm "items"', 'sender.domain in t'),
}


def items(bench, most):
    rows = {}
    for name, (line, asked, declared, condition) in ITEMS.items():
        rows[name] = {}
        for n in (n for n in SIZES if n <= most):
            bench.write('items', (line(i) + '\n' for i in range(n)))
            bench.write('items.conf', (
                HEAD, declared.format(), '\non mail { ', condition,
                ' => reject }\non rcpt { rcpt.domain in ours => accept }\n'
                'route { otherwise => mx }\n'))
            if 'gdbm' in name:
                bench.run(bench.waybill, 'map', 'build', 'items')
            drawn = random.Random(1).choices(range(n), k=min(DRAWN, 20 * n))
            ns, _, said = bench.measure('items.conf', (
                'ask mail ' + asked.format(
                    i=i, r=i % 997, a=i // 65536 + 11, b=i // 256 % 256,
                    c=i % 256) + '\n' for i in drawn))['on mail']
            if said != ['reject']:
                sys.exit(f'{name}, {n}: {said}')
            rows[name][n] = ns
    return rows


def print_samples(rows):
    print('| policy, hook | ns | instructions | million/s | |\n'
          '|---|---|---|---|---|')
    for name, (ns, count, said) in rows.items():
        print(f'| {name} | {ns:.0f} | {count:.0f} | {count / ns * 1e3:.0f} '
              f'| {", ".join(said)} |')


def print_growing(title, rows):
    sizes = list(next(iter(rows.values())))
    print(f'| {title} | ' + ' | '.join(f'{n:,}' for n in sizes) +
          ' | largest/smallest |\n|---' + '|---' * len(sizes) + '|---|')
    for name, row in rows.items():
        print(f'| {name} | ' + ' | '.join(f'{ns:.0f}' for ns in row.values())
              + f' | {row[sizes[-1]] / row[sizes[0]]:.1f} |')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--build', default='.')
    parser.add_argument('--most-rules', type=int, default=10000)
    parser.add_argument('--most-items', type=int, default=1000000)
    parser.add_argument('--rounds', type=int, default=15)
    parser.add_argument('--json', action='store_true')
    parser.add_argument('what', nargs='*',
                        choices=['samples', 'rules', 'items', []])
    args = parser.parse_args()
    what = args.what or ['samples', 'rules', 'items']
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.build, folder, args.rounds)
        if 'samples' in what:
            out['samples'] = samples(bench)
        if 'rules' in what:
            out['rules'] = rules(bench, args.most_rules)
        if 'items' in what:
            out['items'] = items(bench, args.most_items)
    if args.json:
        print(json.dumps(out))
        return
    if 'samples' in out:
        print_samples(out['samples'])
    for title in ('rules', 'items'):
        if title in out:
            print()
            print_growing(title, out[title])


if __name__ == '__main__':
    main()
