# SPDX-License-Identifier: GPL-3.0-or-later
"""Backing files of images that qemu-nbd reads: whoever made the image chose their names, and blkscope opens them."""
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ('nbd', 'pty')]

from support import MIB, blkscope, create_encrypted, environment, reference, without_times  # noqa: E402
from test_formats import Session, helpers  # noqa: E402

SECRET = ['--object', 'secret,id=s,data=correct-horse']
KEYS = 'encrypt.format=luks,encrypt.key-secret=s'
OPENS = '--refs=follow opens it, if you trust it'
PAIRS = [('qcow', 'raw'), ('qcow', 'qcow2'), ('qed', 'raw'), ('qed', 'qcow2'), ('vmdk', 'vmdk'), ('luks', 'raw'), ('luks', 'qcow2'), ('qed', 'vdi'), ('qcow', 'vpc')]
CHAINS = [('qed', 'qcow2', 'raw'), ('qcow', 'qed', 'qcow2'), ('vmdk', 'vmdk', 'vmdk'), ('luks', 'qed', 'raw'), ('qed', 'qed', 'qed')]


def create(path, kind, backing=None, backing_kind=None, size='8M'):
    """kind luks: an encrypted qcow2 image.  Anything is named, whether it is there or not, but by vmdk images."""
    args = ['-f', 'qcow2' if kind == 'luks' else kind]
    if backing:
        args += ['-b', backing, '-F', backing_kind] + ([] if kind == 'vmdk' else ['-u'])
    if kind == 'luks':
        create_encrypted(*args, *SECRET, '-o', f'{KEYS},encrypt.iter-time=10', path, size)
    else:
        subprocess.run(['qemu-img', 'create', '-q', *args, path] + ([] if kind == 'vmdk' and backing else [size]), cwd=path.parent, check=True)
    return path


def target(path, kind):
    """How both programs are told of it."""
    return [*SECRET, '--image-opts', f'driver=qcow2,{KEYS},file.filename={path}'] if kind == 'luks' else ['-f', kind, path]


def chain(work, *kinds):
    """In folders below each other, from the top; each layer wrote some bytes of its own."""
    path, below = None, None
    for i, kind in reversed(list(enumerate(kinds))):
        folder = work.joinpath('top', *['sub'] * i)
        folder.mkdir(parents=True, exist_ok=True)
        name = folder / f'{i}.img'
        create(name, kind, f'sub/{i + 1}.img' if path else None, below)
        lines = [word for at in (i, i + 3) for word in ('-c', f'write -P {0x10 + i} {at}M 2M')]
        result = reference(*lines, *target(name, kind))
        assert result.status == 0, result
        path, below = name, kind
    return path


def state(work):
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in work.rglob('*.img')}


@pytest.mark.parametrize('kinds', PAIRS + CHAINS, ids='-'.join)
def test_same_as_the_reference(work, kinds):
    top = chain(work, *kinds)
    lines = [word for line in ('length', *(f'read -v {i}M 32' for i in range(8)), 'read -q -P 0 7M 1M') for word in ('-c', line)]
    before = state(work)
    ours, theirs = blkscope(*lines, *target(top, kinds[0])), reference('-r', *lines, *target(top, kinds[0]))
    assert without_times(ours.out) == without_times(theirs.out) and ours.status == 0 and not ours.err, ours
    assert all(f'{0x10 + i:x} ' * 16 in ours.out for i in range(len(kinds))) and state(work) == before


@pytest.mark.parametrize('kind', ['qed', 'luks'])
def test_a_backing_file_is_only_read(work, kind):
    top = chain(work, kind, 'qcow2')
    before = state(work)
    lines = ['-c', 'write -P 9 1000k 512', '-c', 'read -P 9 1000k 512', '-c', 'read -P 0x11 2M 1M']
    result = blkscope('-w', *lines, *target(top, kind))
    assert result.status == 0 and 'Pattern' not in result.out, result
    assert {file for file, was in before.items() if state(work)[file] != was} == {top}


def helper_of(session):
    """Its qemu-nbd: the process and its command line."""
    (found,) = [one for one in helpers('/proc/self/fd/4') if Path(f'/proc/{one[0]}/stat').read_text().split()[3] == str(session.process.pid)]
    return found


def test_names_are_not_looked_up_again(work):
    """qemu-nbd has the file that was looked at, for reading and unlocked; its command line has no name that an image gave."""
    top = chain(work, 'qed', 'raw')
    base = top.parent / 'sub/1.img'
    with Session(work, '-w', top) as session:
        process, line = helper_of(session)
        assert b'1.img' not in line and b'"backing.driver":"raw"' in line.replace(b' ', b''), line
        modes = [int(Path(f'/proc/{process}/fdinfo/{fd.name}').read_text().split('flags:')[1].split()[0], 8) & os.O_ACCMODE
                 for fd in Path(f'/proc/{process}/fd').iterdir() if os.path.realpath(fd) == str(base)]
        assert len(modes) >= 2 and set(modes) == {os.O_RDONLY}
        held = {int(entry.split()[5].split(':')[2]) for entry in Path('/proc/locks').read_text().splitlines() if '->' not in entry}
        assert base.stat().st_ino not in held
        base.rename(work / 'moved')
        base.write_bytes(b'y' * MIB)
        session.ask('read -P 0x11 2M 4k', 'read 4096/4096')


