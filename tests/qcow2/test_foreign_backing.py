# SPDX-License-Identifier: GPL-3.0-or-later
"""Backing files of images that qemu-nbd reads: whoever made the image chose their names, and blkscope opens them."""
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ('nbd', 'pty', 'sandbox')]

from session import session as screen_session  # noqa: E402
from support import DEADLINE, KIB, MIB, blkscope, create_encrypted, environment, reference, screen_environment, without_times  # noqa: E402
from test_formats import Session, helpers  # noqa: E402

SECRET = ['--object', 'secret,id=s,data=correct-horse']
KEYS = 'encrypt.format=luks,encrypt.key-secret=s'
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
        result = reference('-t', 'unsafe', *lines, *target(name, kind))
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


def counting(work):
    """An environment whose qemu-nbd notes each request in work/requests."""
    (work / 'bin').mkdir()
    (work / 'bin/qemu-nbd').write_text(f'#!/bin/sh\nLISTEN_PID=$$ exec {shutil.which("qemu-nbd")} --trace nbd_co_receive_request_decode_type "$@" 2>>{work}/requests\n')
    (work / 'bin/qemu-nbd').chmod(0o755)
    return environment(PATH=f'{work / "bin"}:{os.environ["PATH"]}')


@pytest.mark.parametrize('kinds', [('qed', 'raw'), ('qed', 'qed', 'raw')], ids='-'.join)
def test_many_short_runs(work, kinds):
    """Of a fragmented image the bytes are right, each window is asked about once however many read in it, and its runs are not read one by one."""
    below = None
    for i, kind in reversed(list(enumerate(kinds))):
        args = ['-b', str(i + 1), '-F', below] if below else []
        subprocess.run(['qemu-img', 'create', '-q', '-f', kind, *(['-o', 'cluster_size=4096'] if kind == 'qed' else []), *args, str(i), '4M'], cwd=work, check=True)
        lines = [word for at in range(i * 4096, 4 * MIB, (i + 2) * 4096) for word in ('-c', f'write -q -P {at >> 12 & 0xff | 1} {at} 4096')]
        assert reference(*(lines if below else ['-c', 'write -q -P 0xaa 0 3M']), '-f', kind, work / str(i)).status == 0
        below = kind
    lines = [word for line in (*(f'aio_read -q {at}k 512k' for at in range(0, 4096, 512)), 'aio_flush') for word in ('-c', line)]
    result = blkscope('--no-sandbox', *lines, work / '0', env=counting(work))
    requests = (work / 'requests').read_text()
    assert result.status == 0 and requests.count('(block status)') == len(kinds) - 1 and requests.count('(read)') < 100, (result, requests.count('(read)'))
    lines = [word for line in ('read -v 2500 200k', 'read -v 3000k 256k', 'read -v 4095k 1k') for word in ('-c', line)]
    ours, theirs = blkscope(*lines, work / '0'), reference('-r', *lines, '-f', 'qed', work / '0')
    assert without_times(ours.out) == without_times(theirs.out) and ours.status == 0, ours.err


def test_what_is_said_of_layers_ends_earlier(work):
    """qemu-nbd answers with so many runs at most, of layers and of data each: what is zeroes throughout, and of two layers in turn, is not the image's own where the
    first answer ends."""
    with create(work / 'base', 'raw', size='1G').open('r+b') as base:
        base.seek((700 << 20) + 4096)
        base.write(b'Z')
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qed', '-o', 'cluster_size=4096', '-b', 'base', '-F', 'raw', 'top', '1G'], cwd=work, check=True)
    lines = ''.join(f'write -q -z {at} 4096\n' for at in range(0, 1 << 30, 8192))
    subprocess.run(['qemu-io', '--cache=unsafe', '-f', 'qed', 'top'], cwd=work, input=lines, text=True, check=True, stdout=subprocess.DEVNULL)
    result = blkscope('-c', 'chain -s', '-c', 'search Z 0 1G', '-c', 'read -P 0x5a 734007296 1', work / 'top')
    assert 'supplies 512 MiB (536870912 bytes)' in result.out and 'not found' not in result.out and 'Pattern' not in result.out, result


def test_a_vmdk_backing_file_that_was_written_to(work):
    """The reference reads none of its bytes."""
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top', 'vmdk', 'base.img', 'vmdk')
    assert not blkscope('-c', 'read -P 0 0 512', top).err
    reference('-c', 'write -P 5 0 512', '-f', 'vmdk', work / 'base.img')
    told, theirs = blkscope('-c', 'read -P 5 0 512', top), reference('-r', '-c', 'read 0 512', '-f', 'vmdk', top)
    assert "/base.img' is not what it was when the image was made upon it: its content ID is " in told.err and told.status == 0, told
    assert 'read failed' in theirs.out, theirs
    assert 'read failed' in blkscope('-w', '-c', 'read 0 512', top).out


