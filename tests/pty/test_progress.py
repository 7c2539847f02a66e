# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a long command is, without a screen: on stderr, and only where that is a terminal."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import support
from support import MIB

sys.path.insert(0, str(Path(__file__).parent.parent / 'nbd'))

from servers import READ, Server  # noqa: E402

pytestmark = pytest.mark.skipif(bool(support.FLAVOUR), reason='a sanitizer wants to be preloaded first, valgrind sees the system calls anyway')


@pytest.fixture
def start(work):
    """Starts a program with stderr on a terminal, or on a pipe; the disk answers no read at or behind 16 MiB, and is slow to write there."""
    preload = work / 'hung-disk.so'  # a copy: no space in the name of a preloaded library
    shutil.copy(Path(support.BLKSCOPE).parent / 'tests/pty/hung-disk.so', preload)
    with open(work / 'disk.img', 'wb') as disk:
        disk.truncate(32 * MIB)
    started = []

    def run(*commands, name='blkscope', terminal=True, image=('-f', 'raw', 'disk.img')):
        leader, follower = os.openpty() if terminal else os.pipe()
        env = support.environment(LD_PRELOAD=str(preload), HUNG_FROM=str(16 * MIB), SLOW_WRITES_FROM=str(16 * MIB), BLKSCOPE_AIO='threads')
        args = [word for command in commands for word in ('-c', command)]
        process = subprocess.Popen([name, *args, *image], executable=support.BLKSCOPE, cwd=work, env=env,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower)
        os.close(follower)
        started.append((process, leader))
        return process, leader

    yield run
    for process, leader in started:
        process.kill()
        process.communicate()
        os.close(leader)


def wait(fd, pattern):
    """What comes until it matches."""
    text, end = '', time.monotonic() + support.DEADLINE
    while not re.search(pattern, text):
        assert time.monotonic() < end and select.select([fd], [], [], support.DEADLINE)[0], f'waited for {pattern!r}: {text!r}'
        text += os.read(fd, 4096).decode()
    return text


def said(fd):
    return os.read(fd, 1 << 16) if select.select([fd], [], [], 0)[0] else b''


def test_a_long_read_tells_how_far_it_is(start):
    silent = [start('read 0 32M', name='qemu-io'), start('read 0 32M', terminal=False)]
    process, leader = start('length', 'read 0 32M')
    text = wait(leader, r'\rread  50%  \S+ (KiB|MiB|GiB)/s  \d+ s left  Ctrl-C ends it')
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=support.DEADLINE)
    assert process.returncode == -signal.SIGINT
    assert out == b'32 MiB\n'
    assert '\x1b' not in text
    for other, fd in silent:
        assert said(fd) == b''


@pytest.mark.parametrize('command', ['create -q -f qcow2 -o preallocation=full new 32M', 'truncate -m full 48M'])
def test_preallocation_tells_how_far_it_is(start, command):
    process, leader = start(command, image=('-w', '-f', 'raw', 'disk.img'))
    wait(leader, rf'\r{command.split()[0]}  [1-9]\d?%')
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=support.DEADLINE)


def test_a_server_that_is_slow_is_told_of(start, work):
    class Slow(Server):
        size, block_size = 16 * MIB, (1, 4096, MIB)

        def reply_data(self, connection, cookie, offset, data):
            if offset < 8 * MIB:
                super().reply_data(connection, cookie, offset, data)

    with Slow(work / 's') as server:
        process, leader = start('read 0 16M', image=('--image-opts', f'driver=raw,file.driver=nbd,file.path={work / "s"}'))
        server.wait_for(READ)
        wait(leader, r'\rread  50%')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=support.DEADLINE)
