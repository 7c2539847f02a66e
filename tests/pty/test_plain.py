# SPDX-License-Identifier: GPL-3.0-or-later
"""The line mode."""
import re
import signal
import sys
import termios
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from steps import command  # noqa: E402
from terminal import Terminal  # noqa: E402


def test_plain_mode_is_a_prompt(disk):
    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('length', 'Enter')
        t.wait(lambda t: '4 MiB' in t.text() and t.text().count('blkscope>') == 2, 'the prompt again')
        t.send('Up')
        t.wait(lambda t: t.text().count('blkscope> length') == 2, 'the line from the history')
        t.send('Enter')
        t.wait(lambda t: t.text().count('4 MiB') == 2 and t.text().count('blkscope>') == 3, 'the answer again, and the prompt')
        t.send('Ctrl-D')
        assert t.exit_status() == 0
        assert termios.tcgetattr(t.follower) == t.before
        assert b'\x1b[?1049h' not in t.raw


def test_ctrl_c_ends_a_count_and_loses_nothing_of_the_prompt(disk):
    """Twice: what readline kept of the prompt the first time was leaked the second, which a sanitizer sees."""
    def last_line(text):
        return lambda t: t.text().rstrip().splitlines()[-1:] == [text]

    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        for _ in range(2):
            t.send('Esc', '5')
            t.wait(last_line('(arg: 5)'), 'the count')
            t.send('Ctrl-C')
            t.wait(last_line('blkscope>'), 'the prompt')
        t.send('quit', 'Enter')
        assert t.exit_status() == 0


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


def test_what_waits_for_a_stopped_request_says_so_and_only_on_stderr(disk):
    with Terminal(['--plain', '-f', 'raw', f'blkdebug::{disk}']) as t:
        t.wait('blkscope>')
        t.send('break read_aio A; aio_read -q 0 4k', 'Enter')
        t.wait(lambda t: t.text().count('blkscope>') == 2, 'the prompt again')
        t.send('aio_flush', 'Enter')
        t.wait('aio_flush  waits for read at breakpoint A  Ctrl-C ends it')
        t.send('Ctrl-C')
        t.wait('it waited for read at breakpoint A: resume A')
        assert 'Ctrl-C ends it' not in t
        t.send('resume A', 'Enter')
        t.wait("Resuming request 'A'")
        t.send('quit', 'Enter')
        t.report('exited')


def test_plain_mode_completes(disk):
    with Terminal(['--plain', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('trunc', 'Tab')
        t.wait('blkscope> truncate')


def test_an_error_is_said_once(disk):
    with Terminal(['--plain', '--json', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('nothing', 'Enter')
        t.wait(lambda t: t.text().count('blkscope>') == 2, 'the prompt again')
        assert t.text().count('not found') == 1
        t.send('Ctrl-D')
        assert t.exit_status() == 1  # as the command failed


def test_names_that_could_drive_the_terminal_are_masked(work):
    """Those that Tab takes from a folder: control characters of two bytes, and what turns text round."""
    for name in ('a\u009b31mred', 'b\u202ecba', 'c\x1b[31m', 'd\u65e5\u672c'):
        (work / name).touch()
    with Terminal(['--plain', '--no-history'], cwd=work) as t:
        t.wait('blkscope>')
        for letter, shown in (('a', 'a??31mred'), ('b', 'b???cba'), ('c', 'c^[[31m'), ('d', 'd\u65e5\u672c')):
            t.send(f'source {letter}', 'Tab')
            t.wait(shown)
            t.send('Enter')
            t.wait(lambda t, count='abcd'.index(letter) + 2: t.text().count('blkscope>') == count, 'the prompt again')
        assert b'\xc2\x9b' not in t.raw and b'\xe2\x80\xae' not in t.raw and b'\x1b[31m' not in t.raw
        assert 'not found' not in t.text() and 'No such file' not in t.text()
        t.send('Ctrl-D')
        assert t.exit_status() == 0


def test_plain_mode_stops_and_goes_on(disk):
    with Terminal(['--plain', '--no-history', '-f', 'raw', disk]) as t:
        t.wait('blkscope>')
        t.send('leng')
        t.wait('blkscope> leng')
        for _ in range(2):
            t.send('Ctrl-Z')
            assert t.report('stopped') == signal.SIGTSTP
            assert termios.tcgetattr(t.follower) == t.before
            mark = len(t.raw)
            t.foreground()
            t.raw_wait(b'blkscope> leng', mark)
            assert termios.tcgetattr(t.follower) != t.before
        t.send('Tab', 'Enter')
        t.wait(lambda t: 'blkscope>' in t.text().partition('4 MiB')[2], 'the answer, and the prompt')
        t.send('Ctrl-D')
        assert t.exit_status() == 0
        assert termios.tcgetattr(t.follower) == t.before


def test_drop_in_on_a_terminal_is_never_full_screen(disk):
    with Terminal(['-f', 'raw', disk], name='qemu-io') as t:
        t.wait('qemu-io>')
        t.send('length', 'Enter')
        t.wait('4 MiB')
        assert b'\x1b[?1049h' not in t.raw
        t.send('q', 'Enter')
        assert t.exit_status() == 0


def test_plain_mode_keeps_a_script_and_lists_what_is_pending(disk, tmp_path):
    script = tmp_path / 'script'
    with Terminal(['--plain', '-f', 'raw', f'blkdebug::{disk}'], columns=200) as t:
        t.wait('blkscope>')
        for count, line in enumerate(['break read_aio A', 'aio_read 0 4k', 'pending', 'resume A', f'save-script {script}'], 2):
            t.send(line, 'Enter')
            t.wait(lambda t, count=count: t.text().count('blkscope>') == count, 'the prompt again')
        assert re.search(r'request \d+: read 0x0 \+4 KiB, suspended at A \(read_aio\), [0-9.]+ s: aio_read 0 4k\n', t.text())
        t.send('Ctrl-D')
        assert t.exit_status() == 0
    assert script.read_text() == 'break read_aio A\naio_read 0 4k\npending\nresume A\n'
    again = support.blkscope('--script', script, '-f', 'raw', f'blkdebug::{disk}')
    assert again.status == 0 and 'read 4096/4096 bytes' in again.out