def test_what_nobody_asked_for_may_be_unreadable(work):
    """Short runs of which the layer below lacks those that the image has."""
    create(work / 'low', 'qcow2', 'gone', 'raw')
    top = create(work / 'top', 'qed', 'low', 'qcow2')
    assert reference('-c', 'write -P 1 0 64k', '-c', 'write -P 3 128k 64k', '--image-opts', f'driver=qed,file.filename={top},backing=').status == 0
    options = f'driver=qcow2,file.filename={work}/low,backing='
    assert reference('-c', 'write -P 2 64k 64k', '--image-opts', options).status == 0
    result = blkscope('--refs=ask', '-c', 'follow backing', '-c', 'read -P 1 0 64k', '-c', 'read -P 2 64k 64k', '-c', 'read 0 192k', '-c', 'read 0 200k', top)
    assert result.out.count('read failed: Link has been severed') == 1 and 'read 196608/' in result.out and 'Pattern' not in result.out, result


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
    """What it would supply can't be read, and is shown so; what is the image's own is read."""
    top = chain(work, *kinds)
    commands = [word for line in ('read -P 0x10 3M 512', 'read 2M 512', 'read 2560k 1M', 'chain', 'map --summary', 'read -P 0x10 0 512') for word in ('-c', line)]
    result = blkscope(f'--refs={policy}', *commands, *target(top, kinds[0]))
    assert "names the backing file 'sub/1.img', which was not opened: what it holds can't be read ('follow backing' opens it" in result.err.replace(f'{top.parent}/', ''), result
    assert result.out.count('read failed: Link has been severed') == 2 and 'Pattern' not in result.out, result
    assert '1 backing: not open, ' in result.out and 'missing ' in result.out and 'left out: ' in result.out, result


def test_one_after_the_other(work):
    """Each layer is a question of its own; the sandbox waits for the answers, as they may need qemu-nbd."""
    top = chain(work, 'qed', 'vmdk', 'vmdk')
    lines = ['sandbox', 'follow backing', 'read -P 0x11 2M 1M', 'read 6M 512', 'sandbox', 'follow -l 1 backing', 'read -P 0x12 6M 1M', 'sandbox', 'chain']
    result = blkscope('--refs=ask', *(word for line in lines for word in ('-c', line)), top)
    assert result.err.count('which was not opened') == 2 and result.out.count('read failed: Link') == 1, result
    assert result.out.count('sandbox: not closed yet: it is when you have said which files') == 2 and result.out.count('sandbox: closed') == 1, result
    assert all(f'\n{layer}: {kind}, ' in result.out for layer, kind in (('0 image', 'qed'), ('1 backing', 'vmdk'), ('2 backing', 'vmdk'))), result
    assert 'Pattern' not in result.out, result


def test_what_is_answered_closes_the_sandbox(work):
    """A session that only reads keeps to that also before; what would end qemu-nbd later is refused, and the image stays open."""
    top = chain(work, 'qed', 'raw')
    (work / 'new').write_bytes(b'')
    lines = ['sandbox', f'create -y -f raw {work}/new 1M', 'follow none', 'sandbox', 'relink backing top/sub/1.img', 'follow backing', 'read -P 0x10 0 512']
    result = blkscope('--refs=ask', *(word for line in lines for word in ('-c', line)), top)
    assert 'the session is read-only (sandbox): start with -w' in result.err and not (work / 'new').read_bytes(), result
    before, after = [line for line in result.out.splitlines() if line.startswith('sandbox: ')]
    assert before.startswith('sandbox: not closed yet: it is when you have said which files') and after.startswith('sandbox: closed'), result
    assert result.err.count("opened again through qemu-nbd, which can't be started any more (sandbox)") == 2 and 'read 512/512' in result.out, result


def test_another_in_its_place(work):
    top = chain(work, 'qed', 'vmdk')
    (work / 'other').write_bytes(b'o' * (8 << 20))
    result = blkscope('--refs=ask', '-c', f'relink -f raw backing {work}/other', '-c', 'read -P 0x6f 2M 1M', '-c', 'read -P 0x10 0 1M', '-c', 'chain', top)
    assert 'Pattern' not in result.out and '1 backing: raw, ' in result.out and 'replaced by what the options say' in result.out, result
    missing = blkscope('--refs=ask', '-c', 'chain', '-c', f'relink -f raw backing {work}/other', '-c', 'read -P 0x6f 1M 1M', create(work / 'lost', 'qed', 'gone', 'raw'))
    assert "named 'gone' by layer 0, format raw: missing" in missing.out and 'read 1048576/' in missing.out and 'Pattern' not in missing.out, missing


