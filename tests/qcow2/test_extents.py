# SPDX-License-Identifier: GPL-3.0-or-later
"""vmdk images that are a text, with their bytes in other files: whoever made the image chose the names of those."""
import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ('nbd', 'pty', 'sandbox')]

from session import session as screen_session  # noqa: E402
from support import DEADLINE, MIB, blkscope, reference, screen_environment, without_times  # noqa: E402
from test_formats import Session, helpers  # noqa: E402

HEAD = '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
REFUSED = 'names other files that hold its bytes, which are not followed'


def wait_for(running, *texts):
    deadline = time.monotonic() + DEADLINE
    while not all(text in (seen := running.run('screen')) for text in texts):
        assert time.monotonic() < deadline, seen


def text(work, *lines):
    (work / 'a.vmdk').write_text(HEAD + '\n'.join(lines) + '\n')
    return work / 'a.vmdk'


def create_small(work):
    (work / 'b').write_bytes(b'x' * MIB)
    return text(work, 'RW 2048 FLAT "b" 0')

def create(work, subformat, size='4G'):
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', '-o', f'subformat={subformat}', 'd.vmdk', size], cwd=work, check=True)
    subprocess.run(['qemu-io', '-f', 'vmdk', '-c', 'write -P 5 1M 1M', '-c', 'write -P 6 2047M 2M', 'd.vmdk'], cwd=work, check=True, capture_output=True)
    return work / 'd.vmdk'


@pytest.mark.parametrize('options', [[], ['-f', 'vmdk'], ['-s']], ids=['guessed', 'told', 'layer'])
@pytest.mark.parametrize('subformat', ['monolithicFlat', 'twoGbMaxExtentFlat', 'twoGbMaxExtentSparse'])
def test_same_as_the_reference(work, subformat, options):
    create(work, subformat)
    lines = [word for line in ('length', 'read -P 5 1M 1M', 'read -P 6 2047M 2M', 'read -v 2147483136 32') for word in ('-c', line)]
    before = {file: file.stat().st_mtime_ns for file in work.iterdir()}
    ours, theirs = blkscope(*options, *lines, 'd.vmdk', cwd=work), reference('-r', '-f', 'vmdk', *lines, 'd.vmdk', cwd=work)
    assert without_times(ours.out) == without_times(theirs.out) and ours.status == 0, ours
    assert {file: file.stat().st_mtime_ns for file in work.iterdir()} == before


def helper_of(session):
    """The command line of its qemu-nbd."""
    (line,) = [line for pid, line in helpers('/proc/self/fd/4') if Path(f'/proc/{pid}/stat').read_text().split()[3] == str(session.process.pid)]
    return line


def test_no_lock_is_taken(work):
    with Session(work, create_small(work)) as session:
        session.ask('read 0 512', 'read 512/512')
        held = {int(line.split()[5].split(':')[2]) for line in Path('/proc/locks').read_text().splitlines() if '->' not in line}
        assert helper_of(session) and not held & {file.stat().st_ino for file in work.iterdir()}


@pytest.mark.parametrize('options, said', [(['--refs=none'], "; convert it with 'qemu-img convert'"),
                                           (['-w'], ' to write to them; open it without -w, or with -s')])
def test_refused_by_the_policy(work, options, said):
    (work / 'b').write_bytes(b'x' * MIB)
    result = blkscope(*options, '-c', 'read 0 64k', text(work, 'RW 2048 FLAT "b" 0'))
    assert REFUSED + said in result.err and 'read 65536' not in result.out and result.status == 1, result


def test_one_question_for_all_of_them(work):
    """Before the answer the disk has its size, and nothing can be read: never zeroes."""
    image = create(work, 'twoGbMaxExtentSparse')
    lines = ['length', 'read 0 512', 'map --summary', 'chain', 'relink extents x', 'sandbox', 'follow extents', 'read -P 5 1M 1M', 'read -P 6 2047M 2M', 'sandbox']
    result = blkscope('--refs=ask', *(word for line in lines for word in ('-c', line)), image)
    assert 'names the files that hold its bytes (2 of them), which were not opened: nothing can be read' in result.err, result
    assert "extents can't be replaced by another file" in result.err, result
    for said in ('4 GiB\n', 'read failed: Link has been severed', 'missing ', '0 extents: not open, ', "and 'd-s002.vmdk': regular file, yours", 'not closed yet', 'closed\n'):
        assert said in result.out, (said, result)
    assert result.out.count('read 1048576/') == 1 and result.out.count('read 2097152/') == 1 and 'Pattern' not in result.out, result


@pytest.mark.parametrize('name', ['a.vmdk', 'c'])
def test_what_was_agreed_to_is_opened(work, name):
    """One of the files was exchanged between the question and the answer, or the text names others by then: neither is opened."""
    (work / 'b').write_bytes(b'x' * MIB)
    (work / 'c').write_bytes(b'x' * MIB)
    image = text(work, 'RW 2048 FLAT "b" 0', 'RW 2048 FLAT "c" 0')
    with Session(work, '--refs=ask', image) as session:
        if name == 'c':
            (work / 'c').rename(work / 'd')
            (work / 'c').write_bytes(b'y' * MIB)
        else:
            (work / 'secret').write_bytes(b'y' * MIB)
            image.write_text(image.read_text().replace('"c"', '"secret"'))
        session.ask('follow extents', "c', which is not the file any more that it was when it was looked at" if name == 'c' else 'names the files that hold its bytes')
        session.ask('read 0 512', 'read failed: Link has been severed')


