# SPDX-License-Identifier: GPL-3.0-or-later
"""The full-screen program on a real terminal, under a real job control."""
import os
import re
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from terminal import DEADLINE, Terminal  # noqa: E402

PANELS = ('map', 'hex', 'pending', 'console')


@pytest.fixture
def disk(work):
    path = work / 'disk.img'
    support.make_image(path)
    return path


@pytest.fixture
def start(disk):
    """Starts the program on an image and waits for its first screen; closes what is left at the end."""
    started = []

    def run(*args, **options):
        terminal = Terminal([*(args or ('-f', 'raw')), disk], **options)
        started.append(terminal)
        terminal.wait(lambda t: 'disk.img' in t and 'console' in t, 'the first screen')
        return terminal

    yield run
    for terminal in started:
        terminal.close()


def command(terminal, line):
    """Types a command in the console; the console keeps the focus."""
    terminal.send(':', line, 'Enter')


def leave_console(terminal):
    """Esc, and then nothing until it took effect: a key right behind it would be Alt and that key."""
    terminal.send('Esc')
    terminal.wait('Tab next')


def quit_by_key(terminal):
    leave_console(terminal)
    terminal.send('q')


# ---- start, type, quit ----

def ground(t):
    """The colour behind the text in the middle of the screen."""
    return t.screen.buffer[t.rows // 2][t.columns // 2].bg


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


@pytest.mark.parametrize('size', [(24, 80), (50, 160), (10, 40), (5, 20), (1, 1), (2, 200), (200, 2)], ids=lambda s: f'{s[1]}x{s[0]}')
def test_every_size_starts_and_quits(disk, size):
    with Terminal(['-f', 'raw', disk], rows=size[0], columns=size[1]) as t:
        t.raw_wait(b'\x1b[?1049h')
        t.send('q')
        assert t.exit_status() == 0
        t.assert_restored()


@pytest.mark.parametrize('kind', ['xterm', 'xterm-256color', 'linux', 'vt100', 'screen', 'tmux-256color', 'dumb', 'no-such-terminal', ''])
def test_every_kind_of_terminal(disk, kind):
    """Draws, or says clearly that it can't; never leaves a mess."""
    with Terminal(['-f', 'raw', disk], TERM=kind) as t:
        t.wait(lambda t: 'console' in t or t.job.poll() is not None, 'a screen or an end')
        if t.job.poll() is None:
            t.send('q')
        t.job.wait(support.DEADLINE)
        t.pump(0)
        import termios
        assert termios.tcgetattr(t.follower) == t.before
        assert t.raw, 'not a word'


def test_without_utf8(start):
    t = start(LC_ALL='C', LANG='C')
    t.wait('console')
    assert all(byte < 0x80 for byte in bytes(t.raw))


def test_without_colour(start):
    t = start(NO_COLOR='1')
    t.wait('console')
    assert not re.search(rb'\x1b\[[0-9;]*\b(3[0-7]|4[0-7]|38;[25]|48;[25])[0-9;]*m', bytes(t.raw))


def test_a_theme_is_switched_at_once(start):
    t = start('--theme', 'light', '-f', 'raw', TERM='xterm-256color')
    t.wait(lambda _: ground(t) == 'ffffff', 'the ground of light')
    command(t, 'theme high-contrast')
    t.wait(lambda _: ground(t) == '000000', 'the ground of high-contrast')
    command(t, 'theme default')
    t.wait(lambda _: ground(t) == 'default', "the terminal's own ground")


def test_a_light_background_makes_the_theme_light(start):
    t = start(TERM='xterm-256color')
    t.raw_wait(b'\x1b]11;?\x07')
    for piece in ('\x1b]11;rgb:ff', 'ff/fafa/e0e0\x1b', '\\'):
        t.send(piece)
        time.sleep(0.03)  # an answer may come in pieces
    t.wait(lambda _: ground(t) == 'ffffff', 'the ground of light')
    t.send('q')
    assert t.exit_status() == 0


def test_a_chosen_theme_stays_on_a_light_background(start):
    t = start('--theme', 'high-contrast', '-f', 'raw', TERM='xterm-256color', COLORFGBG='0;15')
    t.wait(lambda _: ground(t) == '000000', 'the ground of high-contrast')
    t.send('\x1b]11;rgb:ffff/ffff/ffff\x07:', 'length', 'Enter')
    t.wait('4 MiB')
    assert ground(t) == '000000'


def test_the_environment_tells_of_a_light_background(start):
    t = start(TERM='xterm-256color', COLORFGBG='0;default;15')
    t.wait(lambda _: ground(t) == 'ffffff', 'the ground of light')


def test_truecolor_by_the_environment(start):
    t = start('--theme', 'nord', '-f', 'raw', TERM='xterm-256color', COLORTERM='truecolor')
    t.wait(lambda t: b'38;2;216;222;233' in t.raw, 'a colour of nord in 24 bits')
    t = start('--theme', 'nord', '-f', 'raw', TERM='xterm-256color', COLORTERM='')
    t.wait('console')
    assert b'38;2;' not in t.raw


def test_a_broken_theme_is_told_and_the_program_starts(start, work):
    broken = work / 'broken.theme'
    broken.write_text('[colours]\nhat=red\n')
    t = start('--theme', broken.name, '-f', 'raw', cwd=work, columns=120)
    t.wait("theme: broken.theme:2: 'hat' is no role")


# ---- the mouse, and pasted text ----

def mouse(terminal, code, x, y, final='M'):
    terminal.send(f'\x1b[<{code};{x + 1};{y + 1}{final}')


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
    quit_by_key(t)
    assert t.exit_status() == 0


def test_pasted_lines_run_nothing_until_enter(start):
    t = start()
    command(t, 'length')
    t.wait('> length')
    t.send('\x1b[200~sleep 60000\rquit\r\x1b[201~')
    t.wait('sleep 60000\\nquit\\n')
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('4 MiB')
    quit_by_key(t)
    assert t.exit_status() == 0
    t.assert_restored()


def test_pasted_rubbish_loses_nothing_behind_it(start):
    t = start()
    t.send(':')
    t.wait('TYPE')
    data = b'\x1b[200~' + bytes(byte for byte in range(256) if byte != 0x1b) * 100 + b'\x1b[201~'
    while data:
        data = data[os.write(t.leader, data[:4096]):]
        t.pump(0)
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('> length')
    os.write(t.leader, b'\xff\xc3\xe2\x82' * 50)  # typed: no keys, and no characters that wait for the rest
    t.send('Ctrl-U', 'help quit', 'Enter')
    t.wait('> help quit')


def test_pasted_text_presses_no_keys(start):
    t = start()
    t.send('\x1b[200~q\x1b[201~')
    t.wait('press : first')
    t.send('q')
    assert t.exit_status() == 0


def test_a_large_paste_is_taken_whole(start):
    t = start()
    t.send(':')
    t.wait('Esc leave')
    text = '\x1b[200~' + 'length\n' * 20000 + '\x1b[201~'
    data = text.encode()
    while data:
        n = os.write(t.leader, data[:4096])
        data = data[n:]
        t.pump(0)
    t.send('Ctrl-U', 'length', 'Enter')
    t.wait('4 MiB')
    quit_by_key(t)
    assert t.exit_status() == 0


# ---- the user's files ----

def test_broken_settings_and_keys_are_told_and_the_program_starts(start, work):
    folder = work / 'config' / 'blkscope'
    folder.mkdir(parents=True)
    (folder / 'config').write_text('# mine\ntheme light\nhat red\nmouse off\n')
    (folder / 'keys').write_text('global F5 quit\nglobal F6 qiut\n')
    t = start(XDG_CONFIG_HOME=folder.parent, columns=160, rows=48, TERM='xterm-256color')
    t.wait("config:3: 'hat' is not an option")
    t.wait("keys:2: 'qiut' is no request")
    t.wait(lambda _: ground(t) == 'ffffff', 'the ground of light')
    t.send('\x1b[15~')  # F5
    assert t.exit_status() == 0
    t.assert_restored()
    assert t.raw.rfind(b'\x1b[?1002l') > t.raw.rfind(b'\x1b[?1002h')


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


# ---- size ----

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


def test_wide_and_combining_characters_keep_their_places(work):
    path = work / '日本語-e\u0301-disk.img'
    support.make_image(path)
    with Terminal(['-f', 'raw', path], columns=100) as t:
        t.wait('disk.img')
        command(t, 'length # 日本 語')
        t.wait('4 MiB')
        for columns in (81, 90, 85, 100):
            t.resize(24, columns)
        t.wait(lambda t: t.screen.display[-2].rstrip().endswith('┘'), 'the frame in its place')
        t.send('Esc')
        t.wait('MOVE')
        t.send('q')
        assert t.exit_status() == 0


# ---- stopping and ending ----

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


def test_copying_reaches_the_terminal(start):
    t = start(TERM='xterm-256color')
    command(t, 'length')
    t.wait('4 MiB')
    t.send('\x1b[17~')  # F6
    t.raw_wait(b'\x1b]52;c;NCBNaUIK\x07')
    command(t, 'set clipboard off ; length')
    t.wait('off ; length')
    mark = len(t.raw)
    t.send('\x1b[17~')
    t.wait('not copied')
    assert b'\x1b]52' not in t.raw[mark:]


def test_ctrl_c_ends_a_command_and_nothing_else(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    t.send('Ctrl-C')
    command(t, 'length')
    t.wait('4 MiB')
    t.wait('> length')
    assert t.job.poll() is None


def memory(pid, what):
    with open(f'/proc/{pid}/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith(what))


@pytest.mark.skipif(bool(support.FLAVOUR), reason='minutes of output under a sanitizer')
def test_a_gigabyte_of_output_leaves_the_screen_alive_and_the_memory_flat(work):
    (work / 'big.img').write_bytes(b'')
    os.truncate(work / 'big.img', 256 << 20)
    with Terminal(['-f', 'raw', work / 'big.img'], cwd=work) as t:
        t.wait('console')
        command(t, 'read -v 0 256m')
        t.wait('Esc leave')  # in the last line: all of the frame is here
        leave_console(t)
        t.send('?')
        t.wait('close  / search')
        t.send('q')
        t.wait(lambda t: '256 MiB, 1 ops' in t, 'the end of the dump')
        assert memory(t.pid, 'VmHWM') < (256 + 100) << 10  # the buffer and little else


def test_ctrl_c_ends_a_dump_at_once(work):
    (work / 'big.img').write_bytes(b'')
    os.truncate(work / 'big.img', 512 << 20)
    with Terminal(['-f', 'raw', work / 'big.img'], cwd=work) as t:
        t.wait('console')
        command(t, 'read -v 0 512m')
        t.wait(lambda t: '00000000  ................' in t or '00 00 00 00' in t, 'rows of the dump')
        t.send('Ctrl-C')
        command(t, 'length')
        t.wait('512 MiB')
        t.wait('> length')
        assert '512 MiB, 1 ops' not in t


def test_the_screen_lives_while_a_command_runs(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    leave_console(t)
    t.send('?')
    t.wait('close  / search')
    t.send('q')
    t.wait_gone('close  / search')
    t.resize(30, 100)
    t.wait(lambda t: any(line[90:].strip() for line in t.screen.display) and 'sleep 60000' in t, 'the screen in its new size')
    t.send('Ctrl-C')
    t.wait_gone('Ctrl-C ends it')
    t.send('q')
    t.exit_status()
    t.assert_restored()


def test_quit_while_a_command_runs(start):
    t = start()
    command(t, 'sleep 60000')
    t.wait('> sleep 60000')
    quit_by_key(t)
    t.exit_status()
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


# ---- panels ----

def test_tab_moves_the_focus_round(start):
    t = start()
    seen = set()
    for _ in range(4):
        before = attributes(t)
        t.send('Tab')
        t.wait(lambda t: attributes(t) != before, 'another focus')
        seen.add(attributes(t))
    assert len(seen) >= 4


def attributes(t):
    """How the frames are drawn: the one in focus differs."""
    return tuple((y, x, cell.fg, cell.bold, cell.reverse) for y, line in t.screen.buffer.items() for x, cell in line.items()
                 if cell.data in '─│┌┐└┘├┤┬┴┼━┃┏┓┗┛┣┫┳┻╋═║╔╗╚╝╠╣╦╩╬' or cell.data.isalpha() and y in (1,))


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


# ---- pending requests ----

@pytest.fixture
def debugged(disk):
    terminal = Terminal(['-f', 'raw', f'blkdebug::{disk}'], rows=30, columns=110)
    terminal.wait('console')
    yield terminal
    terminal.close()


def test_suspended_request_is_resumed_from_its_row(debugged):
    t = debugged
    command(t, 'break read_aio A')
    t.wait('> break read_aio A')
    command(t, 'aio_read 64k 4k')
    t.wait("blkdebug: Suspended request 'A'")
    row = t.wait(lambda t: next((line for line in t.screen.display if '0x10000' in line and 'suspended' in line), None), 'the row')
    assert 'A' in row
    leave_console(t)
    # to the pending panel, whichever is in focus now; r is its own key
    for _ in range(4):
        t.send('r')
        t.pump(0.1)
        if "Resuming request 'A'" in t:
            break
        t.send('Tab')
    t.wait("blkdebug: Resuming request 'A'")
    t.wait('read 4096/4096 bytes at offset 65536')
    t.wait(lambda t: not any('suspended' in line and '0x10000' in line for line in t.screen.display), 'the row gone')


def test_quit_with_a_suspended_request(debugged):
    t = debugged
    command(t, 'break read_aio A')
    command(t, 'aio_read 64k 4k')
    t.wait("Suspended request 'A'")
    quit_by_key(t)
    t.exit_status()
    t.assert_restored()


def test_wait_break_ends_with_ctrl_c(debugged):
    t = debugged
    command(t, 'wait_break B')
    t.wait('> wait_break B')
    t.send('Ctrl-C')
    command(t, 'length')
    t.wait('4 MiB')


# ---- idle ----

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


# ---- names ----

def test_name_with_escape_sequences_is_shown_escaped(work):
    name = 'a\nb\x1b[31mc\x07\u202ed.img'
    support.make_image(work / name)
    with Terminal(['-f', 'raw', name], cwd=work) as t:
        t.wait(r'\e[31mc')
        assert b'\x1b[31mc' not in t.raw
        assert '\u202e'.encode() not in t.raw
        command(t, 'info')
        t.wait('format name')
        assert b'\x1b[31mc' not in t.raw


def test_rubbish_typed_does_no_harm(start, disk):
    import random
    before = disk.read_bytes()
    t = start()
    rng = random.Random(7)
    for _ in range(60):
        # Anything but the keys that leave: q, Ctrl-C, Ctrl-D, Ctrl-Z, Ctrl-\\.
        data = bytes(rng.choice([b for b in range(256) if b not in (0x71, 0x03, 0x04, 0x1a, 0x1c, 0x11, 0x13)]) for _ in range(200))
        os.write(t.leader, data)
        t.pump(0.02)
        if t.job.poll() is not None:
            break
    assert t.job.poll() is None, t.text()
    t.send('Ctrl-C', 'Esc', 'Esc')
    assert disk.read_bytes() == before


def test_commands_run_while_a_paste_goes_on(start, disk):
    t = start('-w', '-f', 'raw')
    t.send(':')
    os.set_blocking(t.leader, False)
    junk = b'read -q 0 512\r' * 1000
    end, left = time.monotonic() + DEADLINE, b'sleep 100\rtruncate 8M\r' + junk
    while disk.stat().st_size < 8 << 20:
        assert time.monotonic() < end, 'not one command ran'
        readable, writable, _ = select.select([t.leader], [t.leader], [], 1)
        if readable:
            os.read(t.leader, 65536)
        if writable:
            left = left[os.write(t.leader, left):] or junk


def test_a_script_may_end_while_panels_read(disk):
    for _ in range(10):
        result = support.run(['--headless', '-f', 'raw', '-c', 'map-zoom-in 99T', disk])
        assert result.status == 1
        assert result.err == 'map-zoom-in: 0x630000000000 is outside the image, which ends at 0x400000\n'


# ---- the line mode ----

def test_plain_mode_is_a_prompt(disk):
    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('length', 'Enter')
        t.wait(lambda t: '4 MiB' in t.text() and t.text().count('blkscope>') == 2, 'the prompt again')
        t.send('Up')
        t.wait(lambda t: t.text().count('blkscope> length') == 2, 'the line from the history')
        t.send('Enter')
        t.wait(lambda t: t.text().count('4 MiB') == 2, 'the answer again')
        t.send('Ctrl-D')
        assert t.exit_status() == 0
        import termios
        assert termios.tcgetattr(t.follower) == t.before
        assert b'\x1b[?1049h' not in t.raw


def test_plain_mode_ctrl_c_ends_a_command(disk):
    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('sleep 60000', 'Enter')
        t.wait(lambda t: t.screen.cursor.y > 0 and t.screen.cursor.x == 0, 'the command to run')
        t.send('Ctrl-C')
        t.wait(lambda t: t.text().count('blkscope>') == 2, 'the prompt again')
        t.send('length', 'Enter')
        t.wait('4 MiB')
        t.send('quit', 'Enter')
        t.report('exited')


def test_plain_mode_completes(disk):
    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('trunc', 'Tab')
        t.wait('blkscope> truncate')


def test_drop_in_on_a_terminal_is_never_full_screen(disk):
    with Terminal(['-f', 'raw', disk], name='qemu-io') as t:
        t.wait('qemu-io>')
        t.send('length', 'Enter')
        t.wait('4 MiB')
        assert b'\x1b[?1049h' not in t.raw
        t.send('q', 'Enter')
        assert t.exit_status() == 0


# ---- a disk that does not answer ----

@pytest.mark.skipif(bool(support.FLAVOUR), reason='a sanitizer wants to be preloaded first, valgrind sees the system calls anyway')
def test_a_hung_disk_delays_only_its_own_request(start, work):
    """The request stands in flight, the screen and other requests go on, Ctrl-C leaves it behind, and the end says what it waits for."""
    preload = work / 'hung-disk.so'  # a copy: no space in the name of a preloaded library
    shutil.copy(Path(support.BLKSCOPE).parent / 'tests/pty/hung-disk.so', preload)
    t = start(LD_PRELOAD=str(preload), HUNG_FROM=str(2 << 20), BLKSCOPE_AIO='threads')
    command(t, 'read 2M 4k')
    t.wait('in flight')
    t.wait('Ctrl-C ends it')
    leave_console(t)
    t.send('Tab')
    command(t, '')
    t.send('Ctrl-C')
    t.wait('cancelled: read 2M 4k')
    command(t, 'read 0 4k')
    t.wait('read 4096/4096 bytes at offset 0')
    quit_by_key(t)
    t.wait('waiting for requests that the disk')
    t.send('Ctrl-C')
    assert t.killed_by() == signal.SIGINT
    t.assert_restored()


# ---- history ----

def test_history_is_kept_and_searched(start, work):
    state = work / 'state'
    first = start(XDG_STATE_HOME=str(state))
    command(first, 'read -v 512 16')
    first.wait('read 16/16 bytes')
    command(first, 'quit')
    assert first.exit_status() == 0
    history = state / 'blkscope' / 'history'
    assert history.read_text() == 'read -v 512 16\nquit\n'
    assert history.stat().st_mode & 0o777 == 0o600
    second = start(XDG_STATE_HOME=str(state))
    second.send(':', 'Ctrl-R', 'v 51')
    second.wait("(reverse-i-search)`v 51': read -v 512 16")
    second.send('Enter')
    second.wait('read 16/16 bytes')
    third = start('--no-history', '-f', 'raw', XDG_STATE_HOME=str(state))
    third.send(':', 'Up')
    command(third, 'length')
    third.wait('> length')
    command(third, 'quit')
    assert third.exit_status() == 0
    assert history.read_text() == 'read -v 512 16\nquit\n'


def test_history_that_can_not_be_kept_is_told_once(start, work):
    (work / 'blkscope').mkdir()
    os.mkfifo(work / 'blkscope' / 'history')
    terminal = start(XDG_STATE_HOME=str(work))
    terminal.wait('history is not kept')
    command(terminal, 'quit')
    assert terminal.exit_status() == 0
    assert terminal.raw.count(b'is not kept') == 1


def test_a_saved_script_replays(start, work, disk):
    t = start()
    t.send('Tab', 'g', '1m', 'Enter')
    command(t, 'read -v 512 16')
    t.wait('read 16/16 bytes')
    path = work / 'it is saved'
    command(t, f"save-script '{path}'; length")
    t.wait('│4 MiB ')
    text = path.read_text()
    assert 'goto 0x100000' in text and text.endswith('read -v 512 16\n') and 'save-script' not in text
    assert path.stat().st_mode & 0o777 == 0o644
    command(t, f"save-script '{path}'")
    t.wait('only a program started with -w replaces a file')
    command(t, f"save-script -f '{path}'; sleep 0; length")
    t.wait('│4 MiB ')
    assert path.read_text() == text
    t = start('-f', 'raw', '-w')
    command(t, 'read -v 512 16')
    t.wait('read 16/16 bytes')
    command(t, f"save-script '{path}'")
    t.wait("'save-script -f' replaces it")
    command(t, 'sleep 1')
    command(t, f"save-script -f '{path}'; help flush")
    t.wait('-- puts everything')
    assert path.read_text().endswith('sleep 1\n')
    result = support.blkscope('-f', 'raw', '--headless', '--script', path, disk, env=support.environment(**support.SCREEN))
    assert result.status == 0 and 'read 16/16 bytes at offset 512' in result.out, result
    seen = support.blkscope('-f', 'raw', '--headless', '-c', 'length', '-c', 'screen', disk, env=support.environment(**support.SCREEN)).out
    assert '│> length' in seen and '│4 MiB' in seen and '> screen' not in seen, seen
