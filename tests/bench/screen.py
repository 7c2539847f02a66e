# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen on a pty: from a key to its finished frame while the disk is scanned and requests are pending, what a page of hex costs beside
hexedit and vim, and output by the gigabyte.  startup.py has its first frame, and what it does when nothing happens.

Other processes make the clock longer.  So each wait for a frame is also told without the time in which the program (or this one) could
have run and did not, as the kernel counts it; and turns.c, preloaded, tells how long the loop was busy between two looks at the keys, in
processor time."""
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'pty'))

import pyte
import spread
import support
import terminal
from harness import mebibytes
from support import GIB, KIB, MIB, TIB

TITLE = 'Keys, pages and output'
NOTES = '''At 160x48. Key to frame: from the write of a key to the pty until all of a frame that shows its effect was read; the median of 500 keys and
the 99th percentile. "Others apart" leaves out the time in which the program or the measuring one was ready to run and another process ran;
"longest turn" is the processor time between two looks at the keys, whatever the clock says. The image of 1 TiB is the one of "qcow2
tables", scanned again and again. A page is random data, coloured by blkscope, in one colour by hexedit and without any by vim (of a part of
4 MiB, as it holds all of a file); "CPU" is then the ratio of processor time. "at least" is the most for times and memory.

A search once took 10 ms a key and up to 45 ms a turn, in some runs: a read of 512 KiB that asks only the page cache also fills pages of holes, and in
memory that a virtual machine's host has to supply first that takes ten milliseconds. So does a read of 64 KiB, by the read-ahead behind it: with a
limit of 128 KiB instead of 32 the median was 1 ms in some runs and 12 in others. Longer reads are now another thread's from the start where
somebody watches (`src/io/aio.c`); drop the page cache before a run to see it.'''

COLUMNS, ROWS = 160, 48
KEYS, PAGES = 500, 300
TURNS = 'tests/bench/turns.so'
LEFT, RIGHT, DOWN, NEXT = '\x1b[D', '\x1b[C', '\x1b[B', '\x1b[6~'


@dataclass
class Moment:
    clock: float
    cpu: float      # of the program so far
    denied: float   # how long it was ready and did not run
    own: float      # the same of this process


class Screen:
    """A program on a pty; what it writes is kept with the moment it came."""

    def __init__(self, argv, cwd, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, support.environment(TERM='xterm-256color', HOME=str(cwd), XDG_STATE_HOME=str(cwd / 'state'), **env))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.clock = (~self.pid << 3) | 2  # see clock_getcpuclockid(3)
        self.chunks = []
        self.terminal = terminal.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.terminal)
        self.seen = 0

    def now(self):
        clock = time.perf_counter()
        return Moment(clock, self.cpu(), denied(self.pid), denied('thread-self'))

    def drain(self, seconds, quiet=None):
        """Takes what comes for that long, or until nothing has for `quiet` seconds; the number of bytes."""
        end, got = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self.fd], [], [], min(left, quiet or left))[0]:
                if quiet:
                    break
                continue
            data = os.read(self.fd, 1 << 16)
            self.chunks.append((self.now(), data))
            got += len(data)
        return got

    def send(self, text):
        moment = self.now()
        os.write(self.fd, text.encode())
        return moment

    def show(self, chunk):
        self.stream.feed(chunk[1])
        self.seen += 1

    def text(self):
        while self.seen < len(self.chunks):
            self.show(self.chunks[self.seen])
        return '\n'.join(self.terminal.display)

    def wait(self, words, seconds=60):
        end = time.monotonic() + seconds
        while words not in self.text():
            if time.monotonic() > end:
                sys.exit(f'waited for {words!r}:\n{self.text()}')
            self.drain(0.5, 0.02)

    def cpu(self):
        """Seconds of processor time so far."""
        return time.clock_gettime(self.clock)

    def resident(self):
        return int(Path(f'/proc/{self.pid}/statm').read_text().split()[1]) * 4 * KIB

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def denied(who):
    """Seconds that a thread was ready and did not run."""
    return int(Path(f'/proc/{who}/schedstat').read_text().split()[1]) / 1e9


def watched(bench, args, **env):
    """The program with turns.c in it, where it was built."""
    turns = Path(bench.program).parent / TURNS
    if turns.exists():
        env.update(LD_PRELOAD=str(turns), TURNS=str(bench.folder / 'turns'))
    return Screen([bench.program, *args], bench.folder, **env)


def longest_turn(bench, screen):
    """Milliseconds since the last time this was asked; None: turns.c was not built."""
    path = bench.folder / 'turns'
    if not (Path(bench.program).parent / TURNS).exists():
        return None
    known = path.stat().st_size
    os.kill(screen.pid, signal.SIGURG)
    while not (text := path.read_bytes()[known:].decode()).endswith('end\n'):
        screen.drain(0.02)
    counts = [line.split('\t') for line in text.splitlines()]
    return max((int(words[3]) / 1000 for words in counts if words[0].startswith('turn')), default=0)


# ---- from a key to its frame ----

def press(screen, keys, pause=0.03, between=None):
    """Sends the keys one after the other; the moments they were sent, and the first chunk that came after."""
    screen.drain(2, 0.3)
    sent, first = [], len(screen.chunks)
    for i, key in enumerate(keys):
        if between:
            between(i)
        sent.append(screen.send(key))
        screen.drain(pause)
    screen.drain(0.5)
    return sent, first


def waits(screen, sent, first, look):
    """(clock, others apart) in milliseconds of each key: the first frame that changes what `look` sees of the lines, and came after it."""
    while screen.seen < first:
        screen.show(screen.chunks[screen.seen])
    found, at, answered = [], 0, -1
    before = look(screen.terminal.display)
    for moment, data in screen.chunks[first:]:
        screen.show((moment, data))
        after = look(screen.terminal.display)
        while at + 1 < len(sent) and sent[at + 1].clock <= moment.clock:
            at += 1
        if after != before and at != answered and sent[at].clock <= moment.clock:
            clock = moment.clock - sent[at].clock
            others = max(moment.denied - sent[at].denied, moment.own - sent[at].own)
            found.append((clock * 1000, max(clock - others, 0) * 1000))
            answered = at
        before = after
    return found


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def key_rows(bench, what, screen, sent, first, look):
    turn = longest_turn(bench, screen)
    found = waits(screen, sent, first, look)
    if len(found) < len(sent) * 0.8:
        sys.exit(f'{what}: only {len(found)} of {len(sent)} keys were seen to have an effect\n{screen.text()}')
    clock, own = [pair[0] for pair in found], [pair[1] for pair in found]
    median, tail, apart = statistics.median(clock), percentile(clock, .99), percentile(own, .99)
    bench.row(f'{what}: median', f'{median:.1f} ms', '-', '-', '-', '5 ms', median < 5)
    bench.row(f'{what}: 99%', f'{tail:.1f} ms', '-', '-', '-', '16 ms', tail < 16)
    bench.row(f'{what}: 99%, others apart', f'{apart:.1f} ms', '-', '-', '-', '16 ms', apart < 16)
    if turn is not None:
        bench.row(f'{what}: longest turn', f'{turn:.1f} ms', '-', '-', '-', '8 ms', turn < 8)


def first_line(lines):
    return next((word for word in lines[0].split() if word.startswith('0x')), None)


def everything(lines):
    """Of the panel that fills the screen: its lines, not its frame and what is around."""
    return '\n'.join(lines[4:-2])


def pending(bench, count):
    """A screen on the image of 1 TiB with that many requests at breakpoints."""
    image, script = bench.folder / 'disk.qcow2', bench.folder / 'pending'
    if not image.exists():
        spread.make(image, TIB)
    script.write_text('break read_aio t\n' + ''.join(f'aio_read -q {i % 1000 * 2 * spread.CLUSTER} 512\nbreak read_aio t\n' for i in range(count)))
    screen = watched(bench, ['-f', 'qcow2', 'blkdebug::disk.qcow2'])
    screen.wait('disk.qcow2')
    screen.send(f':source {script}\r')
    screen.wait(f'{count} pending', 300)
    screen.send('\x1b')
    screen.drain(1, 0.3)
    return screen


def under_load(bench, screen, what, start, look, keys):
    """start: what begins the load again, when half a second of it has gone by."""
    def between(i):
        if i % 15 == 0:
            screen.send(start)
            screen.drain(0.01)
    screen.drain(1, 0.3)
    longest_turn(bench, screen)
    sent, first = press(screen, keys, between=between)
    key_rows(bench, what, screen, sent, first, look)


def keys_under_load(bench):
    screen = pending(bench, 1000)
    screen.send(':focus map\r')
    screen.drain(1, 0.3)
    arrows = [RIGHT] * KEYS
    under_load(bench, screen, 'key to frame, map scan of 1 TiB, 1,000 pending', 'R', first_line, arrows)
    screen.send(':focus hex\r')
    screen.drain(1, 0.3)
    # Of the file, which is all holes, nothing is read: the search is through its tables and ends soon, so it begins again and again, too.
    under_load(bench, screen, 'key to frame, search through 1 TiB, 1,000 pending', '/not there\r', first_line, arrows)
    screen.close()


def keys_in_pending(bench, count):
    screen = pending(bench, count)
    screen.send(':focus pending\r')
    screen.drain(1, 0.3)
    screen.send('z')
    screen.drain(1, 0.3)
    longest_turn(bench, screen)
    sent, first = press(screen, [NEXT] * 100)
    key_rows(bench, f'pages through {count:,} pending', screen, sent, first, everything)
    sent, first = press(screen, ['s'] * 60, pause=0.1)
    key_rows(bench, f'sorting {count:,} pending', screen, sent, first, lambda lines: lines[2])
    screen.close()


def keys_in_hex(bench, name, size):
    path = bench.folder / 'hex'
    with open(path, 'wb') as file:
        file.truncate(size)
        for offset in range(0, 16 * KIB, 512):
            file.seek(offset)
            file.write(os.urandom(512))
    screen = watched(bench, ['-f', 'raw', 'hex'])
    screen.wait('hex')
    screen.send('\tz')
    screen.drain(1, 0.3)
    longest_turn(bench, screen)
    sent, first = press(screen, [DOWN] * 200)
    key_rows(bench, f'line by line through the hex of {name}', screen, sent, first, first_line)
    screen.close()
    path.unlink()


# ---- pages ----

def pages(argv, folder, before=''):
    """Seconds of processor time, bytes, and seconds by the clock for a page forward, one page a frame."""
    screen = Screen(argv, folder)
    screen.drain(3, 0.5)
    if before:
        screen.send(before)
        screen.drain(3, 0.5)
    for _ in range(20):
        screen.send(NEXT)
        screen.drain(0.5, 0.02)
    cpu, got, begin = screen.cpu(), 0, time.perf_counter()
    for _ in range(PAGES):
        screen.send(NEXT)
        end = time.perf_counter() + 0.5
        while not (bytes_now := screen.drain(0.5, 0.005)) and time.perf_counter() < end:
            pass
        got += bytes_now
    taken, cpu = time.perf_counter() - begin, screen.cpu() - cpu
    screen.close()
    return cpu / PAGES, got / PAGES, taken / PAGES


def compare_pages(bench):
    with open(bench.folder / 'random', 'wb') as random:
        for _ in range(64):
            random.write(os.urandom(MIB))
    (bench.folder / 'small').write_bytes((bench.folder / 'random').read_bytes()[:4 * MIB])
    others = [('hexedit', 'hexedit', ['hexedit', 'random'], 0.5), ('vim', '`vim -b` with xxd', ['vim', '-b', '-c', '%!xxd', 'small'], 1)]
    ours = pages([bench.program, '-f', 'raw', 'random'], bench.folder, '\tz')
    for program, name, argv, target in others:
        if not shutil.which(program):
            print(f'{program} is not installed: left out')
            continue
        theirs = pages(argv, bench.folder)
        ratio = theirs[0] / ours[0]
        bench.row(f'a page of hex, processor time (reference: {name})', f'{ours[0] * 1000:.2f} ms', f'{theirs[0] * 1000:.2f} ms', f'{ratio:.2f}',
                  f'{ratio:.2f}', str(target), ratio >= target)
    bench.row('a page of hex: output', f'{ours[1] / KIB:.1f} KiB', '-', '-', '-', '-', True)


def held(bench, seconds=3):
    """Frames a second while a key is held, and repeated faster than any frame."""
    screen = Screen([bench.program, '-f', 'raw', 'random'], bench.folder)
    screen.wait('random')
    screen.send('\tz')
    screen.drain(1, 0.3)
    start, end = len(screen.chunks), time.perf_counter() + seconds
    while time.perf_counter() < end:
        screen.send(NEXT)
        screen.drain(0.004)
    while screen.seen < start:
        screen.show(screen.chunks[screen.seen])
    places = set()
    for chunk in screen.chunks[start:]:
        screen.show(chunk)
        places.add(screen.terminal.display[4][:14])
    screen.close()
    frames = len(places) / seconds
    bench.row('frames a second while PageDown is held in hex', f'{frames:.0f}', '-', '-', '-', '60', frames >= 60)


# ---- output ----

def output(bench):
    """A dump of a gigabyte of text through the console: how fast, in how much memory, and what a key waits meanwhile."""
    length = GIB // 81 * 16  # a row of 16 bytes is a line of 81
    screen = watched(bench, ['-f', 'raw', 'random'])
    screen.wait('random')
    screen.drain(1, 0.3)
    begin, sent, at = time.perf_counter(), [], 0
    longest_turn(bench, screen)
    for _ in range(-(-length // (64 * MIB))):
        screen.send(f':read -v 0 {min(length - at, 64 * MIB)}\r')
        at += 64 * MIB
    words = f'read {(length - 1) % (64 * MIB) + 1}/'
    while words not in screen.text():
        screen.drain(0.5, 0.05)
    taken = time.perf_counter() - begin
    turn, memory = longest_turn(bench, screen), screen.resident()
    bench.row('1 GiB of text through the console', f'{1024 / taken:.0f} MiB/s', '-', '-', '-', '-', True)
    if turn is not None:
        bench.row('1 GiB of text through the console: longest turn', f'{turn:.1f} ms', '-', '-', '-', '8 ms', turn < 8)
    # The last buffer, of 64 MiB, is kept for the hex panel.
    bench.row('1 GiB of text through the console: resident, without the buffer of 64 MiB', mebibytes(memory - 64 * MIB), '-', '-', '-', '64 MiB',
              memory < 128 * MIB)
    screen.close()


def run(bench):
    parts = {'key to frame': lambda: keys_under_load(bench), '10,000 pending': lambda: keys_in_pending(bench, 10000),
             '100,000 pending': lambda: keys_in_pending(bench, 100000), 'hex of 16 KiB': lambda: keys_in_hex(bench, '16 KiB', 16 * KIB),
             'hex of 15 TiB': lambda: keys_in_hex(bench, '15 TiB', 15 * TIB), 'a page of hex': lambda: compare_pages(bench),
             'PageDown': lambda: held(bench), 'text through the console': lambda: output(bench)}
    for name, part in parts.items():
        if name in ('PageDown', 'text through the console') and not (bench.folder / 'random').exists():
            (bench.folder / 'random').write_bytes(os.urandom(64 * MIB))
        if bench.wanted(name):
            part()
