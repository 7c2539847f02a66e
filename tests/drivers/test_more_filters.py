# SPDX-License-Identifier: GPL-3.0-or-later
"""throttle, preallocate, compress and quorum: the same output, files and images as the reference program, time aside."""
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from filters import image, same, script, twins  # noqa: E402
from support import KIB, MIB  # noqa: E402


@pytest.fixture
def folder(work):
    made = work / 'theirs'
    made.mkdir()
    for i in range(3):
        (made / f'q{i}.raw').write_bytes(random.Random(1).randbytes(256 * KIB) + bytes(768 * KIB))
    image(made / 'disk.qcow2')
    image(made / 'big.qcow2', size=64 * MIB)
    return made


# ---- throttle ----

THROTTLE = 'driver=throttle,throttle-group=t,file.driver='
RAW = f'{THROTTLE}file,file.filename=q0.raw'
ALL = ['write 100 100', 'write -z 0 64k', 'write -c 0 64k', 'discard 0 64k', 'truncate 2M', 'length', 'flush', 'write -b 0 512', 'map',
       'alloc 0 1M', 'info', 'aio_write 0 4k', 'aio_read 4k 4k', 'aio_flush', 'reopen -r', 'reopen -w', 'write -P 7 8k 4k', 'read -P 7 8k 4k']


def group(limits='', name='t'):
    return ['--object', f'throttle-group,id={name}{limits}']


@pytest.mark.parametrize('args', [RAW, f'{THROTTLE}qcow2,file.file.filename=disk.qcow2'])
def test_throttled_images_are_the_same(folder, args):
    same(folder, *group(',x-iops-total=1000'), *script(*ALL), '--image-opts', args)


@pytest.mark.parametrize('limits', [
    'x-iops-total=abc', 'x-iops-total=', 'x-iops-total=10,x-iops-total-max=5', 'x-iops-total=10,x-iops-total-max=20,x-iops-total-max-length=0',
    'x-iops-total=10,x-iops-total-max-length=5', 'x-iops-size=4096', 'x-iops-size=0', 'x-iops-total=10000000000000000', 'x-bps-total=1k',
    'x-bps-total-max-length=-1', 'limits.iops-total-max=5', 'limits.foo=5', 'limits.iops-total=abc', 'limits.iops-total=10,x-iops-read=5',
    'limits=1', 'foo=1', 'x-foo=1', 'x-iops-total=10,x-iops-total-max=100,x-iops-total-max-length=9999999999', 'x-iops-total=-1',
    'limits.iops-total=-5', 'x-iops-size=-4', 'limits.iops-total-max-length=-1', 'x-iops-total=0x10', 'limits.bps-read=5,limits.bps-total=5',
    'x-iops-total=1,x-iops-total-max=1000000000000,x-iops-total-max-length=4000000', 'x-bps-read=10,x-bps-write=10,x-iops-total=5',
    'x-iops-total-max=5,x-iops-read-max=5', 'x-iops-total', 'limits.iops-size=5,limits.iops-write=5', 'x-bps-total=5,x-iops-size=5'])
def test_limits_are_refused_as_there(folder, limits):
    same(folder, *group(f',{limits}'), *script('length'), '--image-opts', RAW)


@pytest.mark.parametrize('args', [
    ['--image-opts', 'driver=throttle,file.driver=file,file.filename=q0.raw'], ['--image-opts', RAW],
    [*group(), '--image-opts', f'{RAW},foo=1'], [*group(), '--image-opts', 'driver=throttle,throttle-group=t'],
    [*group(), *group(), '--image-opts', RAW], ['--object', 'secret,id=t,data=a', '--image-opts', RAW], [*group(), 'throttle:q0.raw'],
    [*group(), '-f', 'throttle', 'q0.raw'], ['--object', 'throttle-group,x-iops-total=10', '--image-opts', RAW],
    ['--object', "{'qom-type':'throttle-group','id':'t','limits':{'iops-total':10}}".replace("'", '"'), '--image-opts', RAW],
    ['--object', "{'qom-type':'throttle-group','id':'t','limits':{'iops-foo':10}}".replace("'", '"'), '--image-opts', RAW],
    [*group(), *group(name='u'), *script('reopen -o throttle-group=u', 'reopen -o throttle-group=v', 'reopen -o foo=1', 'write 0 512'),
     '--image-opts', RAW]])
