# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a preallocated image, hex reads no clusters that are holes of the file: they are one line, as far as they go, and what is written there is shown."""
import re
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / 'sandbox'))

import support  # noqa: E402
from images import create, write  # noqa: E402
from session import session  # noqa: E402
from support import GIB, KIB, MIB  # noqa: E402

ARGS = ('--headless', '--no-config', '--no-history')


def rows(running, *commands):
    """What hex shows: the first byte of each row, or what its fold says."""
    for command in commands:
        running.run(command)
    lines = [re.match(r'│([0-9a-f]{8,})  (.. |\* .*?│)', line) for line in running.run('screen').split('\n')]
    return [(int(line[1], 16), line[2].strip(' │').partition(', ')[2] or line[2].strip()) for line in lines if line]


def wait_for(running, wanted):
    deadline = time.monotonic() + support.DEADLINE
    while (seen := rows(running)[:len(wanted)]) != wanted:
        assert time.monotonic() < deadline, seen


def preallocated(work, how):
    path = create(work / 'image.qcow2', 2 * GIB, preallocation=how)
    write(path, 'write -P 3 1G 64k')
    return path


@pytest.fixture
def image(work):
    return preallocated(work, 'metadata')


def fold(start, end):
    """The line after the one at start."""
    return start + 16, f'{end - start - 16} bytes of zeroes without data'


@pytest.mark.parametrize('how', ['metadata', 'falloc'])
def test_they_are_one_line_from_both_ends(work, how):
    image = preallocated(work, how)
    with session(*ARGS, image.name, cwd=image.parent, env=support.screen_environment()) as running:
        assert rows(running, 'focus hex', 'keys z')[:3] == [(0, '00'), fold(0, GIB), (GIB, '03')]
        assert rows(running, 'keys G')[-3:] == [(GIB + 64 * KIB, '00'), fold(GIB + 64 * KIB, 2 * GIB - 16), (2 * GIB - 16, '00')]


def test_what_is_written_there_is_shown(image):
    with session(*ARGS, '-w', image.name, cwd=image.parent, env=support.screen_environment()) as running:
        assert rows(running, 'focus hex', 'keys z')[:3] == [(0, '00'), fold(0, GIB), (GIB, '03')]
        running.run('write -P 7 4k 4k')
        wait_for(running, [(0, '00'), fold(0, 4 * KIB), (4 * KIB, '07'), (4 * KIB + 16, '4080 bytes the same'), (8 * KIB, '00'), fold(8 * KIB, GIB)])


def test_what_others_write_there_is_shown(image):
    with session(*ARGS, '-U', image.name, cwd=image.parent, env=support.screen_environment()) as running:
        assert rows(running, 'focus hex', 'keys z')[:3] == [(0, '00'), fold(0, GIB), (GIB, '03')]
        write(image, 'write -P 7 512M 4k')
        wait_for(running, [(0, '00'), fold(0, 512 * MIB), (512 * MIB, '07'), (512 * MIB + 16, '4080 bytes the same'), (512 * MIB + 4 * KIB, '00'),
                           fold(512 * MIB + 4 * KIB, GIB)])
