# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that make and drive the ring, which no library sees, fail in turn by way of strace."""
import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import scenarios  # noqa: E402
import support  # noqa: E402

STRACE = shutil.which('strace')
pytestmark = [pytest.mark.skipif(not STRACE, reason='strace is not installed'),
              pytest.mark.skipif(support.FLAVOUR in ('tsan', 'valgrind'), reason='strace would watch another program than ours')]
TIMES = {'': 3, 'all': 200}.get(os.environ.get('BLKSCOPE_FAULTS', ''), 20)
FAULTS = [('io_uring_setup', error, 1) for error in ('EPERM', 'ENOSYS', 'ENOMEM', 'EMFILE')] + [('io_uring_register', 'EINVAL', 1)] + [
    ('io_uring_enter', error, TIMES) for error in ('EINTR', 'EAGAIN', 'EBUSY', 'ENOMEM')] + [('ppoll', 'EINTR', TIMES), ('poll', 'EINTR', TIMES)]


@pytest.mark.parametrize('call, error, times', FAULTS, ids=str)
def test_the_ring_fails(work, call, error, times):
    scenario = scenarios.THROUGH
    (work / 'master').mkdir()
    scenario.prepare(work / 'master')
    for number in range(1, times + 1):
        folder = work / f'run{number}'
        shutil.copytree(work / 'master', folder)
        (folder / 'blkscope').symlink_to(support.BLKSCOPE)
        # Many at once: with nothing else to do they would be made without the ring.
        script = ''.join(f'aio_write -P {i + 1} {i * 16}k 5k\n' for i in range(40)) + 'aio_flush\n' + ''.join(
            f'aio_read -q -P {i + 1} {i * 16}k 5k\n' for i in range(40)) + 'aio_flush\n'
        result = support.run(['-f', '-qq', '-o', 'log', '-e', f'trace={call}', '-e', f'inject={call}:error={error}:when={number * 3 - 2 if times > 1 else 1}',
                              './blkscope', '-w', '-n', '--refs=follow', 'disk.qcow2'], program=STRACE, name='strace', input=script, cwd=folder,
                             env=support.traced())
        assert result.status in (0, 1) and 'CRITICAL' not in result.err, f'{number}\n{result}'
        assert result.status == 0 or new_words(result), f'{number}\n{result}'
        scenarios.sound(folder, 'disk.qcow2')
        written = support.drop_in('-r', '-U', 'disk.qcow2', cwd=folder, input=''.join(f'read -P {i + 1} {i * 16}k 5k\n' for i in range(40)))
        assert result.status == 1 or 'failed' not in written.out, f'{number}\n{result}\n{written}'
        shutil.rmtree(folder)


def new_words(result):
    return 'blkscope: ' in result.err or 'failed' in result.out


def test_a_ring_that_is_asked_for_and_can_not_be_had(work):
    """A reason and a status, no crash."""
    support.make_image(work / 'disk.img')
    result = support.run(['-f', '-qq', '-o', 'log', '-e', 'trace=io_uring_setup', '-e', 'inject=io_uring_setup:error=EPERM', support.BLKSCOPE, '-c', 'length',
                          'disk.img'], program=STRACE, name='strace', cwd=work, env=support.traced(BLKSCOPE_AIO='io_uring'))
    assert result.status == 1 and "BLKSCOPE_AIO: io_uring can't be used here: Operation not permitted" in result.err, result
    result = support.blkscope('-c', 'length', 'disk.img', cwd=work, env=support.environment(BLKSCOPE_AIO='abacus'))
    assert result.status == 1 and "AIO back end 'abacus' does not exist" in result.err, result
