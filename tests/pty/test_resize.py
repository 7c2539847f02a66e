# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes that change, and borders."""
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from steps import PANELS, command, mouse, quit_by_key  # noqa: E402


def test_borders_are_kept_for_later_runs(start, work):
    state = work / 'state'
    t = start(XDG_STATE_HOME=state)
    t.send('\x1b[1;5C')  # Ctrl-Right
    t.wait('> layout stacked columns 4')
    line = next(line for line in t.screen.display if 'layout stacked' in line)
    t.send('q')
    assert t.exit_status() == 0
    kept = (state / 'blkscope' / 'layout').read_text()
    assert kept.strip() in line
    assert (state / 'blkscope' / 'layout').stat().st_mode & 0o777 == 0o600
    t = start(XDG_STATE_HOME=state)
    command(t, 'layout')
    t.wait(kept.strip())


def test_resize_draws_for_the_new_size(start):
    t = start()
    t.resize(40, 140)
    t.wait(lambda t: any(line[100:].strip() for line in t.screen.display) and 'console' in t, 'something right of column 100')
    t.resize(12, 50)
    t.wait(lambda t: 'console' in t or 'map' in t, 'a small screen')
    t.resize(24, 80)
    t.wait(lambda t: all(panel in t for panel in PANELS), 'all panels again')


def test_resize_storm(start):
    t = start()
    for i in range(300):
        t.resize(1 + i * 7 % 60, 1 + i * 13 % 200)
        if i % 10 == 0:
            os.kill(t.pid, signal.SIGWINCH)
        if i % 50 == 0:
            t.send('Tab')
    t.resize(24, 80)
    command(t, 'length')
    t.wait('> length')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()


def test_resize_storm_with_mouse_and_paste(start):
    """Below the least size, too, where there is nothing to click on; what is pasted runs nothing."""
    t = start()
    t.send(':')
    for i in range(200):
        t.resize(1 + i * 7 % 60, 1 + i * 13 % 200)
        mouse(t, (0, 32, 64, 65)[i % 4], i * 11 % 200, i * 5 % 60)
        mouse(t, 0, i * 11 % 200, i * 5 % 60, 'm')
        if i % 20 == 0:
            t.send(f'\x1b[200~quit\r{"x" * i}\x1b[201~')
    t.resize(9, 39)
    t.wait('too small: 40x10 needed')
    mouse(t, 0, 5, 5)
    t.resize(24, 80)
    t.wait('console')
    t.send('Esc')
    t.wait(lambda t: 'MOVE' in t or 'TYPE' in t, 'the panels')
    command(t, '\x15length')
    t.wait('4 MiB')
    t.wait('> length')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()
