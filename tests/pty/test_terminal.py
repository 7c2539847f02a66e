# SPDX-License-Identifier: GPL-3.0-or-later
"""The full-screen program on a real terminal: it starts, takes keys and commands, and rests."""
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from steps import PANELS, command  # noqa: E402
from terminal import DEADLINE, Terminal  # noqa: E402


def test_start_shows_the_image_and_four_panels(start):
    t = start()
    for panel in PANELS:
        t.wait(panel)
    t.wait('READ-ONLY')
    t.wait('4 MiB')
    t.wait('raw')


def test_typed_command_shows_its_output(start):
    t = start()
    command(t, 'read -v 2M 16')
    t.wait('read 16/16 bytes at offset 2097152')
    # what was read is in the hex panel
    t.wait('30 30 30')
    command(t, 'length')
    t.wait('> length')


def test_writing_is_refused_and_the_way_on_named(start, disk):
    before = disk.read_bytes()
    t = start(rows=30, columns=120)
    command(t, 'write 0 512')
    t.wait('read-only')
    t.wait('start with -w')
    assert disk.read_bytes() == before


def test_the_title_says_that_there_is_no_sandbox(start):
    t = start('--no-sandbox', '-f', 'raw', rows=24, columns=80)
    t.wait('[NO SANDBOX]')
    t.wait('no sandbox, as --no-sandbox says')
    t = start(rows=24, columns=80)
    command(t, 'sandbox')
    t.wait('no new connections')
    t.wait(lambda t: ('[NO SANDBOX]' in t) == ('nothing but the program' in t), 'a title that agrees')


def test_quit_by_key(start):
    t = start()
    t.send('q')
    assert t.exit_status() == 0
    t.assert_restored()


def test_quit_by_command(start):
    t = start()
    command(t, 'quit')
    assert t.exit_status() == 0
    t.assert_restored()


def test_keys_typed_before_the_first_screen_count(disk):
    with Terminal(['-f', 'raw', disk]) as t:
        t.send(':', 'length', 'Enter')
        t.wait('> length')


def test_tab_moves_the_focus_round(start):
    t = start()
    t.wait(lambda t: in_focus(t) == ['map'], 'the map in focus')
    seen = []
    for _ in PANELS:
        before = in_focus(t)
        t.send('Tab')
        seen += t.wait(lambda t: len(in_focus(t)) == 1 and in_focus(t) != before and in_focus(t), 'another focus')
    assert sorted(seen) == sorted(PANELS) and seen[-1] == 'map'


def in_focus(t):
    """Panels whose names are bold: a frame that is not whole yet has two or none."""
    return [panel for panel in PANELS for y, line in enumerate(t.screen.display) for name in re.finditer(rf'[┌├┬┴┼┤─] {panel}\b', line)
            if t.screen.buffer[y][name.start() + 2].bold]


def test_help_lists_keys_and_goes_away(start):
    t = start()
    t.send('?')
    t.wait('close  / search')
    t.send('Esc')
    t.wait_gone('close  / search')


def test_go_to_shows_an_offset(start):
    t = start()
    t.send('g')
    t.wait(lambda t: 'go to' in t.text().lower() or 'offset' in t.text().lower(), 'the question')
    t.send('0x200000', 'Enter')
    t.wait('00200000')
    t.wait('30 30 30')


def test_zoom_gives_a_panel_the_whole_screen(start):
    t = start()
    t.send('z')
    t.wait(lambda t: [panel for panel in PANELS if has_frame(t, panel)] == ['map'], 'the map alone')
    t.send('z')
    t.wait(lambda t: all(has_frame(t, panel) for panel in PANELS), 'all panels')
    t.send('Tab', 'z')
    t.wait(lambda t: sum(has_frame(t, panel) for panel in PANELS) == 1, 'one panel')


def has_frame(t, panel):
    return re.search(rf'[┌├┬┴┼┤─] {panel}\b', t.text()) is not None


def test_console_completes_commands(start):
    t = start()
    t.send(':', 'trunc', 'Tab')
    t.wait('truncate')


def test_long_output_scrolls(start):
    t = start()
    command(t, 'read -v 0 8k')
    t.wait('8 KiB, 1 ops')
    t.send('PageUp', 'PageUp')
    t.wait_gone('8 KiB, 1 ops')
    t.send('PageDown', 'PageDown', 'PageDown')
    t.wait('8 KiB, 1 ops')


def switches(pid):
    """How often the program's threads have been run."""
    total = 0
    for task in Path(f'/proc/{pid}/task').iterdir():
        status = (task / 'status').read_text()
        total += sum(int(n) for n in re.findall(r'ctxt_switches:\s+(\d+)', status))
    return total


def test_idle_is_silent_and_asleep(start):
    t = start()
    command(t, 'length')
    t.wait('> length')
    # Settled: nothing written for a while.  What follows is a measurement over a time, not a wait for something.
    end = time.monotonic() + support.DEADLINE
    while t.pump(1.0):
        assert time.monotonic() < end, 'never quiet'
    before, written = switches(t.pid), len(t.raw)
    t.pump(2.0)
    assert len(t.raw) == written, bytes(t.raw[written:])
    assert switches(t.pid) == before
