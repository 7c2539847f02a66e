# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters and drivers that do something on the way: the same output, the same images as the reference program."""
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from filters import image, same, script  # noqa: E402
from support import KIB, MIB  # noqa: E402


@pytest.fixture
def folder(work):
    made = work / 'theirs'
    made.mkdir()
    (made / 'base.raw').write_bytes(random.Random(1).randbytes(512 * KIB) + bytes(128 * KIB) + random.Random(2).randbytes(384 * KIB))
    image(made / 'top.qcow2', backing='base.raw')
    image(made / 'empty.qcow2')
    (made / 'copy.raw').write_bytes((made / 'base.raw').read_bytes())
    return made


# ---- copy-on-read ----

COPIES = ['read 520k 1k', 'read 600k 100k', 'map', 'write 3k 1k', 'aio_read 0 200k', 'aio_flush', 'map', 'discard 0 64k', 'write -z 70k 1k',
          'read 1000k 24k', 'length', 'truncate 2M', 'read 1M 1M', 'map']
DRIVER = 'driver=copy-on-read,file.driver=qcow2,file.file.filename='


@pytest.mark.parametrize('args', [['-C', 'top.qcow2'], ['-C', 'empty.qcow2'], ['-C', '-f', 'raw', 'base.raw'],
                                  ['--image-opts', f'{DRIVER}top.qcow2'], ['-C', '-d', 'unmap', 'top.qcow2']])
def test_what_is_read_is_copied(folder, args):
    same(folder, *script(*COPIES, 'info', 'reopen -r', 'reopen -o lazy-refcounts=on'), *args)


@pytest.mark.parametrize('args', [['-C', '-r', 'top.qcow2'], ['-r', '--image-opts', f'{DRIVER}top.qcow2'],
                                  ['--image-opts', 'driver=copy-on-read'], ['--image-opts', f'{DRIVER}top.qcow2,foo=1'],
                                  ['--image-opts', f'{DRIVER}top.qcow2,bottom=foo']])
def test_copy_on_read_refused(folder, args):
    same(folder, *script('read 0 1k'), *args)


