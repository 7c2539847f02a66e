# SPDX-License-Identifier: GPL-3.0-or-later
"""Zeroes on a file system that makes holes, but no ranges of zeroes: as the reference program writes them there."""
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import support


@pytest.fixture
def tmpfs():
    shared = Path('/dev/shm')
    if not shared.is_dir() or subprocess.run(['stat', '-f', '-c', '%T', shared], capture_output=True, text=True).stdout.strip() != 'tmpfs':
        pytest.skip('/dev/shm is no tmpfs here')
    folder = Path(tempfile.mkdtemp(prefix='blkscope-test.', dir=shared))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize('zeroes', ['write -zn 64k 64k', 'write -z 64k 64k', 'write -zu 64k 64k', 'write -zun 64k 64k', 'write -zn 960k 64k', 'write -zn 1000 70000'])
def test_zeroes_on_tmpfs(tmpfs, zeroes):
    results = {}
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        image = tmpfs / who
        image.write_bytes(b'x' * support.MIB)
        result = support.run(['-f', 'raw', *support.commands([zeroes, 'map']), image.name], program=program, name='qemu-io', cwd=tmpfs)
        results[who] = support.without_times(result.out), result.err, result.status, image.read_bytes(), support.extents(image), image.stat().st_blocks
    assert results['ours'] == results['reference']