def layers_of(text):
    """Which layer each 64 KiB come from; None: from none."""
    return [extent['depth'] if extent['present'] else None for extent in json.loads(text) for _ in range(extent['length'] // (64 * KIB))]


def size_of(text):
    """Bytes of the file and what it takes on disk, as `chain` says it."""
    units = {'bytes': 1, 'KiB': KIB, 'MiB': MIB}
    return tuple(int(float(number) * units[unit]) for number, unit in re.findall(r'([\d.]+) (bytes|KiB|MiB)', text))


@pytest.mark.parametrize('kinds', [*PAIRS, *CHAINS], ids='-'.join)
def test_the_layers(work, kinds):
    """Whose bytes are where, and how many of them, is what qemu-img says of the chain."""
    top = chain(work, *kinds)
    map_args = [*SECRET, '--image-opts', target(top, kinds[0])[-1]] if kinds[0] == 'luks' else ['-f', kinds[0], top]
    theirs = subprocess.run(['qemu-img', 'map', '-U', '--output=json', *map_args], check=True, capture_output=True, text=True).stdout
    mapped = [layers_of(text) for text in (theirs, blkscope('-c', 'map --json', *target(top, kinds[0])).out)]
    assert mapped[0] == mapped[1]
    result = blkscope('-c', 'chain -s', *target(top, kinds[0]))
    found = [int(line.split(' (')[-1].split()[0]) for line in result.out.splitlines() if 'supplies' in line]
    assert found == [mapped[0].count(depth) * 64 * KIB for depth in range(len(kinds))] and found[0] == 4 * MIB, result
    sizes = [line.split(' in a file of ')[1] for line in result.out.splitlines() if ' in a file of ' in line]
    files = [top.parent.joinpath(*['sub'] * i, f'{i}.img').stat() for i in range(len(kinds))]
    assert [size_of(size) for size in sizes] == [(file.st_size, file.st_blocks * 512) for file in files], result


def test_what_is_left_out_is_not_copied_from(work):
    """With -w and a layer missing, only bytes that the image has are written; nothing that it has is given up."""
    top = chain(work, 'qed', 'raw')
    lines = ['write -P 7 1000k 512', 'write 2M 512', 'write -z 5M 1M', 'discard 0 64k', 'write -z 0 64k', 'write -z -u 64k 64k']
    result = blkscope('-w', '--refs=none', *(word for line in lines for word in ('-c', line)), top)
    assert result.out.count('write failed: Link has been severed') == 2 and result.out.count('wrote ') == 3, result
    read = reference('-r', '-c', 'read -P 7 1000k 512', '-c', 'read -P 0x11 2M 1M', '-c', 'read -P 0x11 5M 1M', '-c', 'read -P 0 0 128k', '-f', 'qed', top)
    assert 'Pattern' not in read.out and read.status == 0, read


def test_the_image_that_was_open_is_followed(work):
    """Its name has come to mean another file."""
    top = chain(work, 'qed', 'raw')
    with Session(work, '--refs=ask', os.path.relpath(top)) as session:
        top.rename(work / 'moved')
        create(top, 'qed', 'other', 'raw')
        (top.parent / 'other').write_bytes(b'y' * (8 * MIB))
        session.ask('follow backing', '')
        session.ask('chain', "named 'sub/1.img' by layer 0")
        session.ask('read -P 0x10 0 4k', 'read 4096/4096')
        session.ask('read -P 0x11 2M 4k', 'read 4096/4096')


def wait_for(running, *texts):
    deadline = time.monotonic() + DEADLINE
    while not all(text in (seen := running.run('screen')) for text in texts):
        assert time.monotonic() < deadline, seen


def test_on_the_screen(work):
    """The question, each layer's; then they are on the map and in the list."""
    top = chain(work, 'vmdk', 'vmdk', 'vmdk')
    with screen_session('--headless', '--no-config', '--refs=ask', top, cwd=work, env=screen_environment()) as running:
        wait_for(running, 'its backing file:', 'sub/1.img', 'regular file, yours', '[NO SANDBOX]')
        running.run('keys o Enter')
        wait_for(running, 'Layer 1 of ', 'sub/2.img', '[NO SANDBOX]')
        running.run('keys o Enter')
        wait_for(running, '2222')
        running.run('show chain')
        wait_for(running, 'chain · 3 layers', '2 backing · vmdk')
        assert 'SANDBOX' not in running.run('screen')


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
    ('link', 'neither a file nor'), ('/proc/self/fd/0', 'neither a file nor'), ('gone', "gone': No such file"), ('e\x1b[31m', '\\e[31m')])
