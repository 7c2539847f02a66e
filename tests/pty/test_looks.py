# SPDX-License-Identifier: GPL-3.0-or-later
"""What it looks like: sizes, kinds of terminals, colours, themes, the background."""
import re
import socket
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from steps import PANELS, command  # noqa: E402
from terminal import DEADLINE, Terminal  # noqa: E402


def ground(t):
    """The colour behind the text in the middle of the screen."""
    return t.screen.buffer[t.rows // 2][t.columns // 2].bg


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


def test_the_last_column_moves_nothing(start):
    """A terminal whose description says that it wraps at once, and that waits for the next character, as most do."""
    t = start(TERM='pcansi')
    t.send('Tab')
    t.wait('│> focus hex')
    t.send('Ctrl-L')
    t.send('Tab')
    t.wait('│> focus pending')
    assert all(row[0] in '┌│├└' for row in t.text().split('\n')[1:-1])


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


def test_broken_settings_and_keys_are_told_and_the_program_starts(start, work):
    folder = work / 'config' / 'blkscope'
    folder.mkdir(parents=True)
    (folder / 'config').write_text('# mine\ntheme light\nhat red\nmouse off\n')
    (folder / 'keys').write_text('global F5 quit\nglobal F6 qiut\n')
    t = start(XDG_CONFIG_HOME=folder.parent, columns=400, rows=48, TERM='xterm-256color')  # however long the folder's name is, it isn't wrapped
    t.wait("config:3: 'hat' is not an option")
    t.wait("keys:2: 'qiut' is no request")
    t.wait(lambda _: ground(t) == 'ffffff', 'the ground of light')
    t.send('\x1b[15~')  # F5
    assert t.exit_status() == 0
    t.assert_restored()
    assert t.raw.rfind(b'\x1b[?1002l') > t.raw.rfind(b'\x1b[?1002h')


def test_wide_and_combining_characters_keep_their_places(work):
    path = work / '日本語-e\u0301-disk.img'
    support.make_image(path)
    with Terminal(['-f', 'raw', path], columns=100) as t:
        t.wait('disk.img')
        command(t, 'length # 日本 語')
        t.wait('│4 MiB')  # the title has it, too
        for columns in (81, 90, 85, 100):
            t.resize(24, columns)
        t.wait(lambda t: t.screen.display[-2].rstrip().endswith('┘'), 'the frame in its place')
        t.send('Esc')
        t.wait('MOVE')
        t.send('q')
        assert t.exit_status() == 0


def test_an_image_that_takes_long_to_open_is_not_called_closed(work):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(work / 'socket'))
        server.listen()
        with Terminal([f'nbd+unix:///?socket={work}/socket'], cwd=work) as t:
            t.wait('the image is being opened')
            assert 'no image is open' not in t
            t.send('Ctrl-C')
            t.wait('no image is open')
            t.wait(lambda t: 'being opened' not in t.text().split('console')[0], 'nothing that says it is being opened')


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


def test_a_frame_is_whole_where_the_terminal_does_not_wait(disk):
    """Who shares the terminal may have left it so; a large frame then does not fit at once."""
    leave = ('import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETFL, fcntl.fcntl(1, fcntl.F_GETFL) | os.O_NONBLOCK); '
             'os.execv(sys.argv[1], sys.argv[1:])')
    with Terminal(['-c', leave, support.BLKSCOPE, '-f', 'raw', disk], rows=200, columns=400, name=sys.executable, program=sys.executable) as t:
        t.wait(lambda t: all(panel in t for panel in PANELS) and t.screen.display[-2].rstrip().endswith('┘'), 'all of the frame')
        t.resize(150, 500)
        t.wait(lambda t: t.screen.display[-2].rstrip().endswith('┘') and 'q quit' in t, 'all of the next one')
