# SPDX-License-Identifier: GPL-3.0-or-later
"""
Long sessions in memory that stays flat: random commands and screen actions, many pending requests, much output through the console.

The default run is a small one; BLKSCOPE_LOAD=all is a million actions, 100,000 requests and a gigabyte, BLKSCOPE_LOAD=N is N actions and what
belongs to them.  SEED=N plays others.  What was measured is printed (-rA shows it).
"""
import contextlib
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / 'faults'), str(Path(__file__).parent.parent / 'pty')]

import scenarios  # noqa: E402
import support  # noqa: E402
from support import MIB  # noqa: E402
from steps import quit_by_key  # noqa: E402
from terminal import Terminal  # noqa: E402

pytestmark = pytest.mark.skipif(support.FLAVOUR == 'valgrind', reason='valgrind is too slow for it')
SEED = int(os.environ.get('SEED', '1'))
LOAD = os.environ.get('BLKSCOPE_LOAD', '')
ACTIONS = 1_000_000 if LOAD == 'all' else int(LOAD or 20_000)
BATCH = min(10_000, ACTIONS // 8)
LIMIT = support.LIMIT * max(1, ACTIONS // 100_000)  # of a session; it only ends what hangs
# A sanitizer keeps what was freed; not much of it here, or nothing could be told from the memory of the process.
if support.FLAVOUR == 'asan':
    os.environ['ASAN_OPTIONS'] = f'{os.environ.get("ASAN_OPTIONS", "")}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64'
# What tells the bytes that are allocated (heap.c); a sanitizer has an allocator of its own, which it can't ask.
HEAP = Path(support.BLKSCOPE).parent / 'tests/load/heap.so'
HEAP_TOLD = HEAP.exists() and support.FLAVOUR not in ('asan', 'tsan')
HEAP_MARK = 'what a guest sees, not what the file takes'
# Those that end the session, or stop it; the palette has quit in it.  What is written to an image that is read as raw would spoil it.
NEVER = {'quit', 'console-quit', 'suspend', 'palette', 'formats'}
KEYS = [*'abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789[]{}/\\?:#$^<>+-', 'Esc', 'Enter', 'Tab', 'Up', 'Down', 'PageUp', 'PageDown', 'Home', 'End',
        'Backspace', 'Space', 'F1', 'F9', 'Ctrl-L', 'Ctrl-O', 'Ctrl-N', 'Ctrl-Right', 'Ctrl-Left']


# What an action may have left open, or turned to, and has its memory rightly.
CALM = ['aio_flush', *('do chooser-cancel', 'do prompt-cancel', 'do overlay-close') * 3, 'trace off', 'layout reset', 'focus console', 'do console-last']


class Process:
    """A headless session that is fed line by line; what it says is kept to its last lines."""

    def __init__(self, args, cwd):
        argv, executable = support.command_line(support.BLKSCOPE, 'blkscope', ['--headless', '--no-config', *args])
        heap = {}
        if HEAP_TOLD:  # there must be no space in the name of a preloaded library
            heap = {'LD_PRELOAD': shutil.copy(HEAP, cwd / 'heap.so'), 'HEAP_MARK': HEAP_MARK, 'G_SLICE': 'always-malloc',
                    'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0'}
        self.process = subprocess.Popen(argv, executable=executable, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env=support.environment(XDG_STATE_HOME=str(cwd / 'state'), **heap))
        self.tail, self.bytes, self.said = b'', 0, threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            piece = self.process.stdout.read1(1 << 20)
            with self.said:
                self.bytes += len(piece)
                self.tail = (self.tail + piece)[-20_000:]
                self.ended = not piece
                self.said.notify()
            if not piece:
                return

    ended = False

    def send(self, lines):
        """Returns when it has run all of them."""
        try:
            self.process.stdin.write(''.join(f'{line}\n' for line in lines).encode() + b'help abort\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        with self.said:
            mark = b'to see what a crash leaves behind'
            came = self.said.wait_for(lambda: self.ended or self.tail.rstrip().endswith(mark + b'.\nblkscope>') or mark in self.tail[-400:], 600)
            assert came and not self.ended, f'stuck or gone, status {self.process.wait(10) if self.ended else None}\n{self.tail[-3000:].decode(errors="replace")}'
            self.tail = b''

    def heap(self):
        """KiB that are allocated, or 0 where nothing tells."""
        if not HEAP_TOLD:
            return 0
        self.process.stdin.write(b'help length\n')
        self.process.stdin.flush()
        with self.said:
            assert self.said.wait_for(lambda: self.ended or re.search(rb'heap \d+\n', self.tail), 600) and not self.ended
            return int(re.search(rb'heap (\d+)\n', self.tail)[1]) >> 10

    def measure(self):
        """KiB of memory, descriptors, mappings."""
        proc = Path(f'/proc/{self.process.pid}')
        return (int(re.search(r'VmRSS:\s+(\d+)', (proc / 'status').read_text())[1]), len(os.listdir(proc / 'fd')),
                (proc / 'maps').read_bytes().count(b'\n'))

    def finish(self):
        peak = int(re.search(r'VmHWM:\s+(\d+)', Path(f'/proc/{self.process.pid}/status').read_text())[1])
        self.process.stdin.close()
        status = self.process.wait(support.DEADLINE)
        self.reader.join()
        self.process.stdout.close()
        assert status in (0, 1), f'{status}\n{self.tail.decode(errors="replace")}'
        assert b'Sanitizer' not in self.tail and b'runtime error' not in self.tail and b'CRITICAL' not in self.tail, self.tail.decode(errors='replace')
        return peak


@pytest.fixture
def start(work):
    """Starts a session; nothing is left of one that was stuck."""
    with contextlib.ExitStack() as stack:
        def run(args):
            session = Process(args, work)
            stack.callback(session.process.kill)
            return session

        yield run


class Monkey:
    def __init__(self, rng, requests):
        self.rng, self.requests = rng, requests
        self.tag = 0

    def line(self):
        rng = self.rng
        kind = rng.randrange(10)
        if kind < 5:
            return f'do {rng.choice(self.requests)} {rng.choice([1, 1, 1, 3, 17])}'
        if kind < 6:
            return f'keys {" ".join(rng.choice(KEYS) for _ in range(rng.randrange(1, 4)))}'
        return self.command()

    def command(self):
        rng = self.rng
        at, length = rng.randrange(2 * MIB), rng.choice([1, 512, 4096, 65536])
        self.tag += 1
        return rng.choice([
            f'read -q {at} {length}', f'read -v {at} {min(length, 512)}', f'aio_read -q {at} {length}', f'write -q -P {at % 256} {at} {length}',
            f'aio_write -q -P {at % 256} {at} {length}', f'write -q -z {at} {length}', f'discard -q {at} {length}', 'overlay undo', 'overlay redo', 'overlay',
            f'goto {at}', f'focus {rng.choice(["map", "hex", "pending", "console"])}', 'zoom', 'screen', f'find -x {at % 256:02x}{at // 256 % 256:02x}', 'map --summary',
            f'explain {at}', 'info', # in one line: a command that waited at a breakpoint would wait for ever
            f'break read_aio t{self.tag}; aio_read -q {at} {length}; remove_break t{self.tag}', f'resume t{self.tag}',
            f'theme {rng.choice(["dark", "light", "mono"])}', 'layout reset', f'mark a {at}', 'to-mark a', 'differences', 'trace on', 'trace off',
            'overlay discard', 'overlay commit -y', f'alloc {at}', 'snapshots', 'length', f'type {rng.choice(["abc", "0x100", "12k", "/"])}', 'flush', 'check',
            'compare -q', 'nonsense', 'breakpoints'])


def flat(samples, what, slack):
    """
    What is left when a batch is done is not more in the second half than in the first, where all bounds are reached by its second batch.  The middle
    of each half is compared: what is held for a while only, a listing, a search, or is closed for once, is not what grows.
    """
    half = len(samples) // 2
    first, second = statistics.median(samples[1:half]), statistics.median(samples[half:])
    assert second <= first + slack, f'{what} grows: {samples}'


@pytest.mark.parametrize('how', [['-w', '-t', 'unsafe'], ['-w', '-s']], ids=['image', 'overlay'])
def test_a_long_session_of_random_actions(start, work, how):
    scenarios.make_chain(work)
    listed = support.blkscope('--headless', '--no-config', '-c', 'bind').out
    requests = sorted({word for word in re.findall(r'[a-z]+(?:-[a-z]+)*', listed)} & set(all_requests())) or all_requests()
    monkey = Monkey(random.Random(SEED), [name for name in requests if name not in NEVER])
    process = start([*how, '--refs=follow', 'blkdebug::top.qcow2'])
    signal.alarm(LIMIT)
    began, samples = time.monotonic(), []
    # Output is kept up to a bound: reached here, before anything is measured.
    process.send(['set console-scrollback 1', 'read -v 0 256k'])
    for done in range(0, ACTIONS, BATCH):
        lines = [monkey.line() for _ in range(BATCH)]
        process.send([*lines, 'aio_flush'])
        samples.append(process.measure())
        process.send([*CALM, 'close'])
        samples[-1] = (*samples[-1], process.heap())
        process.send([f'open {" ".join(how)} blkdebug::top.qcow2'])
        if done + BATCH == ACTIONS // BATCH // 2 * BATCH or done == 0:
            print(f'after {done + BATCH}: {samples[-1][0]} KiB, {samples[-1][1]} descriptors, {samples[-1][2]} mappings, {time.monotonic() - began:.0f} s')
    peak = process.finish()
    print(f'{ACTIONS} actions, seed {SEED}: {samples[-1][0]} KiB at the end, at most {peak} KiB, {samples[-1][1]} descriptors, {samples[-1][2]} mappings, '
          f'{process.bytes >> 20} MiB of output, '
          f'{time.monotonic() - began:.0f} s; memory over time {[sample[0] for sample in samples[::max(1, len(samples) // 20)]]}, '
          f'of it allocated {[sample[3] for sample in samples[::max(1, len(samples) // 20)]]}')
    # The history of typed lines, 10,000 and as many again to be saved, is what fills all along: half a byte for each action.
    for i, (what, slack) in enumerate([('memory', 4096), ('descriptors', 0), ('mappings', 16), ('what is allocated', 64 + ACTIONS // 2048)]):
        flat([sample[i] for sample in samples], what, slack)
    scenarios.sound(work, 'top.qcow2', 'middle.qcow2')


def all_requests():
    text = (support.CHECKOUT / 'ui/request.h').read_text()
    return re.findall(r'^    X\(\w+, "([\w-]+)"', text, re.MULTILINE)


def test_many_pending_requests(start):
    count = 100_000 if LOAD == 'all' else 3000
    process = start(['-f', 'raw', 'null-co://'])
    began = time.monotonic()
    process.send(['close', 'open -o driver=null-co,size=1G,latency-ns=3600000000000', 'focus pending'])
    before, *_ = process.measure()
    process.send(f'aio_read -q {number * 4096} 4096' for number in range(count))
    process.send(['do last', 'screen', 'do first', 'do pending-sort', 'do pending-filter', 'do pending-times', 'screen'])
    held, fds, *_ = process.measure()
    print(f'{count} pending requests: {(held - before) * 1024 // count} bytes for each, {held} KiB in all, {fds} descriptors, {time.monotonic() - began:.1f} s')
    process.process.kill()
    process.process.wait(support.DEADLINE)
    process.reader.join()
    assert (held - before) * 1024 // count < 64 << 10


def test_much_output_through_the_console(work):
    """A dump of 16 bytes is 77 characters."""
    size = (256 if LOAD == 'all' else 2) * MIB
    with open(work / 'disk.img', 'wb') as file:
        file.truncate(size)
    with Terminal(['-f', 'raw', 'disk.img'], cwd=work) as t:
        t.wait('disk.img')
        began = time.monotonic()
        t.send(':', f'read -v 0 {size}', 'Enter')
        end = began + (1200 if LOAD == 'all' else 60)
        samples = []
        while f'read {size}/{size}' not in t and time.monotonic() < end:
            t.pump(0.2)
            del t.raw[:-4096]
            samples.append(int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{t.pid}/status').read_text())[1]))
        assert f'read {size}/{size}' in t, t.text()
        status = Path(f'/proc/{t.pid}/status').read_text()
        print(f'{size // 16 * 77 >> 20} MiB through the console in {time.monotonic() - began:.1f} s, at most {re.search("VmHWM.*", status)[0].split()[1]} KiB, '
              f'over time {samples[::max(1, len(samples) // 12)]}')
        t.wait_gone('Ctrl-C ends it')  # its last line is on the screen before it has given back what it had
        quit_by_key(t)
        assert t.exit_status() == 0
    flat(samples[len(samples) // 3:] if len(samples) > 20 else [0, 0, 0, 0], 'memory', 16 << 10)


def test_every_request_where_nothing_asks_for_it(work):
    """Under help, in the list of themes, at a question: what a key can't do there, `do` can."""
    scenarios.make_chain(work)
    lines = [f'do {begin}; do {name}; do overlay-close; do chooser-cancel; do prompt-cancel' for begin in ('help', 'themes', 'go-to', 'map-list', 'hex-search')
             for name in all_requests() if name not in NEVER]
    result = support.blkscope('--headless', '--no-config', '--refs=follow', '--script', '/dev/stdin', 'top.qcow2', cwd=work, input='\n'.join(lines))
    assert result.status in (0, 1), result.status
