# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration images of `./dev run`."""
import json
import shutil
import subprocess

import pytest
import support
from support import CHECKOUT, MIB


@pytest.fixture
def demo(work):
    shutil.copy(CHECKOUT / 'LICENSE', work / 'text')
    (work / 'label').write_bytes(b'demonstration\0\0\0')
    (work / 'swap').write_bytes(b'SWAPSPACE2')
    result = support.blkscope('--stop-on-error', '--headless', '--script', CHECKOUT / 'doc/demo/commands', cwd=work)
    assert (result.out, result.err, result.status) == ('', '', 0), result
    return work


def test_every_kind_of_cluster_and_every_layer_is_there(demo):
    result = support.blkscope('--json', '-c', 'map --extents', 'demo.qcow2', cwd=demo)
    extents = [json.loads(line) for line in result.out.splitlines()]
    assert {extent['kind'] for extent in extents} == {'data', 'zero', 'zero-allocated', 'compressed', 'unallocated'}
    assert {extent['depth'] for extent in extents if extent['kind'] == 'data'} == {0, 1, 2}
    assert {extent['depth'] for extent in extents if extent['kind'] == 'compressed'} == {0, 1}


def test_they_are_sound_and_small(demo):
    for image in ('demo.qcow2', 'layer.qcow2'):
        check = subprocess.run(['qemu-img', 'check', image], cwd=demo, capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr
    assert sum(path.stat().st_blocks * 512 for path in demo.iterdir()) < 20 * MIB


def test_others_know_the_disk(demo):
    """A partition table and what the partitions begin with."""
    table = subprocess.run(['fdisk', '-l', 'disk.raw'], cwd=demo, capture_output=True, text=True).stdout
    assert 'disk.raw1' in table and 'Linux swap' in table
    for offset, kind in (('1M', 'TYPE="ext2"'), ('96M', 'TYPE="swap"')):
        found = subprocess.run(['blkid', '-p', '-O', offset, 'disk.raw'], cwd=demo, capture_output=True, text=True)
        assert kind in found.stdout, (offset, found)


def test_what_the_readme_says_to_try_works(demo):
    """Each command of "Five minutes" on the images of `./dev run`, as that opens them."""
    text = (CHECKOUT / 'README.md').read_text()
    block = text[text.index(' Try\n'):text.index('   Sizes take the suffixes')]
    commands = [line.strip() for line in block.splitlines()[1:] if line.strip()]
    assert len(commands) >= 6, commands
    for command in commands:
        result = support.blkscope('--refs=follow', '-w', '-c', command, 'demo.qcow2', cwd=demo)
        assert (result.err, result.status) == ('', 0), (command, result)
