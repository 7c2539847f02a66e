# SPDX-License-Identifier: GPL-3.0-or-later
"""Files an image names: the policy, loops, long chains."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch  # noqa: E402
from support import MIB, blkscope, drop_in  # noqa: E402


@pytest.fixture
def overlay(work):
    (work / 'base.raw').write_bytes(b'x' * MIB)
    image = create(work / 'a.qcow2', MIB, backing='base.raw', backing_format='raw')
    images.write(image, 'write -P 0x61 512k 64k')
    return image


def name_backing(image, name, format=None):
    ext = [(images.BACKING_FORMAT, format)] if format else []
    patch(image, (images.EXTENSIONS, None, images.extensions(*ext)), (8, 'Q', 0x200), (16, 'I', len(name)), (0x200, None, name))


def test_follow_is_the_rule_in_batch(overlay):
    result = blkscope('-c', 'read -q -P 0x78 0 64k', '-c', 'read -q -P 0x61 512k 64k', overlay.name, cwd=overlay.parent)
    assert (result.out, result.err, result.status) == ('', '', 0)


@pytest.mark.parametrize('policy', ['none', 'ask'])
def test_what_was_left_out_can_not_be_read(overlay, policy):
    result = blkscope(f'--refs={policy}', '-c', 'read -q -P 0x61 512k 64k', '-c', 'map', '-c', 'read 0 64k', overlay.name, cwd=overlay.parent)
    assert "names the backing file 'base.raw', which was not opened" in result.err
    assert 'read failed: Link has been severed' in result.out
    assert '64 KiB (0x10000) bytes     allocated at offset 512 KiB' in result.out


def test_what_was_left_out_is_not_shown_as_zeroes(overlay):
    result = blkscope('--refs=none', '--json', '-c', 'map --extents', overlay.name, cwd=overlay.parent)
    extents = [json.loads(line) for line in result.out.splitlines()]
    assert {e['kind'] for e in extents if e['start'] != 512 << 10} == {'missing'}
    screen = blkscope('--refs=none', '--headless', '-c', 'screen', overlay.name, cwd=overlay.parent)
    assert '!! !! !! !!' in screen.out and 'MMMMM' in screen.out and 'M missing' in screen.out


def test_what_was_left_out_can_be_supplied(overlay):
    (overlay.parent / 'other.raw').write_bytes(b'y' * MIB)
    result = blkscope('--refs=none', '-c', f'open -o backing.driver=raw,backing.file.filename=other.raw {overlay.name}',
                      '-c', 'read -q -P 0x79 0 64k', cwd=overlay.parent)
    assert (result.out, result.err, result.status) == ('', '', 0)


@pytest.mark.parametrize('policy', ['none', 'ask'])
def test_data_file_left_out(work, policy):
    image = create(work / 'a.qcow2', MIB, data_file='a.data')
    images.write(image, 'write 0 64k')
    result = blkscope(f'--refs={policy}', '-c', 'map', '-c', 'read 512k 64k', '-c', 'read 0 64k', image.name, cwd=work)
    assert "names the data file 'a.data', which was not opened" in result.err
    assert result.out.count('read failed: Link has been severed') == 1
    assert '64 KiB (0x10000) bytes     allocated at offset 0 bytes' in result.out


@pytest.mark.parametrize('name', [b'json:{"driver":"file","filename":"base.raw"}', b'file:base.raw', b'blkdebug::base.raw', b'nbd:unix:/x'])
def test_protocols_are_not_followed(overlay, name):
    name_backing(overlay, name, b'raw')
    result = blkscope('-c', 'length', overlay.name, cwd=overlay.parent)
    assert 'which is not a plain path and is not followed' in result.err and result.status == 1


def test_protocol_drivers_are_not_followed(overlay):
    for driver in (b'file', b'blkdebug', b'null-co', b'host_device'):
        name_backing(overlay, b'base.raw', driver)
        result = blkscope('-c', 'length', overlay.name, cwd=overlay.parent)
        assert 'which is not followed' in result.err and result.status == 1


def test_pipes_and_devices_are_not_followed(overlay):
    os.mkfifo(overlay.parent / 'pipe')
    for name in (b'pipe', b'/dev/zero'):
        name_backing(overlay, name, b'raw')
        result = blkscope('-c', 'length', overlay.name, cwd=overlay.parent)
        assert 'neither a file nor a block device' in result.err and result.status == 1


def test_names_are_shown_harmless(overlay):
    name_backing(overlay, b'\x1b[31mred', b'raw')
    result = blkscope('--refs=none', '-c', 'length', overlay.name, cwd=overlay.parent)
    assert '\x1b' not in result.err and '\\e[31mred' in result.err


@pytest.mark.parametrize('program', [blkscope, lambda *args, **kw: drop_in('-r', *args, **kw)])
def test_loops_end(work, program):
    for name, backing in (('self.qcow2', b'self.qcow2'), ('a.qcow2', b'b.qcow2'), ('b.qcow2', b'./c.qcow2'), ('c.qcow2', b'a.qcow2')):
        name_backing(create(work / name, MIB), backing)
    (work / 'link.qcow2').symlink_to('self.qcow2')
    for name in ('self.qcow2', 'a.qcow2', 'link.qcow2'):
        result = program('-c', 'length', name, cwd=work)
        assert 'is already part of this backing chain' in result.err and result.status == 1


def chain(work, length):
    """Layers 0 to length-1, each with a cluster of its own."""
    create(work / '0.qcow2', 16 * MIB)
    for i in range(length):
        name = work / f'{i}.qcow2'
        if i:
            name.write_bytes((work / '0.qcow2').read_bytes())
            name_backing(name, b'%d.qcow2' % (i - 1), b'qcow2')
    for i in (0, length // 2, length - 1):
        images.write(work / f'{i}.qcow2', f'write -P {i % 250 + 1} {i * 64}k 64k')
    return work / f'{length - 1}.qcow2'


def test_long_chains(work):
    length = 60
    top = chain(work, length)
    images.same(top, *(f'read -P {i % 250 + 1} {i * 64}k 64k' for i in (0, length // 2, length - 1)), 'read -v 0 4k', 'map', 'read 0 16M')


def test_too_long_chains_are_refused(work):
    top = work / '119.qcow2'
    create(work / '0.qcow2', 16 * MIB)
    for i in range(1, 120):
        (work / f'{i}.qcow2').write_bytes((work / '0.qcow2').read_bytes())
        name_backing(work / f'{i}.qcow2', b'%d.qcow2' % (i - 1), b'qcow2')
    result = blkscope('-c', 'length', top.name, cwd=work)
    assert 'nodes below each other' in result.err and result.status == 1


def test_encrypted_images_open(work):
    secret = ['--object', 'secret,id=s,data=abc']
    for options in ('encrypt.format=luks,encrypt.iter-time=10', 'encrypt.format=aes'):
        image = work / 'a.qcow2'
        run = subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', *secret, '-o', f'{options},encrypt.key-secret=s', image, '1M'],
                             capture_output=True, text=True)
        if run.returncode:
            continue  # luks wants the CPU time of a process, which not every container tells
        images.reference_io(image)
        subprocess.run(['qemu-io', *secret, '--image-opts', '-c', 'write 0 64k', f'driver=qcow2,file.filename={image},encrypt.key-secret=s'],
                       check=True, capture_output=True)
        result = blkscope('-c', 'map', '-c', 'read 512k 64k', '-c', 'read 0 64k', '-c', 'info', image)
        assert 'The image is encrypted' in result.err
        assert result.out.count('read failed: Required key not available') == 1
        assert '    encrypt:\n        format: ' in result.out
        assert '64 KiB (0x10000) bytes     allocated at offset 0 bytes' in result.out