def test_on_the_screen(work):
    image = create_small(work)
    os.symlink('/dev/zero', work / 'z')
    image.write_text(image.read_text() + 'RW 8 FLAT "z" 0\n')
    with screen_session('--headless', '--no-config', '--refs=ask', image, cwd=work, env=screen_environment()) as running:
        wait_for(running, 'hold its bytes:', "z: character device, ", 'The answer is for all of them', '[NO SANDBOX]')
        assert 'r another' not in running.run('screen'), 'no other file takes the place of several'
        running.run('keys r Enter')
        assert 'what was typed is none' not in running.run('screen') and 'relink' not in running.run('screen')
        running.run('keys l Enter')
        deadline = time.monotonic() + DEADLINE
        while 'NO SANDBOX' in running.run('screen'):
            assert time.monotonic() < deadline


@pytest.mark.parametrize('policy', ['follow', 'none-of-it'])
def test_a_text_with_a_parent(work, policy):
    """What the extents have none of is the parent's."""
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', 'p.vmdk', '4G'], cwd=work, check=True)
    subprocess.run(['qemu-io', '-f', 'vmdk', '-c', 'write -P 9 3M 1M', 'p.vmdk'], cwd=work, check=True, capture_output=True)
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', '-b', 'p.vmdk', '-F', 'vmdk', 'd.vmdk'], cwd=work, check=True)
    subprocess.run(['qemu-io', '-f', 'vmdk', '-c', 'write -P 5 1M 1M', 'd.vmdk'], cwd=work, check=True, capture_output=True)
    lines = ['read -P 5 1M 1M', 'read -P 9 3M 1M', 'chain']
    if policy != 'follow':
        lines = ['follow extents', 'read -P 5 1M 1M', 'read 3M 1M', 'follow backing', *lines]
    result = blkscope('--refs=follow' if policy == 'follow' else '--refs=ask', *(word for line in lines for word in ('-c', line)), work / 'd.vmdk')
    assert 'Pattern' not in result.out and '1 backing: vmdk, ' in result.out, result
    assert result.out.count('read failed: Link') == (policy != 'follow') and result.out.count('read 1048576/') == (2 if policy == 'follow' else 3), result


def test_the_text_at_the_start_of_a_header_without_a_capacity(work):
    (work / 'b').write_bytes(b'x' * MIB)
    inside = (HEAD + 'RW 2048 FLAT "b" 0\n').encode()
    (work / 'a.vmdk').write_bytes(struct.pack('<4sIIQQQQ', b'KDMV', 1, 3, 0, 128, 1, 20).ljust(512, b'\0') + inside.ljust(20 * 512, b'\0'))
    result = blkscope('-f', 'vmdk', '-c', 'read 0 64k', work / 'a.vmdk')
    assert REFUSED in result.err and 'read 65536' not in result.out, result


@pytest.mark.parametrize('name', ['/dev/null', '/proc/self/environ', 'fifo', 'folder', 'nbd:unix:/x', 'json:{}', 'fat:folder', '/proc/self/fd/0', 'link'])
def test_what_is_no_plain_file(work, name):
    os.mkfifo(work / 'fifo')
    (work / 'folder').mkdir()
    (work / 'link').symlink_to('/proc/self/maps')
    result = blkscope('-c', 'read 0 512', text(work, f'RW 8 FLAT "{name}" 0'))
    assert 'is not followed' in result.err and 'read 512' not in result.out, result


@pytest.mark.parametrize('inner', [HEAD + 'RW 8 FLAT "secret" 0\n', 'no image at all', ''], ids=['text', 'rubbish', 'empty'])
def test_an_extent_that_would_name_others(work, inner):
    (work / 'secret').write_bytes(b's' * 4096)
    (work / 'inner').write_text(inner)
    result = blkscope('-c', 'read 0 512', text(work, 'RW 8 SPARSE "inner"'))
    assert "inner', which is no part of a disk by itself and is not followed" in result.err and 'read 512' not in result.out, result


@pytest.mark.parametrize('line, said', [
    ('RW 8 FLAT "missing" 0', "missing', which could not be opened: No such file or directory"),
    ('RW 8 FLAT "b', 'line 6 of the description is no extent, though it begins as one'),
    ('RW 8 FLAT "\x1b[31m" 0', "\\x1b[31m', which could not be opened"),
    ('', 'the description has no extent')])
def test_what_is_wrong_is_told(work, line, said):
    result = blkscope('-c', 'read 0 512', text(work, line))
    assert said in result.err.replace('\\e', '\\x1b') and '\x1b' not in result.err and result.status == 1, result


def test_names_are_not_looked_up_again(work):
    """qemu-nbd has the file that was looked at; its command line has no name that an image gave."""
    with Session(work, create_small(work)) as session:
        (work / 'b').rename(work / 'c')
        (work / 'b').write_bytes(b'y' * 4096)
        session.ask('read -P 0x78 0 4k', 'read 4096/4096')
        assert b'"b"' not in helper_of(session)

