# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that others made, and very large ones: read exactly as the reference reads them, and left as they were."""
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import support
from support import KIB, MIB, TIB

RESCUE = sorted(Path('/usr/lib/grub-rescue').glob('grub-rescue-*')) if Path('/usr/lib/grub-rescue').exists() else []


def both(args, cwd=None, input=''):
    """Both programs with the same arguments, times taken out: equal, and returned once."""
    theirs = support.reference(*args, cwd=cwd, input=input)
    ours = support.drop_in(*args, cwd=cwd, input=input)
    their_out, our_out = support.without_times(theirs.out), support.without_times(ours.out)
    if their_out != our_out or theirs.err != ours.err or theirs.status != ours.status:
        pytest.fail(f'{args}\n{support.difference(their_out, our_out)[:4000]}\n{support.difference(theirs.err, ours.err)[:4000]}\n'
                    f'status {theirs.status} and {ours.status}')
    return ours


def fingerprint(path):
    status = os.stat(path)
    with open(path, 'rb') as file:
        digest = hashlib.file_digest(file, 'sha256').hexdigest() if hasattr(hashlib, 'file_digest') else \
            hashlib.sha256(file.read()).hexdigest()
    return digest, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_mode


def dumped(text):
    """The bytes of a `read -v` dump."""
    return bytes.fromhex(''.join(re.findall(r'^[0-9a-f]{8,}:  ((?:[0-9a-f]{2} )+)', text, re.M)))


def data_runs(text):
    """The (start, length) of what `map --json` calls data."""
    return [(run['start'], run['length']) for run in json.loads(text) if run['data']]


def test_rescue_images_are_there():
    """The package is a test dependency: without its images the next test would pass by testing nothing."""
    assert len(RESCUE) >= 3, 'package grub-rescue-pc'


