#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the screen on a pty: from a key to its finished frame while the disk is scanned and 1,000 requests are pending; what a
page of hex costs beside hexedit and vim; and that nothing happens when nothing happens.

usage: screen.py --program build/blkscope [--keys N] [--pages N]
"""
import argparse
import fcntl
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'pty'))

import pyte  # noqa: E402
import support  # noqa: E402
import terminal  # noqa: E402

COLUMNS, ROWS = 160, 48
TICKS = os.sysconf('SC_CLK_TCK')


class Screen:
    """A program on a pty; what it writes is kept with the time it came."""

    def __init__(self, argv, cwd, **env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, support.environment(TERM='xterm-256color', HOME=str(cwd), XDG_STATE_HOME=str(cwd / 'state'), **env))
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, COLUMNS, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.chunks = []
        self.terminal = terminal.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.terminal)
        self.seen = 0

    def drain(self, seconds, quiet=None):
        """Takes what comes for that long, or until nothing has for `quiet` seconds; the number of bytes."""
        end, got = time.perf_counter() + seconds, 0
        while (left := end - time.perf_counter()) > 0:
            if not select.select([self.fd], [], [], min(left, quiet or left))[0]:
                if quiet:
                    break
                continue
            data = os.read(self.fd, 1 << 16)
            self.chunks.append((time.perf_counter(), data))
            got += len(data)
        return got

    def send(self, text):
        os.write(self.fd, text.encode())
        return time.perf_counter()

    def show(self, chunk):
        self.stream.feed(chunk[1])
        self.seen += 1

    def text(self):
        while self.seen < len(self.chunks):
            self.show(self.chunks[self.seen])
        return '\n'.join(self.terminal.display)

    def wait(self, words, seconds=30):
        end = time.monotonic() + seconds
        while words not in self.text():
            if time.monotonic() > end:
                sys.exit(f'waited for {words!r}:\n{self.text()}')
            self.drain(0.5, 0.02)

    def cpu(self):
        """Seconds of processor time so far."""
        fields = Path(f'/proc/{self.pid}/stat').read_text().rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def switches(self):
        status = Path(f'/proc/{self.pid}/status').read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if 'ctxt_switches' in line)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def fragmented(path):
    """1 TiB of qcow2 in which every other cluster is allocated: sixteen million extents to be found in 128 MiB of tables."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', path, '1T'], check=True)
    with open(path, 'r+b') as image:
        header = image.read(48)
        size, table = struct.unpack('>I', header[36:40])[0], struct.unpack('>Q', header[40:48])[0]
        image.seek(table)
        tables = struct.unpack(f'>{size}Q', image.read(8 * size))
        for entry in tables:
            offset = entry & 0x00fffffffffffe00
            image.seek(offset)
            entries = bytearray(image.read(1 << 16))
            for at in range(0, len(entries), 16):
                entries[at:at + 8] = bytes(8)
            image.seek(offset)
            image.write(entries)


def keys_under_load(program, folder, count):
    """Milliseconds from each key to the frame that shows its effect."""
    script = folder / 'pending'
    script.write_text(''.join(f'break read_aio t{i}\naio_read -q {i * 131072 + 65536} 512\n' for i in range(1000)))
    screen = Screen([program, '-f', 'qcow2', 'blkdebug::disk.qcow2'], folder)
    screen.wait('disk.qcow2')
    screen.send(f':source {script}\r')
    screen.wait('1000 pending', 120)
    screen.send(':focus map\r')
    screen.drain(1, 0.2)
    expected, sent, first = [], [], len(screen.chunks)
    for i in range(count):
        if i % 100 == 0:
            screen.send('\x1b[Z\tR')  # the focus goes there and back, and the scan begins anew
        expected.append(i + 1)
        sent.append(screen.send('\x1b[C'))
        screen.drain(0.03)
    screen.drain(0.5)
    return screen, sent, first


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def latencies(screen, sent, first):
    """The first frame after each key that ends with the cursor's offset changed in the first line."""
    while screen.seen < first:
        screen.show(screen.chunks[screen.seen])
    times, at = [], 0
    place = screen.terminal.display[0]
    for when, data in screen.chunks[first:]:
        screen.show((when, data))
        now = screen.terminal.display[0]
        moved, place = offset_of(now) != offset_of(place), now
        while at + 1 < len(sent) and sent[at + 1] <= when:
            at += 1
        if moved and sent[at] <= when:
            times.append((when - sent[at]) * 1000)
    return times


