# SPDX-License-Identifier: GPL-3.0-or-later
"""Files an image names: the policy, loops, long chains."""
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, patch  # noqa: E402
from support import BLKSCOPE, MIB, blkscope, create_encrypted, drop_in, environment, traced  # noqa: E402


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


def test_what_was_left_out_folds(overlay):
    """The first row of it is seen, and none of the others; then the bytes that the top layer has, and the rest."""
    screen = blkscope('--refs=none', '--headless', '-c', 'focus hex', '-c', 'zoom', '-c', 'screen', overlay.name, cwd=overlay.parent, env=environment(COLUMNS='80', LINES='24')).out
    assert re.search(r'00010  \* 32767 rows, 524272 bytes in a layer that is not open.*\n'
                     r'.*80000  61 61 .*\n.*80010  \* 4095 rows, 65520 bytes the same.*\n'
                     r'.*90000  !! !!.*\n.*90010  \* 28670 rows, 458720 bytes in a layer that is not open.*\n.*ffff0  !! !!', screen), screen
    read = blkscope('--refs=none', '--headless', '-c', 'goto 1', '-c', 'follow backing', '-c', 'focus hex', '-c', 'zoom', '-c', 'screen', overlay.name, cwd=overlay.parent).out
    assert 'not open' not in read and '78 78 78' in read


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
    (overlay.parent / 'environment').symlink_to('/proc/self/environ')
    for name in (b'pipe', b'/dev/zero', b'/proc/self/mem', b'environment', b'/proc/sys/kernel/core_pattern', b'/sys/kernel/uevent_seqnum'):
        name_backing(overlay, name, b'raw')
        result = blkscope('-c', 'length', overlay.name, cwd=overlay.parent)
        assert 'neither a file nor a block device' in result.err and result.status == 1, result
        assert "'--refs none' opens the image without it" in result.err and 'permission' not in result.err


def test_the_memory_of_the_program_is_no_data_file(work):
    """What a guest writes would go wherever the image says."""
    image = create(work / 'a.qcow2', MIB, data_file='d')
    patch(image, (images.EXTENSIONS, None, images.extensions((0x44415441, b'/proc/self/mem'))))
    result = blkscope('-w', '-c', 'write 0 64k', image.name, cwd=work)
    assert 'neither a file nor a block device' in result.err and result.status == 1, result


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


def long_chain(work, length):
    """Empty layers 0 to length-1, made quickly."""
    data = create(work / '0.qcow2', 16 * MIB).read_bytes()
    for i in range(1, length):
        name = work / f'{i}.qcow2'
        with open(name, 'wb') as file:
            file.truncate(len(data))
            for at in range(0, len(data), 65536):
                file.seek(at)
                file.write(data[at:at + 65536].rstrip(b'\0'))
        name_backing(name, b'%d.qcow2' % (i - 1), b'qcow2')
    return work / f'{length - 1}.qcow2'