@pytest.mark.parametrize('image', RESCUE, ids=lambda path: path.name)
def test_rescue_image(image, work):
    before = fingerprint(image)
    size = image.stat().st_size
    offsets = [0, 440, 510, 2048 * 16, size // 2 // 16 * 16, max(0, size - 4096)]
    commands = [f'read -v {offset} {min(4096, size - offset)}' for offset in offsets]
    args = [word for command in ['length', 'map', 'info', *commands] for word in ('-c', command)]
    ours = both(['-r', '-f', 'raw', *args, image])
    data = image.read_bytes()
    assert dumped(ours.out) == b''.join(data[offset:offset + min(4096, size - offset)] for offset in offsets)
    # Under its own name, without a word about the format: every byte, nothing changed.
    whole = support.blkscope('-c', f'read -v 0 {size}', image)
    assert whole.status == 0
    assert dumped(whole.out) == data
    assert fingerprint(image) == before


@pytest.fixture
def ext4(work):
    tree = work / 'tree'
    (tree / 'folder').mkdir(parents=True)
    (tree / 'hello').write_text('hello from a file system\n' * 400)
    (tree / 'folder/big').write_bytes(os.urandom(3 * MIB))
    image = work / 'ext4.img'
    image.touch()
    subprocess.run(['/sbin/mkfs.ext4', '-q', '-F', '-b', '4096', '-d', tree, image, '64M'], check=True, capture_output=True)
    return image


def debugfs(image, request, flags=()):
    return subprocess.run(['/sbin/debugfs', *flags, '-R', request, image], check=True, capture_output=True).stdout


def test_file_system_is_read_as_it_is(ext4):
    before = fingerprint(ext4)
    both(['-r', '-f', 'raw', '-c', 'map', '-c', 'length', '-c', 'read -v 1024 1024', ext4])
    block = int(debugfs(ext4, 'blocks /hello').split()[0])
    ours = support.blkscope('-c', f'read -v {block * 4096} 4k', ext4)
    assert dumped(ours.out) == ('hello from a file system\n' * 400).encode()[:4096]
    assert fingerprint(ext4) == before


def test_file_system_survives_writes_into_a_file(ext4, work):
    block = int(debugfs(ext4, 'blocks /hello').split()[0])
    ours = support.blkscope('-w', '-f', 'raw', '-c', f'write -P 0x41 {block * 4096 + 100} 1000', ext4)
    assert ours.status == 0, ours
    check = subprocess.run(['/sbin/e2fsck', '-fn', ext4], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
    content = debugfs(ext4, 'cat /hello')
    expected = bytearray(('hello from a file system\n' * 400).encode())
    expected[100:1100] = b'A' * 1000
    assert content == bytes(expected)


@pytest.fixture
def huge(work):
    """15 TiB, three islands of data."""
    path = work / 'huge.img'
    try:
        with open(path, 'wb') as file:
            file.truncate(15 * TIB)
            for offset in (0, 7 * TIB + 12 * KIB, 15 * TIB - 4096):
                file.seek(offset)
                file.write(b'%-16d' % offset * 256)
    except OSError as error:
        pytest.skip(f'this file system has no files of 15 TiB: {error}')
    return path


def test_15_tib_read(huge):
    both(['-r', '-f', 'raw', '-c', 'length', '-c', 'map', '-c', f'read -v {7 * TIB + 12 * KIB - 16} 64', '-c', 'alloc 0 8T', '-c',
          f'read {15 * TIB - 1} 1', '-c', f'read {15 * TIB - 1} 2', '-c', f'read {15 * TIB} 1', '-c', f'read -P 0 {3 * TIB} 64M', huge])
    ours = support.blkscope('-c', 'map --json', huge)
    assert data_runs(ours.out) == [(start, end - start) for start, end in support.extents(huge)]


def test_15_tib_write(huge, work):
    copy = work / 'copy.img'
    subprocess.run(['cp', '--sparse=always', huge, copy], check=True)
    commands = [f'write -P 1 {15 * TIB - 512} 512', f'write -P 2 {9 * TIB + 1} 1', f'write -z {15 * TIB - 4096} 100',
                f'write -zu {7 * TIB} 1G', f'discard {7 * TIB} 1G', 'map', 'truncate 14T', 'map', 'truncate 15T', 'map', 'length']
    args = ['-f', 'raw', '-d', 'unmap', *(word for command in commands for word in ('-c', command))]
    theirs = support.reference(*args, huge.name, cwd=work)
    ours = support.drop_in(*args, copy.name, cwd=work)
    assert support.difference(support.without_times(theirs.out), support.without_times(ours.out)) == ''
    assert (theirs.err, theirs.status) == (ours.err, ours.status)
    assert support.same_bytes(huge, copy) is None
    assert support.extents(huge) == support.extents(copy)


def test_very_many_extents(work):
    """As many holes as runs; a million of both with BLKSCOPE_LOAD=all, which takes a disk minutes."""
    runs, path = 500_000 if os.environ.get('BLKSCOPE_LOAD') == 'all' else 25_000, work / 'many.img'
    if shutil.disk_usage(work).free < 4 * runs * 4096:
        pytest.skip('needs four times the space that the runs take')
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.truncate(fd, runs * 8192)
        block = b'x' * 4096
        for i in range(runs):
            os.pwrite(fd, block, i * 8192)
        found = os.lseek(fd, 4096, os.SEEK_DATA), os.lseek(fd, 0, os.SEEK_HOLE)
        if found != (8192, 4096):
            pytest.skip(f'this file system does not keep extents of 4 KiB: {found}')
        both(['-r', '-f', 'raw', '-c', 'map', path])
        ours = support.blkscope('-c', 'map --json', path)
        assert ours.status == 0, ours.err
        assert data_runs(ours.out) == [(i * 8192, 4096) for i in range(runs)]
    finally:
        # Gone at once: nobody waits until 2 GiB are written out.
        os.close(fd)
        path.unlink()


@pytest.fixture
def loop(work):
    """Makes loop devices, one a call."""
    devices = []

    def make(path, *options):
        made = subprocess.run(['losetup', '--find', '--show', *options, path], capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f'no loop device here: {made.stderr.strip()}')
        devices.append(made.stdout.strip())
        return devices[-1]

    if not shutil.which('losetup'):
        pytest.skip('no losetup here')
    yield make
    for device in devices:
        subprocess.run(['losetup', '--detach', device])


@pytest.mark.parametrize('options', [[], ['-n'], ['-d', 'unmap'], ['-t', 'writeback', '-d', 'unmap']], ids=lambda o: ''.join(o) or 'plain')
def test_loop_device(loop, work, options):
    commands = ['length', 'map', 'info', 'alloc 0 1M', 'write -P 1 0 512', 'write -P 2 1M 1M', 'write -P 3 100 100', 'read -v 96 16', 'write -z 2M 1M',
                'write -zu 3M 512k', 'discard 1M 4k', 'read -P 2 1052672 64k', 'map', 'truncate 1M', 'truncate 8M', 'truncate 4M',
                'read 4194303 2', 'write 4M 1', 'flush', 'length', 'reopen -r', 'write 0 512']
    outputs = []
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        path = work / f'{who}.img'
        support.make_image(path)
        device = loop(path)
        result = support.run(['-f', 'raw', *options, *(word for command in commands for word in ('-c', command)), device],
                             program=program, name='qemu-io')
        outputs.append((support.without_times(result.out), result.err.replace(device, '/dev/loopN'), result.status))
    theirs, ours = outputs
    assert support.difference(theirs[0], ours[0]) == ''
    assert support.difference(theirs[1], ours[1]) == ''
    assert theirs[2] == ours[2]
    assert support.same_bytes(work / 'reference.img', work / 'ours.img') is None


def test_loop_device_read_only(loop, work):
    path = work / 'disk.img'
    support.make_image(path)
    device = loop(path, '--read-only')
    result = support.blkscope('-c', 'length', '-c', 'read -P 0x11 0 1M', device)
    assert result.status == 0, result
    assert result.out.startswith('4 MiB\n')
    refused = support.blkscope('-w', '-f', 'raw', '-c', 'write 0 512', device)
    assert refused.status == 1, refused
