#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the program against the reference in one run: each work is done by both in turn, and the medians are compared.

usage: bench.py --program build/blkscope [--write doc/benchmarks.md] [--runs N] [--only WORDS]
"""
import argparse
import os
import platform
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import support  # noqa: E402
from support import GIB, KIB, MIB, TIB  # noqa: E402

REQUESTS = 65536


class Bench:
    def __init__(self, program, folder, runs, only):
        self.program, self.folder, self.runs, self.only = program, folder, runs, only
        self.rows = []

    def wanted(self, work):
        return not self.only or self.only in work

    def once(self, program, args, script=None):
        """Seconds one run takes, from before its start until its end is known."""
        stdin = open(script, 'rb') if script else subprocess.DEVNULL
        begin = time.perf_counter()
        status = subprocess.Popen(['qemu-io', *args], executable=program, cwd=self.folder, stdin=stdin, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, env=support.environment())
        _, err = status.communicate()
        taken = time.perf_counter() - begin
        if script:
            stdin.close()
        if status.returncode:
            sys.exit(f'{program} {args}: status {status.returncode}\n{err.decode()}')
        return taken

    def compare(self, work, target, ours, theirs, script=None, runs=None):
        """theirs: {name: arguments}; each against ours, in turns."""
        if not self.wanted(work):
            return
        times = {name: [] for name in ['ours', *theirs]}
        for turn in range((runs or self.runs) + 1):
            for name, args in [('ours', ours), *theirs.items()]:
                taken = self.once(self.program if name == 'ours' else support.REFERENCE, args, script)
                if turn:  # the first warms caches up
                    times[name].append(taken)
        own = statistics.median(times['ours'])
        for name in theirs:
            other = statistics.median(times[name])
            self.row(f'{work}' + (f' (reference: {name})' if len(theirs) > 1 else ''), milliseconds(own), milliseconds(other),
                     f'{other / own:.2f}', f'{target[name]}', other / own >= target[name])

    def row(self, work, ours, theirs, ratio, target, met):
        self.rows.append((work, ours, theirs, ratio, target, 'yes' if met else 'NO'))
        print(f'{work:66} {ours:>12} {theirs:>12} {ratio:>8}  {target:>10}  {"met" if met else "NOT MET"}', flush=True)


def milliseconds(seconds):
    return f'{seconds * 1000:.1f} ms'


def script(folder, name, lines):
    path = folder / name
    path.write_text('\n'.join(lines) + '\n')
    return path


def batch(bench):
    folder = bench.folder
    with open(folder / 'disk.img', 'wb') as file:
        for _ in range(1024):
            file.write(os.urandom(MIB))
    with open(folder / 'disk.img', 'rb') as file:
        while file.read(16 * MIB):
            pass
    raw = ['-f', 'raw']

    bench.compare('start, `-c length`, exit', {'default': 1.5}, [*raw, '-c', 'length', 'disk.img'],
                  {'default': [*raw, '-c', 'length', 'disk.img']}, runs=max(bench.runs, 31))

    reads = script(folder, 'reads', [f'read -q {i * 4}k 4k' for i in range(REQUESTS)])
    bench.compare('65,536 `read -q` of 4 KiB from a script', {'default': 8, 'io_uring': 2}, [*raw, 'disk.img'],
                  {'default': [*raw, 'disk.img'], 'io_uring': [*raw, '-i', 'io_uring', 'disk.img']}, reads)

    aio = []
    for i in range(REQUESTS):
        aio.append(f'aio_read -q {i * 4}k 4k')
        if i % 128 == 127:
            aio.append('aio_flush')
    aio = script(folder, 'aio', aio)
    bench.compare('65,536 `aio_read -q` of 4 KiB, `aio_flush` every 128', {'default': 4, 'io_uring': 2}, [*raw, 'disk.img'],
                  {'default': [*raw, 'disk.img'], 'io_uring': [*raw, '-i', 'io_uring', 'disk.img']}, aio)

    bench.compare('`read -v` of 64 MiB of random data into /dev/null', {'default': 15}, [*raw, '-c', 'read -v 0 64M', 'disk.img'],
                  {'default': [*raw, '-c', 'read -v 0 64M', 'disk.img']})

    for name, size in (('64 KiB', 64 * KIB), ('1 MiB', MIB), ('1 GiB', GIB)):
        path = script(folder, f'read{size}', [f'read -q {i * size} {size}' for i in range(GIB // size)])
        bench.compare(f'`read -q` of 1 GiB in {name} requests', {'default': 1, 'io_uring': 1}, [*raw, 'disk.img'],
                      {'default': [*raw, 'disk.img'], 'io_uring': [*raw, '-i', 'io_uring', 'disk.img']}, path)
    for name, size in (('64 KiB', 64 * KIB), ('1 MiB', MIB), ('1 GiB', GIB)):
        path = script(folder, f'write{size}', [f'write -q {i * size} {size}' for i in range(GIB // size)])
        # unsafe: the page cache is measured, not the disk.
        options = [*raw, '-t', 'unsafe']
        bench.compare(f'`write -q` of 1 GiB in {name} requests', {'default': 1, 'io_uring': 1}, [*options, 'disk.img'],
                      {'default': [*options, 'disk.img'], 'io_uring': [*options, '-i', 'io_uring', 'disk.img']}, path)


def first_screen(program, path):
    """Milliseconds from the start until the map has told data from hole, and resident bytes then."""
    leader, follower = os.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(leader, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 80, 0, 0))
    begin = time.perf_counter()
    process = subprocess.Popen([program, '-f', 'raw', path], stdin=follower, stdout=follower, stderr=follower,
                               env=support.environment(), start_new_session=True)
    os.close(follower)
    data, shown = b'', None
    while shown is None:
        if not select.select([leader], [], [], 30)[0]:
            sys.exit('no first screen in 30 s')
        data += os.read(leader, 65536)
        if all(word in data for word in (b'map', b'hex', b'pending', b'console', b'15 TiB')):
            shown = time.perf_counter() - begin
    # What comes after it: the scan of the whole image.
    while select.select([leader], [], [], 0.5)[0]:
        data += os.read(leader, 65536)
    status = Path(f'/proc/{process.pid}/status').read_text()
    resident = int(re.search(r'VmHWM:\s+(\d+)', status)[1]) * KIB
    return process, leader, shown, resident


def screen(bench):
    if not bench.wanted('first screen') and not bench.wanted('idle'):
        return
    path = bench.folder / 'huge.img'
    with open(path, 'wb') as file:
        file.truncate(15 * TIB)
        for offset in (0, 7 * TIB, 15 * TIB - 4096):
            file.seek(offset)
            file.write(b'x' * 4096)
    times, memory = [], []
    for _ in range(bench.runs):
        process, leader, shown, resident = first_screen(bench.program, path)
        times.append(shown)
        memory.append(resident)
        os.write(leader, b'q')
        while True:
            try:
                if not os.read(leader, 65536):
                    break
            except OSError:
                break
        process.wait()
        os.close(leader)
    shown = statistics.median(times)
    bench.row('first screen of a 15 TiB sparse raw image', milliseconds(shown), '-', '-', '50 ms', shown <= 0.05)
    peak = max(memory)
    bench.row('its resident memory at most', f'{peak / MIB:.1f} MiB', '-', '-', '32 MiB', peak < 32 * MIB)

    process, leader, _, _ = first_screen(bench.program, path)
    while select.select([leader], [], [], 1)[0]:
        os.read(leader, 65536)

    def switches():
        return sum(int(n) for task in Path(f'/proc/{process.pid}/task').iterdir()
                   for n in re.findall(r'ctxt_switches:\s+(\d+)', (task / 'status').read_text()))
    before = switches()
    output = len(os.read(leader, 65536)) if select.select([leader], [], [], 10)[0] else 0
    woken = switches() - before
    bench.row('idle full screen for 10 s: wake-ups', str(woken), '-', '-', '0', woken == 0)
    bench.row('idle full screen for 10 s: bytes of output', str(output), '-', '-', '0', output == 0)
    process.terminate()
    process.wait()
    os.close(leader)


def cpu():
    for line in Path('/proc/cpuinfo').read_text().splitlines():
        if line.startswith('model name'):
            return line.split(':')[1].strip()
    return platform.machine()


def report(bench):
    version = subprocess.run([support.REFERENCE, '--version'], capture_output=True, text=True).stdout.splitlines()[0]
    table = ['| work | blkscope | reference | ratio | at least | met |', '| --- | ---: | ---: | ---: | ---: | --- |',
             *(f'| {work} | {ours} | {theirs} | {ratio} | {target} | {met} |' for work, ours, theirs, ratio, target, met in bench.rows)]
    return f'''# Speed

Each work is done by both programs in turn within one run, the page cache warm; the numbers are medians of {bench.runs} runs or more, and
the ratio says how many times as fast blkscope is. `./dev bench` repeats it and rewrites this file; `./dev bench --only 'read -v'` measures
one line without writing. The reference is `{version}`; "default" is its thread pool, "io_uring" its `-i io_uring`.

{time.strftime("%Y-%m-%d", time.gmtime())}, {os.cpu_count()} x {cpu()}, Linux {'.'.join(platform.release().split('.')[:2])}.

{chr(10).join(table)}

Writes are measured with `-t unsafe` for both: what is compared is the way into the page cache, not the disk's time to sync. The first
screen is complete when all four panels and the size of the image have been written to the terminal; its memory is the peak, after the
background scan of the whole image. Idle is counted over 10 seconds in all threads of the process.
'''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--program', required=True)
    parser.add_argument('--write', type=Path)
    parser.add_argument('--runs', type=int, default=7)
    parser.add_argument('--only', default='')
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='blkscope-bench-'))
    bench = Bench(args.program, folder, args.runs, args.only)
    print(f'{"work":66} {"blkscope":>12} {"reference":>12} {"ratio":>8}  {"at least":>10}')
    try:
        batch(bench)
        screen(bench)
    finally:
        shutil.rmtree(folder)
    if args.write and not args.only:
        args.write.write_text(report(bench))
        print(f'written: {args.write}')


main()
