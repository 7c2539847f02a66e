# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is really full: a small tmpfs in a mount namespace of its own.  Whatever did not fit, nothing is corrupt and the next command works."""
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create  # noqa: E402

MOUNT = 'mount -t tmpfs -o size=1m tmpfs "$0" && cd "$0" && '


def in_small_disk(work, script, **options):
    """Runs a shell script in a folder that holds 1 MiB; image.qcow2 comes from outside, and goes back there."""
    (work / 'disk').mkdir(exist_ok=True)
    return subprocess.run(['unshare', '-rm', 'bash', '-c', f'{MOUNT}{script}', str(work / 'disk'), support.BLKSCOPE], capture_output=True, text=True,
                          timeout=support.DEADLINE, env=support.environment(), **options)


@pytest.fixture
def small_disk(work):
    try:
        probe = in_small_disk(work, 'true')
    except FileNotFoundError:
        pytest.skip('there is no unshare')
    if probe.returncode:
        pytest.skip(f'no tmpfs can be mounted here: {probe.stderr.strip()}')
    return work


def run(work, image, *commands, files=()):
    """Ours, called qemu-io; each command is a process of its own, so that what one leaves is what the next finds."""
    copies = ' && '.join(f'cp --sparse=always ../{name} .' for name in (image.name, *files))
    lines = [copies]
    for command in commands:
        lines.append(f'(exec -a qemu-io "$1" -t writeback -c {command!r} {image.name}) 2>&1; echo status $?')
        lines.append(f'log=$(qemu-img check {image.name} 2>&1) || [ $? = 3 ] || {{ echo "$log"; echo CORRUPT; }}')
    result = in_small_disk(work, '; '.join(lines))
    for report in ('CORRUPT', 'AddressSanitizer', 'runtime error:'):
        assert report not in result.stdout + result.stderr, result
    assert result.returncode == 0, result
    return result.stdout


@pytest.mark.parametrize('options', [{}, {'cluster_size': 512, 'refcount_bits': 64}, {'cluster_size': 4096}, {'cluster_size': '16k', 'extended_l2': 'on'}],
                         ids=lambda options: ','.join(map(str, options.values())) or 'default')
def test_writes(small_disk, options):
    image = create(small_disk / 'image.qcow2', '64M', **options)
    out = run(small_disk, image, 'write -P 1 0 100k', 'write -P 2 1M 3M', 'write -P 3 30M 700k', 'write -P 4 50M 300k', 'read -P 1 0 100k', 'write -P 5 10k 20k',
              'read -P 5 10k 20k', 'write -z 0 1M', 'discard 0 4M', 'write -P 6 5M 100k', 'read -P 6 5M 100k')  # a discard makes tables, too: 64M needs 1 MiB
    assert 'write failed: No space left on device' in out
    assert 'Pattern verification failed' not in out and 'read failed' not in out, out  # a discard may need room for tables
    assert out.count('status 1') >= 1 and out.rstrip().endswith('status 0'), out


@pytest.mark.parametrize('type', ['zlib', 'zstd'])
def test_compressed_writes(small_disk, type):
    image = create(small_disk / 'image.qcow2', '64M', cluster_size=4096, compression_type=type)
    out = run(small_disk, image, 'write -P 1 0 900k', 'write -c -P 2 1M 30M', 'write -c -P 3 40M 20M', 'read -P 1 0 900k', 'discard 0 900k', 'write -c -P 4 60M 4k',
              'read -P 4 60M 4k')
    assert 'Pattern verification failed' not in out and 'read failed' not in out, out
    assert 'No space left on device' in out and out.rstrip().endswith('status 0'), out


@pytest.mark.parametrize('mode', ['metadata', 'falloc', 'full', 'off'])
def test_growing(small_disk, mode):
    image = create(small_disk / 'image.qcow2', '100k', cluster_size=512)
    out = run(small_disk, image, 'write -P 1 0 100k', f'truncate -m {mode} 1G' if mode == 'off' else f'truncate -m {mode} 40M', 'read -P 1 0 100k', 'write -P 2 0 50k',
              'truncate 120k', 'read -P 2 0 50k')
    assert 'Pattern verification failed' not in out and 'read failed' not in out, out
    assert out.rstrip().endswith('status 0'), out
    if mode in ('falloc', 'full'):
        assert 'No space left on device' in out, out


def test_an_external_data_file(small_disk):
    image = create(small_disk / 'image.qcow2', '20M', data_file='data.raw')
    out = run(small_disk, image, 'write -P 1 0 100k', 'write -P 2 1M 3M', 'read -P 1 0 100k', 'discard 0 20M', 'write -P 3 2M 100k', 'read -P 3 2M 100k',
              files=('data.raw',))
    assert 'write failed: No space left on device' in out and 'Pattern verification failed' not in out, out
    assert out.rstrip().endswith('status 0'), out


def test_the_backing_file_is_copied(small_disk):
    base = create(small_disk / 'base.qcow2', '8M', cluster_size='512k')
    images.write(base, 'write -P 9 0 1k')
    image = create(small_disk / 'image.qcow2', '8M', cluster_size='64k', backing='base.qcow2')
    out = run(small_disk, image, *(f'write -P {i + 1} {i * 256 + 3}k 1k' for i in range(16)), 'read -P 9 0 1k', 'read -P 1 3k 1k', files=('base.qcow2',))
    assert 'Pattern verification failed' not in out and out.rstrip().endswith('status 0'), out
