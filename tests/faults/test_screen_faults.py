# SPDX-License-Identifier: GPL-3.0-or-later
"""The full screen runs out of memory, descriptors and luck: it ends in order, and the terminal is as it was."""
import errno
import os
import random
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / 'pty')]

import support  # noqa: E402
from injector import Injector, name_of  # noqa: E402
from terminal import ENTER_ALTERNATE, Terminal  # noqa: E402

pytestmark = pytest.mark.skipif(support.FLAVOUR != '', reason='the library has an allocator of its own')
TIMES = {'': 1, 'all': 20}.get(os.environ.get('BLKSCOPE_FAULTS', ''), 5)
SEED = int(os.environ.get('SEED', '1'))
FAULTS = [('alloc', errno.ENOMEM, False), ('alloc', errno.ENOMEM, True), ('preadv64v2', errno.EIO, False), ('preadv64v2', errno.EIO, True),
          ('open64', errno.EMFILE, True), ('open', errno.EMFILE, False), ('mmap64', errno.ENOMEM, True), ('fstat64', errno.EIO, False),
          ('read', errno.EIO, False), ('read', errno.EINTR, False), ('poll', errno.EINTR, False), ('ioctl', errno.ENOTTY, False),
          ('tcsetattr', errno.EIO, False), ('sigaltstack', errno.ENOMEM, False), ('pthread_create', errno.EAGAIN, True), ('write', errno.EINTR, False)]


def session(work, injector, *fault, on=False):
    """A short session by key; the program may be gone at any moment.  How it ended, and what it wrote last."""
    environment = injector.environment(*fault, on=on)
    changes = {name: environment[name] for name in environment if name.startswith(('FAULT_', 'LD_', 'BLKSCOPE_'))}
    # Not in the environment of what stands in for a shell: that is to live.
    start = work / 'start'
    start.write_text('#!/bin/sh\n' + ' '.join(f"{name}='{value}'" for name, value in changes.items()) + f" exec '{support.BLKSCOPE}' \"$@\"\n")
    start.chmod(0o755)
    with Terminal(['-f', 'raw', 'disk.img'], cwd=work, program=str(start)) as t:
        for keys in ([':', 'read -v 2M 16', 'Enter'], ['Esc'], ['Tab', ']', ']', 'e', 'e'], ['Tab', 'i', 'PageDown', '/', '200', 'Enter'], ['F1'], ['Esc'],
                     [':', 'map', 'Enter'], ['Esc'], ['F2'], ['Esc'], ['Esc'], [':'], ['Ctrl-U']):
            if t.job.poll() is None:
                t.send(*keys)
                while t.pump(0.05):
                    pass
        t.send('quit', 'Enter')
        kind, number = t.next_report('the end')
        t.finish()
        if ENTER_ALTERNATE in t.raw:
            t.assert_restored()
        return kind, number, bytes(t.raw[-2000:])


@pytest.fixture(scope='module')
def work(tmp_path_factory):
    return tmp_path_factory.mktemp('screen')


@pytest.fixture(scope='module')
def injector(work):
    support.make_image(work / 'disk.img')
    injector = Injector(work)
    kind, number, said = session(work, injector)
    assert kind == 'exited', said
    injector.status = number  # a search that finds nothing is a command that failed
    injector.clean = injector.counts()
    return injector


@pytest.mark.parametrize('call, error, on', FAULTS, ids=lambda value: {True: 'and on', False: 'once'}.get(value, value) if isinstance(value, bool)
                         else value if isinstance(value, str) else name_of(value))
def test_the_terminal_is_restored(work, injector, call, error, on):
    rng = random.Random(f'{SEED}{call}{error}{on}')
    for _ in range(TIMES):
        at = rng.randrange(injector.clean[call]) + 1
        kind, number, said = session(work, injector, call, at, error, on=on)
        assert kind == 'exited', f'{call} {at} of {injector.clean[call]}: {kind} {number} {said}'
        if number != injector.status:
            assert b'blkscope: ' in said, f'{call} {at} of {injector.clean[call]}: {number} {said}'