def test_copies_end_at_the_bottom(folder):
    image(folder / 'mid.qcow2', backing='base.raw')
    subprocess.run(['qemu-io', '-c', 'write -P 9 100k 100k', 'mid.qcow2'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    args = (f'{DRIVER}top.qcow2,file.backing.driver=qcow2,file.backing.node-name=mid,file.backing.file.filename=mid.qcow2,bottom=mid')
    same(folder, *script('read 0 300k', 'map'), '--image-opts', args)


@pytest.mark.parametrize('seed', range(5))
def test_copies_at_random(folder, seed):
    rand = random.Random(seed)
    commands = []
    for _ in range(40):
        offset = rand.randrange(MIB)
        length = min(rand.choice([1, 512, 4 * KIB, 70 * KIB, 200 * KIB]), MIB - offset)
        commands.append(rand.choice(['read', 'read', f'write -P {rand.randrange(1, 256)}', 'write -z']) + f' {offset} {length}')
    same(folder, *script(*commands, 'map'), '-C', 'top.qcow2')


def test_looking_copies_nothing(folder):
    shutil.copy(folder / 'top.qcow2', folder / 'before.qcow2')
    support.blkscope('-w', '-C', '--refs=follow', *script('search needle', 'compare -m', 'map --extents'), 'top.qcow2', cwd=folder)
    assert support.same_bytes(folder / 'top.qcow2', folder / 'before.qcow2') is None


# ---- blkverify ----

VERIFY = 'driver=blkverify,raw.driver=file,raw.filename=base.raw,test.driver=raw,test.file.filename=copy.raw'


def test_both_are_written(folder):
    same(folder, *script('write -P 5 64k 4k', 'read -P 5 64k 4k', 'writev -P 6 100 1000 2000', 'read 0 1M', 'length', 'flush', 'alloc 0 1M',
                         'map', 'info'), '-f', 'raw', 'blkverify:base.raw:copy.raw')
    assert (folder / 'base.raw').read_bytes() == (folder / 'copy.raw').read_bytes()


def test_the_last_bytes_of_the_longest_image_are_written(folder):
    longest = 2 ** 63 - 2 ** 30
    same(folder, *script(f'write {longest - 512} 512', f'write {longest - 1} 1', f'write {longest - 512} 513', f'discard {longest - 512} 512'),
         '--image-opts', f'driver=blkverify,test.driver=null-co,test.size={longest},raw.driver=null-co,raw.size={longest}')


def test_the_last_bytes_of_the_longest_image_are_zeroed(folder):  # the reference asserts there
    longest = 2 ** 63 - 2 ** 30
    ours = support.drop_in(*script(f'write -z {longest - 512} 512'), '--image-opts',
                           f'driver=blkverify,test.driver=null-co,test.size={longest},raw.driver=null-co,raw.size={longest}', cwd=folder)
    assert (ours.status, ours.err) == (0, '')


def test_zeroes_reach_both(folder):
    result = support.drop_in(*script('write -z 0 64k', 'read -P 0 0 64k'), '--image-opts', VERIFY, cwd=folder)
    assert result.status == 0
    assert (folder / 'base.raw').read_bytes() == (folder / 'copy.raw').read_bytes()
    assert (folder / 'base.raw').read_bytes()[:65536] == bytes(65536)


def test_a_difference_is_told(folder):
    data = bytearray((folder / 'copy.raw').read_bytes())
    data[8200] ^= 1
    (folder / 'copy.raw').write_bytes(data)
    args = [*script('read 0 4k', 'read 8k 512'), '--image-opts', VERIFY]
    theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=folder)
    assert ours.err == theirs.err == 'blkverify: read offset=8192 bytes=512 contents mismatch at offset 8200\n'
    assert ours.status == theirs.status == 1
    assert ours.out.endswith('read failed: Input/output error\n')


@pytest.mark.parametrize('args', [['blkverify:base.raw'], ['blkverify:'], ['blkverify:nofile:copy.raw'], ['blkverify:base.raw:nofile'],
                                  ['--image-opts', 'driver=blkverify'], ['--image-opts', 'driver=blkverify,x-raw=base.raw'],
                                  ['--image-opts', 'driver=blkverify,raw.filename=base.raw'], ['--image-opts', f'{VERIFY},foo=1'],
                                  ['-r', '--image-opts', VERIFY]])
def test_blkverify_opened(folder, args):
    same(folder, *script('length', 'read 0 512', 'write 0 512', 'reopen -r'), *args)


# ---- blklogwrites ----

LOG = 'driver=blklogwrites,file.driver=file,file.filename=base.raw,log.driver=file,log.filename=log'
LOGGED = ['info', 'map', 'write -P 1 0 4k', 'flush', 'write -z 8k 4k', 'discard 64k 64k', 'write -f -P 7 16k 512', 'write 100 1000', 'read 0 512',
          'truncate 2M']


# Written through, the reference logs the flush of a write with the next one: only write-back logs are the same.
@pytest.mark.parametrize('option', ['', ',log-sector-size=4096', ',log-super-update-interval=1'])
def test_the_log_is_the_same(folder, option):
    (folder / 'log').touch()
    same(folder, *script(*LOGGED), '-t', 'writeback', '--image-opts', LOG + option)


def test_a_log_is_continued(folder):
    (folder / 'log').touch()
    support.reference(*script(*LOGGED), '-t', 'writeback', '--image-opts', LOG, cwd=folder)
    same(folder, *script(*LOGGED), '-t', 'writeback', '--image-opts', f'{LOG},log-append=on')


@pytest.mark.parametrize('option', ['log-sector-size=513', 'log-sector-size=0', 'log-sector-size=16M', 'log-append=on,log-sector-size=512',
                                    'log-super-update-interval=0', 'foo=1', 'log-append=on'])
def test_blklogwrites_refused(folder, option):
    (folder / 'log').write_bytes(b'garbage\n')
    same(folder, *script('length'), '--image-opts', f'{LOG},{option}')


@pytest.mark.parametrize('entry', [b'\xff' * 32, bytes(8) + b'\xff' * 8 + bytes(16), bytes(8) + b'\0\0\0\0\0\0\0\x40' + bytes(16), bytes(8) + b'\1' + bytes(23)])
def test_a_damaged_log_is_refused(folder, entry):
    header = b'rhswfsj\0' + (1).to_bytes(8, 'little') + (3).to_bytes(8, 'little') + (512).to_bytes(4, 'little')
    (folder / 'log').write_bytes(header.ljust(512, b'\0') + entry.ljust(512, b'\0'))
    result = support.blkscope('-w', *script('length'), '--image-opts', f'{LOG},log-append=on', cwd=folder)
    assert result.status == 1 and 'og entry 0' in result.err


# ---- null, which leaves the memory that it reads into as it was ----

QCOW2 = 'driver=qcow2,file.driver=file,file.filename=empty.qcow2'
OF_THE_HEAP = b'\x5a' * 64  # what malloc() hands out, by MALLOC_PERTURB_
OVER_NULL = {
    'padding': ('driver=blklogwrites,log-sector-size=4096,file.driver=null-co,file.size=1M,log.driver=file,log.filename=log', 'log', 'write -P 1 1k 512'),
    'around a write': (f'{QCOW2},backing.driver=null-co,backing.size=1M', 'empty.qcow2', 'write -P 1 1k 512'),
    'copy-on-read': (f'driver=copy-on-read,file.driver=qcow2,file.file.driver=file,file.file.filename=empty.qcow2,file.backing.driver=null-co,'
                     'file.backing.size=1M', 'empty.qcow2', 'read 1k 512'),
}


@pytest.mark.parametrize('way', OVER_NULL)
def test_memory_of_the_program_is_not_written(folder, way):
    """Zeroes are, where the reference program writes whatever was there."""
    options, written, command = OVER_NULL[way]
    (folder / 'log').touch()
    # The sanitizer, whose allocator it is then, fills only the beginning if it is not told to do more.
    env = support.environment(MALLOC_PERTURB_='165', MALLOC_MMAP_THRESHOLD_='67108864', MALLOC_TOP_PAD_='67108864',
                              ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':max_malloc_fill_size=4194304:malloc_fill_byte=90')
    result = support.blkscope('-w', '--no-sandbox', *script(command), '--image-opts', options, cwd=folder, env=env)
    assert result.status == 0, result
    content = (folder / written).read_bytes()
    assert OF_THE_HEAP not in content