def test_what_is_no_plain_file(work, kind, name, said):
    os.mkfifo(work / 'fifo')
    (work / 'folder').mkdir()
    (work / 'link').symlink_to('/dev/zero')
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top.img', kind, 'base.img', 'vmdk')
    write_name(top, kind, name)
    result = blkscope('-c', 'read 0 512', *target(top, kind))
    advice = "'relink backing PATH' opens it with another one" if 'No such' in said or '[31m' in said else "'--refs none' opens the image without it"
    refused(result, 'Could not open backing file: ', said, name.split('\x1b')[-1], advice)


def test_what_qemu_nbd_says_names_the_files(work):
    """It knows them by the numbers of their descriptors; others it may name, too."""
    top = create(work / 'top.img', 'qed', create(work / 'base.img', 'raw').name, 'raw')
    said = "Could not open '/proc/self/fd/%d'"
    (work / 'bin').mkdir()
    fake = work / 'bin' / 'qemu-nbd'
    fake.write_text('#!/bin/sh\necho "' + ', '.join(said % number for number in (4, 5, 6, 40)) + '" >&2\nexit 1\n')
    fake.chmod(0o755)
    result = blkscope('-w', '-c', 'length', top, env=environment(PATH=f'{work / "bin"}:{os.environ["PATH"]}'))
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
    refused(blkscope('-c', 'read 0 512', work / '33'), 'More than 32')


def test_what_a_backing_file_names_in_turn(work):
    create(work / 'mid', 'qcow2', 'nbd:unix:/x', 'raw')
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qed', 'mid', 'qcow2')), "names 'nbd:unix:/x', which is not a plain path")


def test_a_guessed_format(work):
    """qcow images never say it; what a guest wrote to a raw one is followed by the same rules."""
    create(work / 'base', 'qcow2', '/dev/zero', 'raw')
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qcow', 'base', 'raw')), "names '/dev/zero', which is neither a file nor")
    told = blkscope('-c', 'read -v 0 16', create(work / 'top', 'qed', 'base', 'raw'))
    assert '51 46 49 fb' in told.out, told


@pytest.mark.parametrize('kind', ['luks', 'qcow'])
def test_a_data_file(work, kind):
    """Read as it is by itself; a qemu-nbd that writes to the image above can't be handed it."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', 'data_file=secret', 'base', '8M'], cwd=work, check=True)
    reference('-c', 'write -P 0x73 0 1M', work / 'base')
    top = create(work / 'top', kind, 'base', 'qcow2')
    assert 'read 512/512' in blkscope('-c', 'read -P 0x73 0 512', *target(top, kind)).out
    refused(blkscope('-w', '-c', 'read 0 512', *target(top, kind)), "can't be handed the backing file '", "/base': its bytes are in another file; open it without -w")


def test_a_description(work):
    (work / 'secret').write_bytes(b's' * MIB)
    (work / 'base').write_text('# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 2048 FLAT "secret" 0\n')
    top = create(work / 'top', 'qcow', 'base', 'raw')
    read = blkscope('-c', 'read -P 0x73 0 1M', top)
    assert 'read 1048576/' in read.out and 'Pattern' not in read.out, read
    refused(blkscope('-w', '-c', 'read 0 512', top), "can't be handed the backing file '", "/base': it is in no file")


@pytest.mark.parametrize('kind', ['raw', 'qcow2'])
def test_a_vmdk_has_a_vmdk_below(work, kind):
    create(work / 'base.img', 'vmdk')
    top = create(work / 'top', 'vmdk', 'base.img', 'vmdk')
    create(work / 'base.img', kind)
    refused(blkscope('-c', 'read 0 512', top), "Could not open backing file: The image names other files that hold its bytes, but the description has no createType")


def test_other_formats(work):
    (work / 'x.dmg').write_bytes(b'x' * MIB)
    refused(blkscope('-c', 'read 0 512', create(work / 'top', 'qcow', 'x.dmg', 'raw')), "Could not open backing file: Could not locate UDIF trailer in dmg file")


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
    assert result.status == 0 and 'gone' not in result.err, result


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