@pytest.mark.parametrize('policy', ['none', 'ask'])
@pytest.mark.parametrize('kinds', [('qcow', 'raw'), ('qed', 'raw'), ('vmdk', 'vmdk'), ('luks', 'raw')], ids='-'.join)
def test_unasked_it_is_left_out(work, kinds, policy):
    top = chain(work, *kinds)
    result = blkscope(f'--refs={policy}', '-c', 'read -P 0 3M 512', '-c', 'read -P 0 2M 512', *target(top, kinds[0]))
    assert "names the backing file 'sub/1.img', which is not opened: what it would supply reads as zeroes (" + OPENS in result.err, result
    assert result.out.count('Pattern') == 1, result


# ---- what is not followed ----


def refused(result, *said):
    assert all(one in result.err for one in said) and 'read 512' not in result.out and result.status == 1, result
    assert '\x1b' not in result.err, result


def write_name(image, kind, name):
    """In place of base.img."""
    if kind == 'vmdk':
        data = image.read_bytes()
        new = data.replace(b'parentFileNameHint="base.img"', b'parentFileNameHint="%s"' % name.encode())
        at = new.index(b'\0', 512)
        image.write_bytes(new[:at] + new[at + len(new) - len(data):])
    else:
        create(image, kind, name, 'raw')


@pytest.mark.parametrize('kind', ['qcow', 'qed', 'vmdk', 'luks'])
@pytest.mark.parametrize('name, said', [
    ('nbd:unix:/x', 'not a plain path'), ('json:{}', 'not a plain path'), ('fat:folder', 'not a plain path'),
    ('/dev/null', 'neither a file nor'), ('/proc/self/environ', 'neither a file nor'), ('fifo', 'neither a file nor'), ('folder', 'neither a file nor'),
    ('link', 'neither a file nor'), ('/proc/self/fd/0', 'neither a file nor'), ('gone', 'could not be opened: No such file'), ('e\x1b[31m', "'")])
def test_what_is_no_plain_file(work, kind, name, said):
    os.mkfifo(work / 'fifo')
    (work / 'folder').mkdir()
    (work / 'link').symlink_to('/dev/zero')
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top.img', kind, 'base.img', 'vmdk')
    write_name(top, kind, name)
    result = blkscope('-c', 'read 0 512', *target(top, kind))
    refused(result, 'The image names the backing file ', said, name.split('\x1b')[-1], "'--refs none' opens the image without it")


def test_what_qemu_nbd_says_names_the_files(work):
    """It knows them by the numbers of their descriptors; others it may name, too."""
    top = create(work / 'top.img', 'qed', create(work / 'base.img', 'raw').name, 'raw')
    said = "Could not open '/proc/self/fd/%d'"
    (work / 'bin').mkdir()
    fake = work / 'bin' / 'qemu-nbd'
    fake.write_text('#!/bin/sh\necho "' + ', '.join(said % number for number in (4, 5, 6, 40)) + '" >&2\nexit 1\n')
    fake.chmod(0o755)
    result = blkscope('-c', 'length', top, env=environment(PATH=f'{work / "bin"}:{os.environ["PATH"]}'))
    names = [f"Could not open '{name}'" for name in (top, work / 'base.img', '/proc/self/fd/6', '/proc/self/fd/40')]
    refused(result, ', '.join(names))


@pytest.mark.parametrize('kinds', [('qed',), ('qed', 'qcow2'), ('qcow', 'qed'), ('qcow', 'qcow2', 'qed')], ids='-'.join)
def test_a_loop(work, kinds):
    (work / 'link').symlink_to('0')  # no image is made that names itself
    names = [*map(str, range(1, len(kinds))), 'link']
    for i, kind in enumerate(kinds):
        create(work / f'{i}', kind, str(work / names[i]), kinds[(i + 1) % len(kinds)])
    refused(blkscope('-c', 'read 0 512', work / '0'), f"'{work}/link' is already part of this backing chain")


def test_a_loop_below(work):
    (work / 'link').symlink_to('b')
    create(work / 'b', 'qcow2', 'link', 'qcow2')
    refused(blkscope('-c', 'read 0 512', create(work / 'a', 'qed', 'b', 'qcow2')), "/link' is already part of this backing chain")


def test_so_many_and_no_more(work):
    create(work / '0', 'raw')
    for i in range(1, 34):
        create(work / str(i), 'qcow', str(i - 1), 'qcow')
    assert 'read 512/512' in blkscope('-c', 'read 0 512', work / '32').out
    refused(blkscope('-c', 'read 0 512', work / '33'), 'More than 32 of them below each other')


