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


@pytest.mark.parametrize('args', [['-n'], ['-n', '-r'], ['-n', '-f', 'qcow2']], ids=' '.join)
def test_a_format_of_an_odd_size_is_opened_for_direct_io(tmpfs, args):
    """Its file may grow to a whole block; a raw image that has to stay as it is can't be written so."""
    results = {}
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        image = tmpfs / f'{who}.qcow2'
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', image, '1M'], check=True)
        raw = tmpfs / 'a.raw'
        raw.write_bytes(bytes(1000))
        commands = support.commands(['length', 'write -P 7 0 512', 'read -P 7 0 512'])
        opened = [support.run([*args, *commands, name], program=program, name='qemu-io', cwd=tmpfs) for name in (image.name, raw.name)]
        results[who] = [(support.without_times(one.out), one.err, one.status) for one in opened]
    assert 'resize' not in results['ours'][0][1] and results['ours'] == results['reference']