def test_throttle_opened(folder, args):
    same(folder, *args, *script('length', 'write 0 512'))


def test_who_waits_for_all_is_not_kept_waiting(folder):
    """One request a day: only waiting for them all, or closing the image, ends these."""
    slow = [*group(',x-bps-write=1'), '--image-opts', RAW]
    same(folder, *script(*['aio_write 0 4k'] * 10, 'aio_flush', 'read 0 512', *['aio_write 0 4k'] * 10), *slow)
    same(folder, *script(*['aio_write 0 4k'] * 10, 'reopen -o read-only=off', 'aio_flush'), *slow)


def test_ctrl_c_ends_one_that_waits(work):
    (work / 'disk.raw').write_bytes(bytes(MIB))
    args = [*group(',x-bps-write=1'), '-w', '-c', 'write 0 4k', '-c', 'write 0 4k', '-c', 'length']
    process = subprocess.Popen([support.BLKSCOPE, *args, '--image-opts', RAW.replace('q0', 'disk')], cwd=work, env=support.environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert 'wrote' in process.stdout.readline()
        process.send_signal(2)
        out, err = process.communicate(timeout=support.DEADLINE)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    assert process.returncode < 0 or process.returncode >= 1, (out, err)


# ---- preallocate ----

PREALLOCATE = 'driver=qcow2,file.driver=preallocate,file.file.driver=file,file.file.filename=big.qcow2'
GROWING = ['write 0 4k', 'write 4M 2M', 'flush', 'write -z 10M 2M', 'discard 4M 1M', 'reopen -r', 'read 0 4k', 'reopen -w', 'write 20M 2M',
           'truncate 128M', 'reopen -o file.prealloc-size=64k', 'write 30M 4k', 'truncate 16M', 'write 1M 64k', 'truncate -m falloc 20M',
           'truncate -m full 24M', 'write 10M 1M', 'truncate -m metadata 30M', 'write -c 12M 64k']


def sizes(program, folder, commands, args, path):
    """The size of the file, and what it takes on the disk, after each of the commands, and when it is closed."""
    process = subprocess.Popen(['qemu-io', *args], executable=program, cwd=folder, env=support.environment(), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    seen = []

    def note():
        status = os.stat(folder / path)
        seen.append((status.st_size, status.st_blocks))

    def wait_for_prompt():
        said = b''
        while not said.endswith(b'qemu-io> '):
            more = os.read(process.stdout.fileno(), 4096)
            assert more, said
            said += more

    wait_for_prompt()
    for command in commands:
        process.stdin.write(f'{command}\n'.encode())
        process.stdin.flush()
        wait_for_prompt()
        note()
    process.communicate(timeout=support.DEADLINE)
    note()
    return seen


@pytest.mark.parametrize('options', ['', ',file.prealloc-size=1M,file.prealloc-align=64k', ',file.prealloc-size=0', ',file.prealloc-size=100000'])
def test_the_file_grows_and_shrinks_as_there(folder, options):
    with twins(folder) as twin:
        args = ['--image-opts', PREALLOCATE + options]
        theirs = sizes(support.REFERENCE, folder, GROWING, args, 'big.qcow2')
        assert sizes(support.BLKSCOPE, twin, GROWING, args, 'big.qcow2') == theirs
        assert support.same_bytes(folder / 'big.qcow2', twin / 'big.qcow2') is None


@pytest.mark.parametrize('args', ['driver=preallocate,file.driver=file,file.filename=q0.raw',
                                  'driver=raw,file.driver=preallocate,file.file.driver=file,file.file.filename=q0.raw'])
def test_a_raw_file_below_preallocate(folder, args):
    same(folder, *script('length', 'write 0 4k', 'write 1M 4k', 'truncate 2M', 'write -z 1M 1M', 'truncate 1M', 'truncate -m falloc 3M', 'map', 'info',
                         'write -c 0 64k', 'discard 0 64k', 'reopen -o prealloc-size=1M', 'length'), '--image-opts', args)


@pytest.mark.parametrize('option', ['prealloc-align=100', 'prealloc-align=513', 'prealloc-size=-1', 'prealloc-size=abc', 'foo=1', 'prealloc-align=512', 'prealloc-size=9223372036854775808',
                                    'prealloc-size=18446744073709551615', 'prealloc-size=18446744073709551616', 'prealloc-align=9223372036854775808',
                                    'prealloc-align=18446744073709551104', 'prealloc-align=18446744073709551615'])
def test_preallocate_opened(folder, option):
    same(folder, *script('length', 'write 0 4k', 'write 1M 4k', 'length'), '--image-opts', f'driver=preallocate,file.driver=file,file.filename=q0.raw,{option}')


@pytest.mark.parametrize('option', ['prealloc-size=9223372036854775808', 'prealloc-align=18446744073709551104'])
def test_no_file_is_so_long(folder, option):
    same(folder, *script('write 0 1M', 'length'), '--image-opts', f'{PREALLOCATE},file.{option}')


@pytest.mark.parametrize('size', ['9223372036854775807', '9223372036854775808', '9223372036854779904', '18446744073709551615', '18446744073709551595',
                                  '18446744069414584320', '8E'])
def test_sizes_of_null(folder, size):
    same(folder, *script('length', 'read 0 512', 'map'), '--image-opts', f'driver=null-co,size={size}')


# ---- compress ----

COMPRESS = 'driver=compress,file.driver=qcow2,file.file.filename=disk.qcow2'


def test_what_is_written_is_compressed(folder):
    same(folder, *script('write 0 64k', 'write -P 3 64k 100', 'write 128k 64k', 'write -c 512k 64k', 'write 0 64k', 'write 0 512', 'write -z 320k 64k',
                         'discard 0 64k', 'map', 'info', 'length', 'reopen -r', 'write -b 0 512', 'alloc 0 1M', 'flush', 'read -P 3 64k 100'),
         '--image-opts', COMPRESS)
    info = subprocess.run(['qemu-img', 'check', '--output=json', 'disk.qcow2'], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert '"compressed-clusters": 2' in info, info


@pytest.mark.parametrize('args', ['driver=compress,file.driver=file,file.filename=q0.raw', 'driver=compress,file.driver=raw,file.file.filename=q0.raw',
                                  'driver=compress', f'{COMPRESS},foo=1', 'driver=compress,file.driver=null-co', COMPRESS])
@pytest.mark.parametrize('mode', [[], ['-r']])
def test_compress_opened(folder, args, mode):
    same(folder, *mode, *script('length', 'write 0 512'), '--image-opts', args)


def test_compress_through_filters(folder):
    same(folder, *group(), *script('write 0 64k', 'map', 'info'), '--image-opts',
         'driver=compress,file.driver=throttle,file.throttle-group=t,file.file.driver=qcow2,file.file.file.filename=disk.qcow2')
    image(folder / 'odd.qcow2', size=1000 * KIB)
    same(folder, *script('length'), '--image-opts', 'driver=compress,file.driver=qcow2,file.file.filename=odd.qcow2')


# ---- quorum ----

def child(i, event=None):
    if not event:
        return f',children.{i}.driver=raw,children.{i}.file.filename=q{i}.raw'
    return (f',children.{i}.driver=raw,children.{i}.file.driver=blkdebug,children.{i}.file.inject-error.0.event={event}'
            f',children.{i}.file.image.filename=q{i}.raw')


def quorum(threshold, *numbers, options=''):
    return f'driver=quorum,vote-threshold={threshold}{options}' + ''.join(child(i) for i in numbers)


def spoil(path, offset, byte=b'X'):
    with open(path, 'r+b') as file:
        file.seek(offset)
        file.write(byte)


def test_all_are_written(folder):
    same(folder, *script('write -P 1 0 64k', 'read -P 1 0 64k', 'write -z 0 4k', 'discard 8k 4k', 'length', 'info', 'map', 'flush', 'truncate 2M', 'length',
                         'write -c 0 64k', 'write -b 0 512', 'reopen -r', 'reopen -o vote-threshold=1', 'alloc 0 1M', 'aio_write 5k 100', 'aio_flush',
                         'write -z -u 32k 64k', 'read 1023k 2k'), '--image-opts', quorum(2, 0, 1, 2))
    assert support.same_bytes(folder / 'q0.raw', folder / 'q1.raw') is None


@pytest.mark.parametrize('options', ['', ',read-pattern=fifo', ',rewrite-corrupted=on', ',read-pattern=quorum'])
@pytest.mark.parametrize('spoilt', [(1,), (0,), (1, 2)])
def test_the_majority_is_believed(folder, options, spoilt):
    for i in spoilt:
        spoil(folder / f'q{i}.raw', 5000, bytes([i]))
    same(folder, *script('read -v 4990 20', 'read 0 4k', 'aio_read 4096 4096', 'aio_flush', 'read -v 4990 20'), '--image-opts',
         quorum(2, 0, 1, 2, options=options))


def test_two_that_differ(folder):
    spoil(folder / 'q1.raw', 5000)
    args = [*script('read 0 512', 'read -v 4990 20'), '--image-opts', quorum(2, 0, 1, options=',blkverify=on')]
    theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=folder)
    assert ours.err == theirs.err == 'quorum: offset=4990 bytes=20 contents mismatch at offset 5000\n'
    assert ours.status == theirs.status == 1 and ours.out.endswith('read failed: Input/output error\n')


@pytest.mark.parametrize('event', ['read_aio', 'write_aio', 'flush_to_disk', 'pwritev'])
@pytest.mark.parametrize('start, broken', [('vote-threshold=2', (1,)), ('vote-threshold=2', (0, 1)), ('vote-threshold=1', (0, 1)),
                                           ('vote-threshold=2,read-pattern=fifo', (0, 1)), ('vote-threshold=2,rewrite-corrupted=on', (2,))])
def test_children_that_fail(folder, event, start, broken):
    args = f'driver=quorum,{start}' + ''.join(child(i, event if i in broken else None) for i in range(3))
    same(folder, *script('write -P 9 0 4k', 'read 0 4k', 'flush', 'write -z 8k 4k'), '--image-opts', args)


@pytest.mark.parametrize('args', [
    'driver=quorum', 'driver=quorum,vote-threshold=1', f'driver=quorum{child(0)}{child(1)}', quorum(0, 0, 1), quorum(3, 0, 1), quorum(-1, 0, 1),
    quorum('abc', 0, 1), quorum(1, 0), 'driver=quorum,vote-threshold=1,children.0.filename=q0.raw', quorum(2, 0, 1, 2, options=',foo=1'),
    quorum(2, 0, 1, 2, options=',blkverify=on'), quorum(2, 0, 1, 2, options=',blkverify=foo'), quorum(2, 0, 1, 2, options=',read-pattern=foo'),
    quorum(2, 0, 1, 2, options=',read-pattern=fifo,blkverify=on'), quorum(2, 0, 1, 2, options=',read-pattern=fifo,rewrite-corrupted=on'),
    quorum(2, 0, 1, options=',blkverify=on,rewrite-corrupted=on'), quorum(1, 0, 2), quorum(1, 1, 2), quorum(2, 0, 1, 2, options=',children.0.foo=1'),
    quorum(2, 0, 1, 2, options=',children.foo=1'), quorum(2, 0, 1, 2, options=',children.0=x'), quorum(2, 0, 1, 2, options=',children.3=x'),
    quorum(2, 0, options=',children.1.driver=raw,children.1.file.filename=nofile'), quorum(18446744073709551615, 0, 1),
    'driver=quorum,vote-threshold=1,children=1', quorum(2, 0, 1, 2, options=',vote-threshold='), 'driver=quorum,vote-threshold=1,children.0.file.filename=disk.qcow2',
    quorum(2, 0, options=',children.1.driver=qcow2,children.1.file.filename=big.qcow2')])
@pytest.mark.parametrize('mode', [[], ['-r']])
def test_quorum_opened(folder, args, mode):
    same(folder, *mode, *script('read 0 512'), '--image-opts', args)


@pytest.mark.parametrize('args', ['quorum:q0.raw', '-r --image-opts ' + quorum(2, 0, 1, 2, options=',rewrite-corrupted=on')])
def test_quorum_refused(folder, args):
    same(folder, *script('length'), *args.split())


def test_map_of_a_quorum(folder):
    spoil(folder / 'q1.raw', 700000)
    files = ','.join(f"{{'driver':'raw','file':{{'driver':'file','filename':'q{i}.raw'}}}}" for i in range(3))
    name = f"json:{{'driver':'quorum','vote-threshold':2,'children':[{files}]}}"
    theirs = subprocess.run(['qemu-img', 'map', '--output=json', name], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert support.blkscope('-c', 'map --json', name, cwd=folder).out == theirs