@pytest.mark.parametrize('policy', ['none', 'follow'])
def test_what_a_backing_file_names_in_turn(work, policy):
    create(work / 'mid', 'qcow2', 'nbd:unix:/x', 'raw')
    result = blkscope(f'--refs={policy}', '-c', 'read -q 0 512', create(work / 'top', 'qed', 'mid', 'qcow2'))
    assert ("names the backing file 'nbd:unix:/x', which is not a plain path" in result.err and result.status == 1) if policy == 'follow' else result.status == 0, result


def test_a_guessed_format(work):
    """qcow images never say it; what a guest wrote to a raw one is followed by the same rules."""
    create(work / 'base', 'qcow2', '/dev/zero', 'raw')
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qcow', 'base', 'raw')), "names the backing file '/dev/zero', which is neither a file nor")
    told = blkscope('-c', 'read -v 0 16', create(work / 'top', 'qed', 'base', 'raw'))
    assert '51 46 49 fb' in told.out, told


@pytest.mark.parametrize('stored', ['qcow2', None])
def test_a_data_file(work, stored):
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'data_file=secret', 'base', '1M'], cwd=work, check=True)
    top = create(work / 'top', 'luks' if stored else 'qcow', 'base', 'qcow2')
    refused(blkscope('-c', 'read 0 512', *target(top, 'luks' if stored else 'qcow')), 'names another file that holds its bytes and is not followed')


def test_a_description(work):
    (work / 'secret').write_bytes(b's' * MIB)
    (work / 'base').write_text('# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 2048 FLAT "secret" 0\n')
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qcow', 'base', 'raw')), "base', which is no vmdk image with its bytes in itself")


@pytest.mark.parametrize('kind', ['raw', 'qcow2'])
def test_a_vmdk_has_a_vmdk_below(work, kind):
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top', 'vmdk', 'base.img', 'vmdk')
    create(work / 'base.img', kind)
    refused(blkscope('-c', 'read 0 512', top), "base.img', which is no vmdk image")


def test_other_formats(work):
    (work / 'x.dmg').write_bytes(b'x' * MIB)
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qcow', 'x.dmg', 'raw')), "x.dmg', which is in dmg format and is not followed")


def test_a_name_out_of_reach(work):
    top = create(work / 'top', 'qed', 'base', 'raw')
    create(work / 'base', 'raw')
    with top.open('r+b') as file:
        file.seek(56)
        file.write(struct.pack('<I', 1 << 17))
    refused(blkscope('-c', 'read 0 512', top), 'names a backing file where it is not looked for')


def test_bytes_of_the_disk_are_no_description(work):
    """Bytes of the disk that look like a line of the description."""
    top = create(work / 'top', 'vmdk')
    data = bytearray(top.read_bytes())
    data[30 * 512:30 * 512 + 40] = b'\nparentFileNameHint="/etc/passwd"\n'.ljust(40, b'\0')
    top.write_bytes(data)
    result = blkscope('-c', 'read -q 2M 512', top)
    assert 'passwd' not in result.err, result


@pytest.mark.parametrize('policy', ['none', 'follow'])
def test_the_user_says_none(work, policy):
    create(work / 'top', 'qed', 'gone', 'raw')
    result = blkscope(f'--refs={policy}', '-c', 'read -P 0 0 512', '--image-opts', f'driver=qed,file.filename={work}/top,backing=')
    assert result.status == 0 and not result.err, result


# ---- what qemu-nbd would open all the same ----


def description(*lines):
    return '\n'.join(['# Disk DescriptorFile', 'version=1', 'CID=fffffffe', 'parentCID=ffffffff', 'createType="monolithicFlat"', *lines, ''])


def test_what_is_not_found_here_is_not_opened_there(work):
    """A line that our side does not read as a name: the last layer is told that it has none."""
    create(work / 'base.img', 'vmdk')
    create(work / 'mid.img', 'vmdk', 'base.img', 'vmdk')
    top = create(work / 'top', 'vmdk', 'mid.img', 'vmdk')
    data = (work / 'mid.img').read_bytes()
    (work / 'mid.img').write_bytes(data.replace(b'\nparentFileNameHint="base.img"', b'\n parentFileNameHint="base.im"'))
    result = blkscope('-c', 'length', top)
    assert result.out == '8 MiB\n' and not result.err, result


def test_a_backing_file_that_comes_to_name_others(work):
    """It is written over in place, when it was looked at and qemu-nbd has not opened it yet."""
    (work / 'secret').write_bytes(b's' * MIB)
    (work / 'text').write_text(description(f'RW 2048 FLAT "{work}/secret" 0'))
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top', 'qcow', 'base.img', 'vmdk')
    (work / 'bin').mkdir()
    (work / 'bin/qemu-nbd').write_text(f'#!/bin/sh\ncat {work}/text > {work}/base.img\nLISTEN_PID=$$ exec {shutil.which("qemu-nbd")} "$@"\n')
    (work / 'bin/qemu-nbd').chmod(0o755)
    result = blkscope('--no-sandbox', '-c', 'read 0 512', top, env=environment(PATH=f'{work}/bin:{os.environ["PATH"]}'))
    refused(result, 'names other files that hold its bytes, which are not followed')
