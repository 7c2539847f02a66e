# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping and going on, and every way to end: the terminal is the shell's again."""
import os
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / 'nbd')]

import support  # noqa: E402
from servers import READ, Server  # noqa: E402
from steps import command, quit_by_key  # noqa: E402
from terminal import DEADLINE, Terminal  # noqa: E402


def test_suspend_and_continue(start):
    import termios
    t = start()
    t.send('Ctrl-Z')
    assert t.report('stopped') == signal.SIGTSTP
    t.pump(0.05)
    t.assert_restored()
    mark = len(t.raw)
    t.foreground()
    t.wait(lambda t: b'\x1b[?1049h' in t.raw[mark:], 'the alternate screen again')
    t.wait(lambda t: 'disk.img' in t and 'console' in t, 'the screen again')
    assert termios.tcgetattr(t.follower) != t.before
    command(t, 'length')
    t.wait('> length')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()


def test_suspend_by_signal_and_resize_meanwhile(start):
    t = start()
    os.kill(t.pid, signal.SIGTSTP)
    assert t.report('stopped') == signal.SIGTSTP
    t.assert_restored()
    t.resize(40, 120)
    t.foreground()
    t.wait(lambda t: any(line[100:].strip() for line in t.screen.display) and 'console' in t, 'the screen in its new size')


def test_quit_while_a_command_runs(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    quit_by_key(t)
    t.exit_status()
    t.assert_restored()


class Stalls(Server):
    """Says nothing any more once a read of the second half came."""
    silent = False

    def reply(self, connection, kind, flags, cookie, offset, length, payload):
        self.silent = self.silent or (kind == READ and offset >= self.size // 2)
        if not self.silent:
            super().reply(connection, kind, flags, cookie, offset, length, payload)


@pytest.mark.parametrize('lines', [['aio_read 512k 4k'], ['aio_read 512k 4k', 'aio_flush'], ['read 512k 4k'], ['search -x 0102']], ids=' '.join)
def test_quit_while_a_server_has_stalled(work, lines):
    """What was to be read nobody will see: the end waits for none of it, and need not say for what."""
    with Stalls(work / 's') as server:
        t = Terminal(['-f', 'raw', f'nbd+unix:///?socket={work / "s"}'])
        t.wait('Tab next')
        for line in lines:
            command(t, line)
        t.wait(lambda t: server.silent, 'a read of the second half')
        t.wait('Esc leave')
        quit_by_key(t)
        t.exit_status()
        t.pump(0.05)
        assert b'waiting for requests' not in t.raw
        t.assert_restored()


def test_abort_restores_the_terminal(start):
    t = start()
    command(t, 'abort')
    assert t.killed_by() == signal.SIGABRT
    t.assert_restored()


# The sanitizer takes these for itself, reports, and ends the program by exit.
SANITIZED = (signal.SIGSEGV, signal.SIGBUS)


@pytest.mark.skipif(support.FLAVOUR == 'asan', reason='the sanitizer handles SIGSEGV')
def test_sigraise_11_restores_the_terminal(start):
    t = start()
    command(t, 'sigraise 11')
    assert t.killed_by() == signal.SIGSEGV
    t.assert_restored()


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGBUS])
def test_signal_from_outside_restores_the_terminal(start, number):
    t = start()
    os.kill(t.pid, number)
    what, code = t.next_report()
    t.finish()
    by_exit = (signal.SIGTERM, signal.SIGHUP) + (SANITIZED if support.FLAVOUR == 'asan' else ())
    assert (what, code) == ('killed', number) or (what == 'exited' and number in by_exit)
    t.assert_restored()


def test_sigint_from_outside_does_not_kill(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    os.kill(t.pid, signal.SIGINT)
    command(t, 'length')
    t.wait('> length')


def test_terminal_that_goes_away(disk):
    """A closed window ends the program; it does not go round and round without a terminal."""
    t = Terminal(['-f', 'raw', disk])
    t.wait('console')
    os.close(t.leader)
    os.close(t.follower)
    end = time.monotonic() + support.DEADLINE
    while Path(f'/proc/{t.pid}').exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert not Path(f'/proc/{t.pid}').exists()
    t.job.wait(support.DEADLINE)
    t.leader, t.follower = os.openpty()
    t.close()
