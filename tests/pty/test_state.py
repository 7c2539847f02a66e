# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program keeps for later runs, where it can't: history, marks and borders on a full disk, in a folder that is not there, that is closed,
or with something else in their place.  What was there stays, and what is wrong is said."""
import contextlib
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from terminal import Terminal  # noqa: E402

FILES = ('history', 'marks', 'layout')
OLD = {'history': 'length\n', 'marks': 'a\t0x10\t/elsewhere.img\n', 'layout': 'wide columns 30.0%\n'}


@contextlib.contextmanager
def files_limited_to(size):
    """What is started within can't write a file longer than that: as on a disk without room, for any user and on any file system."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def session(disk, state, **env):
    """Moves a border, sets a mark, types a command and quits; the screen when the mark was set, and what came on the terminal after the screen."""
    with Terminal(['-f', 'raw', disk], XDG_STATE_HOME=state, rows=48, columns=200, **env) as t:
        t.wait(lambda t: 'disk.img' in t and 'console' in t, 'the first screen')
        t.send('\x1b[1;5C')  # Ctrl-Right
        t.wait('> layout wide ')
        t.send(':', 'mark x 0x20; zoom; length', 'Enter')  # a console as wide as the screen breaks no line
        t.wait(lambda t: any(line.startswith('│4 MiB') for line in t.screen.display), 'the length')
        shown = t.text()
        t.send(':', 'quit', 'Enter')
        assert t.exit_status() == 0
        t.assert_restored()
        return shown, bytes(t.raw[t.raw.rfind(b'\x1b[?1049l'):]).decode()


def fill(folder):
    folder.mkdir(parents=True)
    for name, text in OLD.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)


def kept(folder):
    return {name: (folder / name).read_text() for name in FILES}


def test_a_folder_that_is_not_there_is_made(disk, work):
    shown, after = session(disk, work / 'new' / 'state')
    folder = work / 'new' / 'state' / 'blkscope'
    assert 'not kept' not in shown + after
    assert kept(folder)['marks'].startswith('x\t0x20\t')
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in FILES)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_full_disk_takes_nothing_of_what_was_there(disk, work):
    fill(work / 'state' / 'blkscope')
    with files_limited_to(8):
        shown, after = session(disk, work / 'state')
    assert 'mark: it is not kept for later runs' in shown
    assert 'the borders are not kept' in after and 'the history is not kept' in after, after
    assert kept(work / 'state' / 'blkscope') == OLD
    assert sorted(os.listdir(work / 'state' / 'blkscope')) == sorted([*FILES, 'history.lock'])


def test_something_else_in_their_place_stays(disk, work):
    folder = work / 'state' / 'blkscope'
    folder.mkdir(parents=True)
    for name in FILES:
        (work / name).write_text(OLD[name])
        (folder / name).symlink_to(work / name)
    shown, after = session(disk, work / 'state')
    assert 'history: not a regular file; the history is not kept' in shown, shown
    assert 'mark: it is not kept' in shown
    assert 'layout: not a regular file; the borders are not kept' in after
    assert all((folder / name).is_symlink() and (work / name).read_text() == OLD[name] for name in FILES)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write into every folder')
def test_a_closed_folder_is_told(disk, work):
    fill(work / 'state' / 'blkscope')
    (work / 'state' / 'blkscope').chmod(0o500)
    shown, after = session(disk, work / 'state')
    (work / 'state' / 'blkscope').chmod(0o700)
    assert 'mark: it is not kept' in shown and 'the borders are not kept' in after and 'the history is not kept' in after
    assert kept(work / 'state' / 'blkscope') == OLD


def test_no_home_at_all(disk):
    shown, after = session(disk, '', HOME='/dev/null/nowhere')
    assert 'mark: it is not kept' in shown and 'the borders are not kept' in after and 'the history is not kept' in shown


# ---- what commands write ----

@pytest.mark.parametrize('command, old', [('save-script out', None), ('save-script -f out', 'old'), ('map export out', None), ('map export --force out', 'old'),
                                          ('hex-save out 0 64k', None)])
def test_a_file_is_written_whole_or_not_at_all(disk, work, command, old):
    if old:
        (work / 'out').write_text(old)
    script = work / 'script'
    script.write_text('help read\n' * 64 + command + '\n')
    arguments = [support.BLKSCOPE, '--headless', '-w', '-f', 'raw', '--script', str(script), 'disk.img']
    with files_limited_to(512):
        full = subprocess.run(arguments, cwd=work, capture_output=True, text=True, timeout=support.DEADLINE, env=support.environment(**support.SCREEN))
    assert 'File too large' in full.stdout + full.stderr and full.returncode == 1, full
    assert sorted(os.listdir(work)) == sorted(['disk.img', 'script'] + (['out'] if old else []))
    assert not old or (work / 'out').read_text() == old
    assert subprocess.run(arguments, cwd=work, capture_output=True, timeout=support.DEADLINE, env=support.environment(**support.SCREEN)).returncode == 0
    assert (work / 'out').stat().st_size > 512
