#!/usr/bin/env python3
"""A very large policy: how long it takes to compile and to load.

    large_policy.py WAYBILL DECISION [RULES [ITEMS]]

(DECISION is the program test/bench/decision) writes a policy of RULES rules (100000) and ITEMS items in sets and networks
(1000000) into a folder of its own, compiles it and loads its image, and prints
the seconds, the memory and the sizes.  Exit 1 when compiling takes more than
10 s (of the processor: others may want it too) or 1 GiB, or loading more than 1 s.
"""
import os
import subprocess
import sys
import tempfile
import time

SHAPES = 6          # of rules, in blocks of chains
COMPILE_S, COMPILE_KIB, LOAD_S = 10, 1 << 20, 1


def items(folder, n):
    """Ten sets of each kind, their items in files."""
    lines = []
    each = n // 40
    makers = {
        'domains': lambda s, i: f'd{i}.s{s}.example',
        'below': lambda s, i: f'.b{i}.s{s}.example',
        'people': lambda s, i: f'u{i}@s{s}.example',
        'nets': lambda s, i: f'{11 + s * 10 + i // 65536}.'
                             f'{i // 256 % 256}.{i % 256}.0/24',
    }
    for kind, make in makers.items():
        for s in range(10):
            with open(f'{folder}/{kind}{s}', 'w') as out:
                out.writelines(make(s, i) + '\n' for i in range(each))
            word = 'net' if kind == 'nets' else 'set'
            lines.append(f'{word} {kind}{s} = {{ file "{kind}{s}" }}')
    return lines


def uses():
    """Each set is asked for once."""
    for s in range(10):
        yield f'sender.domain in domains{s} => tag seen = {s}'
        yield f'sender.domain in below{s} => tag seen = {s}'
        yield f'sender in people{s} => tag seen = {s}'
        yield f'client.ip in nets{s} => tag seen = {s}'


def rule(shape, i):
    return (
        f'rcpt == <u{i}@here.example> => reject 550 5.1.1 "u{i} has left"',
        f'sender == <s{i}@there.example> => reject 550 5.7.1 "not s{i}"',
        f'sender.domain == "d{i}.there.example" => reject 550 5.7.1',
        f'client.ip == 10.{i // 65536}.{i // 256 % 256}.{i % 256}'
        f' => tag seen = {i}',
        f'rcpt.user == "box{i}" and message.size > {i}K => defer 452 4.2.2',
        f'client.helo == "h{i}.example" or client.name == "n{i}.example"'
        ' => reject 550 5.7.1',
    )[shape]


def policy(folder, nrules, nitems):
    out = ['edition 1; hostname "mx.here.example"',
           'set ours = { "here.example" }', 'tag seen: int',
           'listen smtp on "*:25"']
    out += items(folder, nitems)
    out.append('on mail {')
    out += uses()
    out += ['}', 'on rcpt {']
    for shape in range(SHAPES):
        out += (rule(shape, i) for i in range(nrules // SHAPES))
    out += ['rcpt.domain in ours => accept', '}',
            'route { otherwise => mx }', '']
    with open(f'{folder}/policy.conf', 'w') as f:
        f.write('\n'.join(out))


def measure(*command):
    """Seconds, those of the processor, and the most memory, in KiB, of one command."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f'{" ".join(command)}: status {status}')
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def main():
    waybill, decision = (os.path.abspath(name) for name in sys.argv[1:3])
    nrules = int(sys.argv[3]) if len(sys.argv) > 3 else 100000
    nitems = int(sys.argv[4]) if len(sys.argv) > 4 else 1000000
    with tempfile.TemporaryDirectory() as folder:
        policy(folder, nrules, nitems)
        conf, image = f'{folder}/policy.conf', f'{folder}/policy.img'
        size = os.path.getsize(conf)
        compiling, busy, memory = measure(waybill, 'compile', conf, '-o', image)
        out = subprocess.check_output([decision, '--load', image])
        loading = float(out) / 1000
        print(f'{nrules} rules ({size >> 10} KiB of text), {nitems} items:')
        print(f'compiled in {compiling:.2f} s, {busy:.2f} s of the processor, with '
              f'{memory >> 10} MiB')
        print(f'loaded in {loading:.2f} s, '
              f'{os.path.getsize(image) >> 10} KiB')
    good = busy <= COMPILE_S and memory <= COMPILE_KIB and \
        loading <= LOAD_S
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
