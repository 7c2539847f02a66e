# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouse, and sequences that come in pieces."""
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from steps import command, mouse, quit_by_key  # noqa: E402


def test_the_mouse_moves_the_focus_and_scrolls(start):
    t = start()
    t.raw_wait(b'\x1b[?1006h')
    mouse(t, 0, 20, 9)
    mouse(t, 0, 20, 9, 'm')
    t.wait('> focus hex')
    command(t, 'help')
    mouse(t, 64, 20, 20)
    t.wait('lines below')
    mouse(t, 65, 20, 20)
    t.wait_gone('lines below')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()


def test_a_sequence_in_pieces_is_one(start):
    t = start()
    for piece in ('\x1b[<0;2', '1;1', '0M', '\x1b[<0;21;10m'):
        t.send(piece)
        time.sleep(0.05)  # the pieces must not come as one
    t.wait('> focus hex')
    t.send('q')
    assert t.exit_status() == 0


def test_suspend_gives_the_mouse_back_and_takes_it_again(start):
    t = start(TERM='xterm-256color')
    t.raw_wait(b'\x1b[?1002h')
    t.send('Ctrl-Z')
    assert t.report('stopped') == signal.SIGTSTP
    t.pump(0.05)
    t.assert_restored()
    mark = len(t.raw)
    t.foreground()
    t.raw_wait(b'\x1b[?1002h', mark)
    t.raw_wait(b'\x1b[?2004h', mark)
    mouse(t, 0, 20, 9)
    t.wait('> focus hex')
    t.send('q')
    assert t.exit_status() == 0
    t.assert_restored()