def offset_of(line):
    return next((word for word in line.split() if word.startswith('0x')), None)


def pages(name, argv, folder, count, before=''):
    """Milliseconds of processor time and bytes for a page forward, one page a frame."""
    screen = Screen(argv, folder)
    screen.drain(3, 0.5)
    if before:
        screen.send(before)
        screen.drain(3, 0.5)
    for _ in range(20):
        screen.send('\x1b[6~')
        screen.drain(0.5, 0.02)
    cpu, got, begin = screen.cpu(), 0, time.perf_counter()
    for _ in range(count):
        screen.send('\x1b[6~')
        end = time.perf_counter() + 0.5
        while not (bytes_now := screen.drain(0.5, 0.005)) and time.perf_counter() < end:
            pass
        got += bytes_now
    taken, cpu = time.perf_counter() - begin, screen.cpu() - cpu
    screen.close()
    print(f'{name:28} {cpu / count * 1000:7.2f} ms CPU a page  {got / count / 1024:7.1f} KiB  {count / taken:6.0f} pages/s')
    return cpu / count


def held(program, folder, seconds=3):
    """Frames a second while a key is held, and repeated faster than any frame."""
    screen = Screen([program, '-f', 'raw', 'random'], folder)
    screen.wait('random')
    screen.send('\tz')
    screen.drain(1, 0.3)
    start, end, frames = len(screen.chunks), time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        screen.send('\x1b[6~')
        screen.drain(0.004)
    places = set()
    while screen.seen < start:
        screen.show(screen.chunks[screen.seen])
    for chunk in screen.chunks[start:]:
        screen.show(chunk)
        places.add(screen.terminal.display[4][:14])
    frames = len(places)
    screen.close()
    print(f'PageDown held: {frames / seconds:.0f} frames/s')


def idle(program, folder, seconds=5):
    screen = Screen([program, '-f', 'raw', 'random'], folder)
    screen.wait('random')
    screen.drain(3, 1)
    before = screen.switches()
    got = screen.drain(seconds)
    after = screen.switches()
    screen.close()
    print(f'idle for {seconds} s: {got} bytes written, {after - before} wake-ups')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', required=True)
    parser.add_argument('--keys', type=int, default=500)
    parser.add_argument('--pages', type=int, default=300)
    args = parser.parse_args()
    program = str(Path(args.program).resolve())
    with tempfile.TemporaryDirectory(prefix='blkscope-bench-') as name:
        folder = Path(name)
        with open(folder / 'random', 'wb') as random:
            for _ in range(64):
                random.write(os.urandom(1 << 20))
        idle(program, folder)
        fragmented(folder / 'disk.qcow2')
        screen, sent, first = keys_under_load(program, folder, args.keys)
        times = latencies(screen, sent, first)
        screen.close()
        print(f'key to frame, scanning 1 TiB, 1,000 pending: median {statistics.median(times):.1f} ms, 99% {percentile(times, .99):.1f} ms '
              f'({len(times)} of {len(sent)} keys seen)')
        held(program, folder)
        pages('blkscope, coloured', [program, '-f', 'raw', 'random'], folder, args.pages, '\tz')
        if shutil.which('hexedit'):
            pages('hexedit, monochrome', ['hexedit', 'random'], folder, args.pages)
        if shutil.which('vim') and shutil.which('xxd'):
            pages('vim -b with xxd', ['vim', '-b', '-c', '%!xxd', 'small'], small(folder), args.pages)


def small(folder):
    """vim holds all of a file: a part of it will do."""
    (folder / 'small').write_bytes((folder / 'random').read_bytes()[:4 << 20])
    return folder


if __name__ == '__main__':
    main()
