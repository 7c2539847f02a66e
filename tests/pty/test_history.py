# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of what was typed: history, and scripts."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest  # noqa: E402
import support  # noqa: E402
from steps import command  # noqa: E402
from terminal import Terminal  # noqa: E402


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


def test_a_script_goes_on_where_a_command_waits_for_a_stopped_request(disk, work):
    """As the session did that it is of, where resume was typed meanwhile."""
    script = work / 'stopped.txt'
    script.write_text('break read_aio A\naio_read -q 0 4k\naio_flush\nlength\nresume A\n')
    for options in ([], ['--headless']):
        result = support.blkscope('--script', script, *options, '-f', 'raw', f'blkdebug::{disk}')
        assert result.status == 0
        assert result.out.split('\n')[:3] == ["blkdebug: Suspended request 'A'", "blkdebug: Resuming request 'A'", '4 MiB']


@pytest.mark.parametrize('screen', [['--no-history'], ['--no-history', '--plain']], ids=['screen', 'plain'])
@pytest.mark.parametrize('options', [['-f', 'raw'], ['--image-opts', '-t', 'unsafe']], ids=['format', 'options'])
def test_a_script_of_an_overlay_opens_it(work, disk, screen, options):
    """It is replayed without arguments, and with the same; what it writes stays in the layer."""
    before, path = disk.read_bytes(), work / 'script'
    image = f'driver=raw,file.filename={disk}' if '--image-opts' in options else disk
    with Terminal([*screen, '-s', *options, image]) as t:
        t.wait('blkscope>' if '--plain' in screen else 'console')
        for line, answer in (('write -P 7 0 512', 'wrote 512/512'), (f'save-script {path}; read 0 1k', 'read 1024/1024')):
            if '--plain' not in screen:
                t.send(':')
            t.send(line, 'Enter')
            t.wait(answer)
    assert path.read_text().startswith('open -s') and path.read_text().count('open -') == 1
    for again in ([], ['-s', *options, image]):
        result = support.blkscope('--headless', '--script', path, *again, env=support.environment(**support.SCREEN))
        assert result.status == 0 and 'wrote 512/512' in result.out and result.err == '', result
    assert disk.read_bytes() == before
