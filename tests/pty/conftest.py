# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the screen begin with."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from terminal import Terminal  # noqa: E402


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


@pytest.fixture
def debugged(disk):
    terminal = Terminal(['-f', 'raw', f'blkdebug::{disk}'], rows=30, columns=110)
    terminal.wait('console')
    yield terminal
    terminal.close()