def test_long_chains(work):
    length = 60
    top = chain(work, length)
    images.same(top, *(f'read -P {i % 250 + 1} {i * 64}k 64k' for i in (0, length // 2, length - 1)), 'read -v 0 4k', 'map', 'read 0 16M')


def test_too_long_chains_are_refused(work):
    result = blkscope('-c', 'length', long_chain(work, 1030).name, cwd=work)
    assert 'nodes below each other' in result.err and result.status == 1


def test_a_thousand_layers(work):
    """The reference program takes half a minute to open them.  As many files are more than most shells let a program open."""
    top = long_chain(work, 1000)
    images.write(work / '0.qcow2', 'write -P 1 0 64k')
    commands = ['read -P 1 0 64k', 'read -P 0 64k 1M', 'map', 'write -P 2 4k 4k', 'read -P 1 8k 56k', 'chain', 'reopen -r', 'reopen -w']
    result = blkscope('--no-sandbox', '-w', *support.commands(commands), top.name, cwd=work,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    assert (result.err, result.status) == ('', 0), result.err
    assert not re.findall('.*failed.*', result.out) and '999 backing: qcow2, 0.qcow2' in result.out, result.out[-2000:]
    screen = blkscope('--headless', *support.commands(['show chain', 'screen']), top.name, cwd=work)
    assert '999.qcow2' in screen.out and screen.status == 0, screen


def test_a_loop_at_the_end_of_a_long_chain(work):
    top = long_chain(work, 900)
    name_backing(work / '0.qcow2', b'450.qcow2', b'qcow2')
    result = blkscope('-c', 'length', top.name, cwd=work)
    assert 'is already part of this backing chain' in result.err and result.status == 1, result


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


# ---- what images are made to name, to have it opened ----

def objects(result):
    return [json.loads(line) for line in result.out.splitlines() if line.startswith('{"layer"')]


def opened_files(args, cwd):
    """Paths that the program opens, or tries to."""
    run = subprocess.run(['strace', '-f', '-qq', '-e', 'trace=open,openat,connect', BLKSCOPE, *args], cwd=cwd, capture_output=True, text=True,
                         env=traced())
    return '\n'.join(re.findall(r'(?:openat|open|connect)\(.*', run.stderr))


@pytest.mark.parametrize('policy', ['none', 'ask'])
@pytest.mark.parametrize('name', [b'base.raw', b'/etc/hostname', b'pipe', b'nbd:unix:socket', b'json:{"driver":"file","filename":"base.raw"}'])
def test_nothing_is_opened_before_it_is_agreed_to(overlay, policy, name):
    os.mkfifo(overlay.parent / 'pipe')
    name_backing(overlay, name)
    trace = opened_files([f'--refs={policy}', '-c', 'chain', overlay.name], overlay.parent)
    assert 'a.qcow2' in trace
    assert not re.search(r'"(\S*/)?(base\.raw|hostname|pipe|socket)"', trace)


ATTACKS = {
    'file': (b'/etc/hostname', 'regular file'),
    'character device': (b'/dev/zero', 'character device'),
    'pipe': (b'pipe', 'pipe'),
    'file of the kernel': (b'/proc/version', 'file that the kernel makes up'),
    'folder': (b'/', 'folder'),
    'missing': (b'not there', 'missing'),
    'protocol': (b'nbd:unix:socket', 'protocol'),
    'json': (b'json:{"driver":"file","filename":"base.raw"}', 'json'),
    'link': (b'link', 'character device'),
}


@pytest.mark.parametrize('attack', ATTACKS)
def test_what_stands_there_is_told(overlay, attack):
    name, kind = ATTACKS[attack]
    os.mkfifo(overlay.parent / 'pipe')
    (overlay.parent / 'link').symlink_to('/dev/zero')
    name_backing(overlay, name)
    result = blkscope('--refs=ask', '--json', '-c', 'chain', overlay.name, cwd=overlay.parent)
    below = objects(result)[1]
    assert (below['state'], below['open'], below['named'], below['kind']) == ('left-out', False, name.decode(), kind)
    assert below['outside'] == (attack in ('file', 'file of the kernel', 'character device', 'folder', 'link'))
    assert below['target'] == ('/dev/zero' if attack == 'link' else below['target'])
    shown = blkscope('--refs=ask', '--headless', '-c', 'screen', overlay.name, cwd=overlay.parent).out
    assert 'open this file?' in shown and kind in shown


@pytest.mark.parametrize('name', [b'/dev/zero', b'/proc/self/mem', b'link', b'pipe', b'nbd:unix:socket', b'json:{"driver":"file","filename":"base.raw"}', b'/'])
@pytest.mark.parametrize('role', ['backing', 'data-file'])
def test_all_does_not_mean_all(work, name, role):
    (work / 'base.raw').write_bytes(b'x' * MIB)
    os.mkfifo(work / 'pipe')
    (work / 'link').symlink_to('/dev/zero')
    image = create(work / 'a.qcow2', MIB, backing='base.raw', backing_format='raw') if role == 'backing' else create(work / 'a.qcow2', MIB, data_file='d')
    if role == 'backing':
        name_backing(image, name, b'raw')
    else:
        patch(image, (images.EXTENSIONS, None, images.extensions((0x44415441, name))))
    result = blkscope('--refs=ask', '--json', '-c', 'follow all', '-c', 'chain', image.name, cwd=work)
    assert 'not followed' in result.err and result.status == 1
    assert [(one['role'], one['open']) for one in objects(result)] == [('image', True), (role, False)]


def test_one_by_one_down_the_chain(work):
    (work / 'base.raw').write_bytes(b'x' * MIB)
    create(work / 'mid.qcow2', MIB, backing='base.raw', backing_format='raw')
    create(work / 'top.qcow2', MIB, backing='mid.qcow2', backing_format='qcow2')
    result = blkscope('--refs=ask', '--json', '-c', 'follow backing', '-c', 'chain', '-c', 'follow -l 1 backing', '-c', 'read -q -P 0x78 0 1M',
                      '-c', 'chain', 'top.qcow2', cwd=work)
    assert [one['open'] for one in objects(result)] == [True, True, False, True, True, True]
    assert result.status == 0


def test_a_file_that_was_swapped_since_is_not_opened(overlay):
    """What was agreed to is the file that was looked at, not whatever its name means later."""
    script = overlay.parent / 'script'
    script.write_text('length\nfollow backing\nchain\n')
    (overlay.parent / 'secret').write_bytes(b's' * MIB)
    process = subprocess.Popen([BLKSCOPE, '--refs=ask', '--json', overlay.name], cwd=overlay.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    process.stdin.write(b'length\n')
    process.stdin.flush()
    said = b''
    while b'1048576' not in said:
        said += process.stdout.read1(1000)
    (overlay.parent / 'base.raw').unlink()
    (overlay.parent / 'base.raw').symlink_to('secret')
    out, err = process.communicate(b'follow backing\nchain\n')
    assert b"is not the file any more that it was" in err
    assert b'"state": "left-out"' in out


@pytest.mark.parametrize('other', ['/dev/zero', '/proc/self/environ', 'pipe'])
def test_symlink_swaps_never_open_what_is_not_plain(overlay, other):
    """A link that changes all the time between looking and opening: a device or pipe is never what is read."""
    os.mkfifo(overlay.parent / 'pipe')
    name_backing(overlay, b'link', b'raw')
    swap = ('import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n for to in ("base.raw", sys.argv[2]):\n'
            '  os.symlink(to, "new")\n  os.replace("new", "link")\n')
    (overlay.parent / 'link').symlink_to('base.raw')
    swapper = subprocess.Popen([sys.executable, '-c', swap, str(os.getpid()), other], cwd=overlay.parent)
    try:
        results = [blkscope('-c', 'read -q -P 0x78 0 64k', overlay.name, cwd=overlay.parent) for _ in range(60)]
    finally:
        swapper.kill()
        swapper.wait()
    for result in results:
        assert (result.out, result.err) == ('', '') or 'not followed' in result.err or 'driver requires' in result.err, result


def test_names_lie_beside_the_link_as_in_the_reference(work):
    for folder, fill in (('real', b'r'), ('links', b'l')):
        (work / folder).mkdir()
        (work / folder / 'base.raw').write_bytes(fill * MIB)
    create(work / 'real/a.qcow2', MIB, backing='base.raw', backing_format='raw')
    (work / 'links/a.qcow2').symlink_to('../real/a.qcow2')
    for name, fill in (('links/a.qcow2', 'l'), ('real/a.qcow2', 'r')):
        images.same(work / name, f'read -P {ord(fill)} 0 64k')


@pytest.mark.parametrize('name', [b'x' * 1023, b'/'.join([b'y' * 255] * 4)[:1023], b'../' * 341])
def test_overlong_names(overlay, name):
    name_backing(overlay, name)
    followed = blkscope('-c', 'length', overlay.name, cwd=overlay.parent)
    assert followed.status == 1 and 'Could not open' in followed.err or 'not followed' in followed.err
    screen = blkscope('--refs=ask', '--headless', '-c', 'screen', overlay.name, cwd=overlay.parent)
    assert screen.status == 0 and 'open this file?' in screen.out


@pytest.mark.parametrize('name', [b'\x1b]0;owned\x07', b'a\nb', b'\x9b31m', b'\xff\xfe', '\u202egpj.exe'.encode()])
def test_names_can_not_fool_the_question(overlay, name):
    name_backing(overlay, name, b'raw\x1b')
    for args in (['--headless', '-c', 'screen'], ['-c', 'chain'], ['--json', '-c', 'chain']):
        result = blkscope('--refs=ask', *args, overlay.name, cwd=overlay.parent)
        assert not re.search('[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]', result.err + (result.out if '--json' not in args else ''))
        assert '\x1b' not in result.out


def test_raw_that_was_guessed_keeps_its_first_sector(work):
    """A guest that writes a qcow2 header into its raw disk would have a file of its choice opened the next time."""
    (work / 'a.raw').write_bytes(bytes(MIB))
    evil = create(work / 'evil.qcow2', MIB)
    name_backing(evil, b'/etc/hostname')
    size = evil.stat().st_size
    guessed = blkscope('-w', '-c', 'write -s evil.qcow2 0 512', '-c', 'chain', 'a.raw', cwd=work)
    assert 'write failed: Operation not permitted' in guessed.out and 'raw (guessed)' in guessed.out
    assert (work / 'a.raw').read_bytes() == bytes(MIB)
    told = blkscope('-w', '-c', 'read-as raw', '-c', f'write -q -s evil.qcow2 0 {size}', 'a.raw', cwd=work)
    assert told.status == 0 and (work / 'a.raw').read_bytes()[:4] == b'QFI\xfb'
    asked = blkscope('--refs=ask', '--json', '-c', 'chain', '-c', 'read-as raw', '-c', 'chain', 'a.raw', cwd=work)
    assert [(one['format'], one['named']) for one in objects(asked)] == [('qcow2', None), (None, '/etc/hostname'), ('raw', None)]


# What the header needs is there but for one byte, by which it is none.
@pytest.mark.parametrize('args', [['-w'], ['-w', '-n'], ['-w', '-s'], ['-w', '--image-opts']], ids=' '.join)
@pytest.mark.parametrize('commands', [
    ['write -P 0x45 1 1'], ['write -z 3 1'], ['write -zu 3 1'], ['discard 3 1'], ['discard 3 509'], ['discard 3 4k'], ['aio_write -z 3 1', 'aio_flush'], ['poke 1 45'],
    ['aio_write -P 0x45 1 1', 'discard 3 1', 'aio_flush'], ['writev -P 0x45 1 1'], ['truncate 1k', 'discard 3 1'], ['reopen -o size=512', 'discard 3 1'],
    ['reopen -r', 'reopen -w', 'discard 3 1'], ['write -f -P 0x45 1 1']], ids=';'.join)
def test_no_way_to_change_the_format_of_a_guessed_disk(work, args, commands):
    for first in (b'QXD\0', b'QED\1'):
        (work / 'a.raw').write_bytes(first.ljust(MIB, b'\0'))
        image = 'driver=copy-on-read,file.file.driver=blkdebug,file.file.image.filename=a.raw' if '--image-opts' in args else 'a.raw'
        result = blkscope(*args, *[word for command in [*commands, 'overlay commit'] for word in ('-c', command)], image, cwd=work)
        assert (work / 'a.raw').read_bytes()[:4] != b'QED\0', result


def test_loops_are_shown(work):
    name_backing(create(work / 'self.qcow2', MIB), b'self.qcow2')
    result = blkscope('--refs=ask', '--json', '-c', 'chain', '-c', 'follow backing', '-c', 'chain', 'self.qcow2', cwd=work)
    assert [one['loop'] for one in objects(result)] == [False, True, False, True]
    assert 'is already part of this backing chain' in result.err


def test_a_missing_one_is_relinked(overlay):
    before = overlay.read_bytes()
    (overlay.parent / 'moved').mkdir()
    name_backing(overlay, b'/far/away/base.raw', b'raw')
    before = overlay.read_bytes()
    result = blkscope('--refs=ask', '--json', '-c', 'chain', '-c', 'relink backing base.raw', '-c', 'chain', '-c', 'read -q -P 0x78 0 64k',
                      overlay.name, cwd=overlay.parent)
    layers = objects(result)
    assert layers[1]['kind'] == 'missing' and layers[1]['suggestion'].endswith('base.raw')
    assert (layers[3]['state'], layers[3]['format'], layers[3]['filename']) == ('replaced', 'raw', 'base.raw')
    assert result.status == 0 and overlay.read_bytes() == before


def test_relinking_what_failed_to_open(overlay):
    name_backing(overlay, b'gone', b'raw')
    result = blkscope('-c', f'open {overlay.name}', '-c', 'relink backing base.raw', '-c', 'read -q -P 0x78 0 64k', cwd=overlay.parent)
    assert "'relink backing PATH' opens it with another one" in result.err and result.out == ''


def test_answers_replay(work):
    (work / 'base.raw').write_bytes(b'x' * MIB)
    create(work / 'mid.qcow2', MIB, backing='base.raw', backing_format='raw')
    create(work / 'top.qcow2', MIB, backing='mid.qcow2', backing_format='qcow2')
    keys = blkscope('--refs=ask', '--headless', '-c', 'keys o Enter', '-c', 'screen', '-c', 'keys o Enter', '-c', 'screen',
                    '-c', 'keys l Enter', '-c', 'screen',
                    'top.qcow2', cwd=work).out
    first, second, third = keys.split(' ASK ')[1:3] + [keys.rsplit('MOVE', 1)[1]]
    assert 'top.qcow2 names its backing file' in first, 'a key that came before the question was to be seen answers nothing'
    assert 'Layer 1 of top.qcow2 names' in second and 'open this file?' not in third
    commands = blkscope('--refs=ask', '--headless', '-c', 'follow backing', '-c', 'follow none', '-c', 'screen', 'top.qcow2', cwd=work).out
    assert commands.split('console', 1)[0].strip() == 'MOVE' + third.split('console', 1)[0].rstrip()


def test_data_files_of_encrypted_images_are_not_followed(work):
    """qemu-nbd decrypts them, and would open whatever such an image names."""
    secret = ['--object', 'secret,id=s,data=correct-horse']
    keys = 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10'
    create_encrypted('-f', 'qcow2', *secret, '-o', f'{keys},data_file={work / "named"}', work / 'a.qcow2', '1M')
    os.truncate(work / 'named', 0)
    for policy in ('none', 'ask', 'follow'):
        result = blkscope(f'--refs={policy}', *secret, '-w', '-c', 'write 0 64k', '--image-opts', 'driver=qcow2,encrypt.key-secret=s,file.filename=a.qcow2',
                          cwd=work)
        assert 'names other files that hold its bytes' in result.err and 'permission' not in result.err and result.status == 1, result
    assert (work / 'named').stat().st_size == 0
