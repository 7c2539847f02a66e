# SPDX-License-Identifier: GPL-3.0-or-later
"""A real terminal for tests: the program is the foreground job on a pty, its output is drawn by pyte.

Nothing sleeps: a test waits for what it expects to see, with a deadline that only ends what hangs.
"""
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pyte
import support

DEADLINE = 20 if not support.FLAVOUR else 120
# BLKSCOPE_PIECES=N shows a test every N bytes of what the program writes, as a slow machine would: half frames between whole ones.
PIECES = int(os.environ.get('BLKSCOPE_PIECES', '0'))
ENTER_ALTERNATE, LEAVE_ALTERNATE = b'\x1b[?1049h', b'\x1b[?1049l'
KEYS = {'Enter': '\r', 'Tab': '\t', 'Shift-Tab': '\x1b[Z', 'Esc': '\x1b', 'Up': '\x1bOA', 'Down': '\x1bOB', 'Right': '\x1bOC', 'Left': '\x1bOD',
        'PageUp': '\x1b[5~', 'PageDown': '\x1b[6~', 'Home': '\x1bOH', 'End': '\x1bOF', 'Backspace': '\x7f',
        'Ctrl-C': '\x03', 'Ctrl-D': '\x04', 'Ctrl-Z': '\x1a', 'Ctrl-L': '\x0c', 'Ctrl-R': '\x12', 'Ctrl-U': '\x15', 'F1': '\x1bOP'}


class Screen(pyte.Screen):
    @property
    def display(self):
        """As pyte has it, also between the two halves of a frame in which a wide character went."""
        return [''.join(self.buffer[y][x].data for x in range(self.columns)) for y in range(self.lines)]


class Terminal:
    def __init__(self, args, *, rows=24, columns=80, cwd=None, name='blkscope', program=None, **env):
        # What is typed in one test must not come back in another, nor reach anybody's real history.
        self.state = tempfile.TemporaryDirectory(prefix='blkscope-state-')
        env.setdefault('XDG_STATE_HOME', self.state.name)
        # The terminal is what it is, whatever the lane's locale.
        env = {**support.SCREEN, **env}
        self.rows, self.columns = rows, columns
        self.screen = Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()  # everything the program ever wrote
        self.leader, self.follower = os.openpty()
        self.set_size(rows, columns)
        self.before = termios.tcgetattr(self.follower)
        report_read, report_write = os.pipe()
        order_read, order_write = os.pipe()
        argv, executable = support.command_line(program or support.BLKSCOPE, name, [str(arg) for arg in args])

        def place_pipes():
            # Above both targets first: one of the pipes may be 3 or 4 itself.
            a, b = fcntl.fcntl(report_write, fcntl.F_DUPFD, 10), fcntl.fcntl(order_read, fcntl.F_DUPFD, 10)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.closerange(5, 64)

        self.job = subprocess.Popen([sys.executable, Path(__file__).with_name('job.py'), os.ttyname(self.follower), executable, *argv],
                                    cwd=cwd, stdin=subprocess.DEVNULL, close_fds=False, preexec_fn=place_pipes,
                                    env=support.environment(**env))
        os.close(report_write)
        os.close(order_read)
        self.reports, self.reported, self.orders = report_read, b'', order_write
        self.pid = self.report('pid')

    # ---- the job ----

    def next_report(self, expected='anything'):
        """What becomes of the job next, and its number; None, None when the shell has nothing more to say."""
        end = time.monotonic() + DEADLINE
        while b'\n' not in self.reported:
            # The output goes on being taken: a program that waits to write it comes to no end.
            self.pump(0.05)
            if select.select([self.reports], [], [], 0)[0]:
                data = os.read(self.reports, 4096)
                if not data:
                    return None, None
                self.reported += data
            assert time.monotonic() < end, f'waited for "{expected}":\n{self.text()}'
        line, _, self.reported = self.reported.partition(b'\n')
        self.pump(0)
        what, number = line.decode().split()
        return what, int(number)

    def report(self, kind):
        """The next thing that becomes of the job must be of this kind; its number."""
        what, number = self.next_report(kind)
        assert what == kind, f'expected "{kind}", got {what} {number}\n{self.text()}'
        return number

    def exit_status(self):
        status = self.report('exited')
        self.finish()
        return status

    def killed_by(self):
        number = self.report('killed')
        self.finish()
        return number

    def finish(self):
        self.job.wait(DEADLINE)
        self.pump(0)

    def foreground(self):
        os.write(self.orders, b'fg\n')

    def close(self):
        if self.job.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.kill(self.pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
            os.close(self.orders)
            self.orders = -1
            deadline = time.monotonic() + 5
            while self.job.poll() is None and time.monotonic() < deadline:
                self.pump(0.05)
            if self.job.poll() is None:
                self.job.kill()
                self.job.wait(DEADLINE)
        if self.orders >= 0:
            os.close(self.orders)
        os.close(self.reports)
        os.close(self.leader)
        os.close(self.follower)
        self.state.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- the screen ----

    def pump(self, timeout):
        """Takes in what the program has written; waits at most timeout seconds for the first of it.  One that never stops
        writing is heard for a second at a time."""
        got, end, piece = 0, time.monotonic() + timeout + 1, PIECES if timeout else 0
        while select.select([self.leader], [], [], timeout)[0]:
            try:
                data = os.read(self.leader, piece or 65536)
            except OSError:
                break
            if not data:
                break
            self.raw += data
            self.stream.feed(data)
            got += len(data)
            timeout = 0
            if piece or time.monotonic() > end:
                break
        return got

    def text(self):
        return '\n'.join(line.rstrip() for line in self.screen.display)

    def __contains__(self, words):
        return words in self.text()

    def wait(self, what, message=''):
        """Until the screen holds a text, or a function of the terminal returns something true; that is returned."""
        wanted = (lambda terminal: what in terminal) if isinstance(what, str) else what
        end = time.monotonic() + DEADLINE
        while True:
            found = wanted(self)
            if found:
                return found
            left = end - time.monotonic()
            if left <= 0 or (not self.pump(min(left, 0.2)) and self.job.poll() is not None):
                self.pump(0)
                if wanted(self):
                    return True
                raise AssertionError(f'waited for {message or what!r}; the screen is\n{self.text()}')

    def wait_gone(self, words):
        return self.wait(lambda terminal: words not in terminal, f'no {words!r}')

    def raw_wait(self, data, start=0):
        return self.wait(lambda terminal: data in terminal.raw[start:], f'output of {data!r}')

    def send(self, *keys):
        for key in keys:
            os.write(self.leader, KEYS.get(key, key).encode())

    def set_size(self, rows, columns):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.pump(0)
        self.rows, self.columns = rows, columns
        self.screen.resize(rows, columns)
        self.set_size(rows, columns)

    # ---- what is left behind ----

    def assert_restored(self):
        """The terminal is as it was: its modes, the ordinary screen, a visible cursor."""
        assert termios.tcgetattr(self.follower) == self.before
        assert self.raw.count(ENTER_ALTERNATE) == self.raw.count(LEAVE_ALTERNATE)
        assert self.raw.rfind(LEAVE_ALTERNATE) > self.raw.rfind(ENTER_ALTERNATE)
        shown = max(self.raw.rfind(b'\x1b[?25h'), self.raw.rfind(b'\x1b[?12l\x1b[?25h'))
        assert shown >= self.raw.rfind(b'\x1b[?25l')
        for mode in (b'1000', b'1002', b'1006', b'2004', b'1'):
            assert self.raw.rfind(b'\x1b[?' + mode + b'h') <= self.raw.rfind(b'\x1b[?' + mode + b'l')
