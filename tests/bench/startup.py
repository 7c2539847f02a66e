# SPDX-License-Identifier: GPL-3.0-or-later
"""The screen of a huge image: until its first frame, and while nothing happens.  screen.py has its keys and pages."""
import fcntl
import os
import re
import select
import statistics
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import support
from harness import mebibytes, milliseconds
from support import KIB, MIB, TIB

TITLE = 'The first screen'
NOTES = '''The first screen is complete when all four panels and the size of the image have been written to the terminal; its memory is the peak,
after the background scan of the whole image. Idle is counted over 10 seconds in all threads of the process.'''


def first_screen(program, path):
    """Seconds from the start until the map has told data from hole, and resident bytes then."""
    leader, follower = os.openpty()
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


def quit_screen(process, leader):
    os.write(leader, b'q')
    while True:
        try:
            if not os.read(leader, 65536):
                break
        except OSError:
            break
    process.wait()
    os.close(leader)


def measure_idle(bench, path):
    process, leader, _, _ = first_screen(bench.program, path)
    while select.select([leader], [], [], 1)[0]:
        os.read(leader, 65536)

    def switches():
        return sum(int(n) for task in Path(f'/proc/{process.pid}/task').iterdir()
                   for n in re.findall(r'ctxt_switches:\s+(\d+)', (task / 'status').read_text()))
    before = switches()
    output = len(os.read(leader, 65536)) if select.select([leader], [], [], 10)[0] else 0
    woken = switches() - before
    bench.row('idle full screen for 10 s: wake-ups', str(woken), '-', '-', '-', '0', woken == 0)
    bench.row('idle full screen for 10 s: bytes of output', str(output), '-', '-', '-', '0', output == 0)
    process.terminate()
    process.wait()
    os.close(leader)


def run(bench):
    if not bench.wanted('first screen of a 15 TiB sparse raw image', 'idle full screen'):
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
        quit_screen(process, leader)
    shown, peak = statistics.median(times), max(memory)
    bench.row('first screen of a 15 TiB sparse raw image', milliseconds(shown), '-', '-', '-', '50 ms', shown <= 0.05)
    bench.row('its resident memory at most', mebibytes(peak), '-', '-', '-', '32 MiB', peak < 32 * MIB)
    measure_idle(bench, path)
    os.unlink(path)
