# SPDX-License-Identifier: GPL-3.0-or-later
"""copy-before-write, snapshot-access, replication, and nodes used once more by their names: as in the reference program."""
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import support  # noqa: E402
from filters import NAME, image, said, same, script, twins  # noqa: E402
from support import KIB, MIB  # noqa: E402


@pytest.fixture
def folder(work):
    made = work / 'theirs'
    made.mkdir()
    (made / 'disk.raw').write_bytes(bytes([1]) * MIB)
    (made / 'to.raw').write_bytes(bytes(MIB))
    image(made / 'disk.qcow2', backing='disk.raw')
    image(made / 'to.qcow2')
    return made


def below(prefix, options):
    return ','.join(f'{prefix}{option}' for option in options.split(','))


RAW = 'driver=raw,file.driver=file,file.filename=disk.raw'
TO_RAW = 'driver=file,filename=to.raw'
TO_QCOW2 = 'driver=qcow2,file.driver=file,file.filename=to.qcow2'


def cbw(target=TO_QCOW2, options='', file=RAW):
    return f'driver=copy-before-write,{below("file.", file)},{below("target.", target)}{options}'


def snapshot(options):
    return f'driver=snapshot-access,{below("file.", options)}'


def pair(options):
    """Writes go to the image, reads say what it was."""
    return (f'driver=quorum,vote-threshold=1,read-pattern=fifo,children.0.driver=snapshot-access,{below("children.0.file.", options)}'
            ',children.0.file.node-name=c,children.1=c')


def logged(options):
    """The same, in which what can't be read is an error, and flushing a write that failed writes to the image."""
    return f'driver=blklogwrites,log=c,file.driver=snapshot-access,{below("file.file.", options)},file.file.node-name=c'


def failing(target_event, options=''):
    return cbw('driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=to.raw,'
               f'file.inject-error.0.event={target_event}', options)


def layers(path):
    """What is where in the image, whatever the place in its file; and all of it."""
    runs = json.loads(subprocess.run(['qemu-img', 'map', '--output=json', path], capture_output=True, check=True).stdout)
    copy = path.with_suffix('.copy')
    subprocess.run(['qemu-img', 'convert', '-O', 'raw', path, copy], check=True)
    content = copy.read_bytes()
    copy.unlink()
    merged = []
    for run in runs:
        kind = {key: run[key] for key in ('present', 'zero', 'data')}
        if merged and merged[-1][0] == kind:
            merged[-1][1] += run['length']
        else:
            merged.append([kind, run['length']])
    return merged, content


def same_but_for_places(folder, *args):
    """Of several pieces it is chance in the reference which is written first."""
    with twins(folder) as twin:
        theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=twin)
        assert said(theirs) == said(ours)
        assert layers(folder / 'to.qcow2') == layers(twin / 'to.qcow2')


# ---- copy-before-write ----

@pytest.mark.parametrize('target', [TO_RAW, TO_QCOW2, 'driver=raw,file.filename=to.raw,file.driver=file'])
def test_what_was_there_is_in_the_target(folder, target):
    same(folder, *script('write -P 9 100 100', 'write -P 8 300000 5', 'write -z 512k 64k', 'discard 640k 1k', 'map', 'alloc 0 1M', 'length', 'info',
                         'flush', 'read -P 9 100 100', 'read -P 1 200 65336', 'aio_write -P 7 800k 200k', 'aio_flush', 'write 1023k 1k'),
         '--image-opts', cbw(target))


@pytest.mark.parametrize('cluster', [512, 4 * KIB, 2 * MIB])
def test_targets_with_other_clusters(folder, cluster):
    (folder / 'to.qcow2').unlink()
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-o', f'cluster_size={cluster}', 'to.qcow2', '1M'], cwd=folder, check=True)
    same(folder, *script('write -P 9 100 100', 'write -P 9 600000 100000'), '--image-opts', cbw())


@pytest.mark.parametrize('command', ['write -c 64k 64k', 'write -b 0 512', 'reopen -r', 'reopen -w', 'write 100 0', 'write 1M 512', 'write -f 0 4k',
                                     'discard 64k 64k', 'write -z -u 100k 100k', 'truncate 2M', 'read -b 0 512'])
@pytest.mark.parametrize('mode', [[], ['-d', 'unmap'], ['-t', 'writethrough']])
def test_single_commands_of_copy_before_write(folder, command, mode):
    same(folder, *mode, *script(command, 'length'), '--image-opts', cbw())


def test_only_what_holds_data_is_copied_as_data(folder):
    image(folder / 'thin.qcow2')
    subprocess.run(['qemu-io', *script('write 200k 100k', 'write -z 512k 64k'), 'thin.qcow2'], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    same_but_for_places(folder, *script('write 0 1M', 'map'), '--image-opts', cbw(file='driver=qcow2,file.driver=file,file.filename=thin.qcow2'))


def test_bytes_behind_the_old_end_are_not_copied(folder):
    same(folder, *script('truncate 2M', 'write -P 3 1M 4k', 'write -P 3 900k 200k', 'length', 'map'), '--image-opts', cbw())


def test_what_is_cut_off_is_copied_before(folder):
    result = support.drop_in(*script('truncate 100k', 'truncate 1M'), '--image-opts', cbw(TO_RAW), cwd=folder)
    assert result.status == 0, result.err
    assert (folder / 'to.raw').read_bytes() == bytes(64 * KIB) + bytes([1]) * (960 * KIB)


@pytest.mark.parametrize('seed', range(5))
def test_old_data_at_random(folder, seed):
    rand = random.Random(seed)
    before = random.Random(2).randbytes(MIB)
    (folder / 'disk.raw').write_bytes(before)
    commands = []
    for _ in range(30):
        offset = rand.randrange(MIB)
        length = min(rand.choice([1, 512, 4 * KIB, 70 * KIB, 200 * KIB]), MIB - offset)
        commands.append(rand.choice([f'write -P {rand.randrange(1, 256)}', 'write -z', 'discard']) + f' {offset} {length}')
    same(folder, *script(*commands, 'map'), '-d', 'unmap', '--image-opts', cbw(TO_RAW))
    target = (folder / 'to.raw').read_bytes()
    disk = (folder / 'disk.raw').read_bytes()
    for start in range(0, MIB, 64 * KIB):
        cluster = slice(start, start + 64 * KIB)
        assert target[cluster] in (before[cluster], bytes(64 * KIB)) and (target[cluster] == before[cluster] or disk[cluster] == before[cluster])


@pytest.mark.parametrize('event', ['pwritev', 'write_aio'])
@pytest.mark.parametrize('options', ['', ',target.file.inject-error.0.errno=28', ',target.file.inject-error.0.once=on', ',on-cbw-error=break-guest-write'])
def test_a_write_that_can_not_be_copied_fails(folder, event, options):
    same(folder, *script('write -P 5 0 4k', 'read -P 1 0 4k', 'write 64k 4k', 'discard 128k 4k', 'write -z 192k 4k', 'flush'), '--image-opts',
         failing(event, options))


@pytest.mark.parametrize('options', [',on-cbw-error=break-snapshot', ',on-cbw-error=break-snapshot,target.file.inject-error.0.once=on'])
def test_a_write_that_can_not_be_copied_goes_on(folder, options):
    with twins(folder) as twin:
        args = [*script('write -P 5 0 4k', 'read -P 5 0 4k', 'write 64k 4k', 'discard 128k 4k', 'flush'), '--image-opts', failing('pwritev', options)]
        theirs, ours = support.reference(*args, cwd=folder), support.drop_in(*args, cwd=twin)
        assert support.without_times(ours.out) == support.without_times(theirs.out) and ours.status == theirs.status == 0
        assert ours.err == ('qemu-io: warning: copy-before-write: copying failed (Input/output error): what the image was before '
                            "can't be read any more\n")
        for name in 'disk.raw', 'to.raw':
            assert support.same_bytes(folder / name, twin / name) is None, name


def test_the_source_that_can_not_be_read(folder):
    same(folder, *script('write -P 5 0 4k', 'read 0 4k', 'write -P 5 64k 4k'), '--image-opts',
         cbw(TO_RAW, file='driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=disk.raw,file.inject-error.0.event=read_aio,'
                          'file.inject-error.0.once=on'))


def test_a_flush_does_not_fail_with_the_target(folder):
    same(folder, *script('write -P 5 0 4k', 'flush'), '--image-opts', failing('flush_to_disk'))


@pytest.mark.parametrize('options', ['', ',on-cbw-error=break-guest-write'])
def test_copying_takes_no_longer_than_allowed(folder, options):
    """A byte a second: the second copy never ends, in the reference by itself when the image is closed."""
    target = 'driver=throttle,throttle-group=t,file.driver=file,file.filename=to.raw'
    args = ['--object', 'throttle-group,id=t,x-bps-write=1', *script('write -P 5 0 4k', 'write -P 5 64k 4k', 'read -P 1 64k 16'), '--image-opts',
            cbw(target, f',cbw-timeout=1{options}')]
    with twins(folder) as twin:
        assert said(support.reference(*args, cwd=folder)) == said(support.drop_in(*args, cwd=twin))
        assert support.same_bytes(folder / 'disk.raw', twin / 'disk.raw') is None


@pytest.mark.parametrize('option', [
    'on-cbw-error=foo', 'on-cbw-error=', 'cbw-timeout=foo', 'cbw-timeout=', 'cbw-timeout=-1', 'cbw-timeout=4294967295', 'cbw-timeout=4294967296',
    'cbw-timeout=0x10', 'cbw-timeout=1k', 'foo=1', 'bitmap.node=x,bitmap.name=y', 'bitmap.node=x', 'bitmap.name=x', 'bitmap=x',
    'bitmap.node=x,bitmap.name=y,bitmap.foo=1', 'read-only=on', 'target.read-only=on', 'file.read-only=on', 'file.foo=1', 'detect-zeroes=on',
    'foo=1,on-cbw-error=x', 'file.node-name=x,target.node-name=x', 'file.node-name=x,bitmap.node=x,bitmap.name=y'])
def test_options_of_copy_before_write(folder, option):
    same(folder, *script('write 0 4k', 'read 0 512'), '--image-opts', f'{cbw()},{option}')


@pytest.mark.parametrize('args', [
    ['--image-opts', 'driver=copy-before-write'], ['--image-opts', 'driver=copy-before-write,' + below('file.', RAW)],
    ['--image-opts', 'driver=copy-before-write,' + below('target.', RAW)], ['copy-before-write:disk.raw'], ['-f', 'copy-before-write', 'disk.raw'],
    ['-r', '--image-opts', cbw()], ['--image-opts', cbw(file='driver=file,filename=nofile')], ['--image-opts', cbw('driver=file,filename=nofile')],
    ['--image-opts', cbw(file='filename=disk.raw')], ['--image-opts', 'driver=copy-before-write,file.driver=null-co,target=foo'],
    ['--image-opts', 'driver=copy-before-write,file.driver=null-co,file.read-zeroes=on,target.driver=null-co'],
    ['json:{"driver":"copy-before-write","file":{"driver":"file","filename":"disk.raw"},"target":{"driver":"file","filename":"to.raw"},"cbw-timeout":5}']])
def test_copy_before_write_opened(folder, args):
    same(folder, *script('write 0 512', 'length'), *args)


# ---- bitmaps ----

@pytest.fixture
def marked(folder):
    for command in ([*'create -q -f qcow2 marked.qcow2 1M'.split()], [*'bitmap --add marked.qcow2 b'.split()],
                    [*'bitmap --add --disable marked.qcow2 clean'.split()], [*'bitmap --add -g 4096 marked.qcow2 fine'.split()]):
        subprocess.run(['qemu-img', *command], cwd=folder, check=True)
    subprocess.run(['qemu-io', *script('write -P 2 0 100k', 'write -P 2 300k 5', 'write -P 2 1000k 4k'), 'marked.qcow2'], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    return folder


def with_bitmap(name, options=''):
    return cbw(TO_QCOW2, f',bitmap.node=n,bitmap.name={name}{options}',
               file='driver=qcow2,node-name=n,file.driver=file,file.filename=marked.qcow2')


@pytest.mark.parametrize('name', ['b', 'fine', 'clean', 'none'])
def test_only_what_a_bitmap_marks_is_copied(marked, name):
    same_but_for_places(marked, *script('write -P 5 0 512k', 'write -P 5 1000k 4k'), '--image-opts', with_bitmap(name))


@pytest.mark.parametrize('name', ['b', 'fine', 'clean'])
def test_only_what_a_bitmap_marks_is_read(marked, name):
    args = [*script('read 64k 4k', 'read 124k 4k', 'read 128k 4k', 'read 300k 1k', 'read 256k 4k', 'read 252k 8k', 'alloc 0 128k', 'alloc 0 1M'),
            '--image-opts', snapshot(with_bitmap(name))]
    theirs, ours = support.reference(*args, cwd=marked), support.drop_in(*args, cwd=marked)
    assert said(theirs) == said(ours)


def test_what_may_be_read_is_in_the_map(marked):
    result = support.drop_in('-c', 'map', '--image-opts', snapshot(with_bitmap('b')), cwd=marked)  # the reference says nothing of any of it
    assert result.out == '128 KiB (0x20000) bytes     allocated at offset 0 bytes (0x0)\n' and 'Permission denied' in result.err


def test_a_bitmap_that_was_in_use_is_refused(marked):
    data = bytearray((marked / 'marked.qcow2').read_bytes())
    for entry in range(0, len(data) - 32, 8):
        if data[entry + 16] == 1 and data[entry + 18:entry + 24] == b'\0\1\0\0\0\0' and data[entry + 24:entry + 32] == b'b\0\0\0\0\0\0\0':
            at = entry + 12
    data[at + 3] |= 1
    (marked / 'marked.qcow2').write_bytes(data)
    args = [*script('length'), '--image-opts', with_bitmap('b')]
    assert said(support.reference(*args, cwd=marked)) == said(support.drop_in(*args, cwd=marked))


def test_a_bitmap_of_another_size_is_refused(marked):
    subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', 'to.qcow2', '2M'], cwd=marked, check=True)
    subprocess.run(['qemu-img', 'bitmap', '--add', 'to.qcow2', 'b'], cwd=marked, check=True)
    args = [*script('length'), '--image-opts', cbw(f'{TO_QCOW2},node-name=t', ',bitmap.node=t,bitmap.name=b')]
    assert said(support.reference(*args, cwd=marked)) == said(support.drop_in(*args, cwd=marked))


# ---- snapshot-access ----

@pytest.mark.parametrize('command', ['read -v 0 32', 'write 0 512', 'write -z 0 64k', 'write -c 0 64k', 'write -b 0 512', 'length', 'info', 'map',
                                     'alloc 0 1M', 'discard 0 64k', 'flush', 'truncate 2M', 'reopen -r', 'read 1M 512', 'read 1M 0', 'write 0 0',
                                     'read -b 0 512'])
def test_single_commands_of_snapshot_access(folder, command):
    same(folder, *script(command), '--image-opts', snapshot(cbw()))


@pytest.mark.parametrize('args', [
    ['-r', '--image-opts', snapshot(cbw())], ['--image-opts', f'{snapshot(cbw())},foo=1'], ['--image-opts', 'driver=snapshot-access'],
    ['--image-opts', snapshot('driver=file,filename=disk.raw')], ['--image-opts', snapshot(f'driver=raw,{below("file.", cbw())}')],
    ['-f', 'snapshot-access', 'disk.raw'], ['snapshot-access:disk.raw'], ['--image-opts', snapshot(snapshot(cbw()))]])
def test_snapshot_access_opened(folder, args):
    same(folder, *script('read -v 0 32', 'length', 'map'), *args)


@pytest.mark.parametrize('target', [TO_RAW, TO_QCOW2])
def test_a_snapshot_stays_as_it_was(folder, target):
    same(folder, *script('write -P 5 0 4k', 'read -P 1 0 64k', 'write -P 6 30k 100k', 'read -P 1 0 192k', 'read -P 1 192k 64k', 'discard 512k 4k',
                         'read -P 1 512k 64k', 'write -P 7 1023k 1k', 'read -P 1 960k 64k'), '--image-opts', pair(cbw(target)))


def test_a_snapshot_is_read_across_what_was_copied(folder):
    """The reference program mixes up the parts."""
    before = (folder / 'disk.raw').read_bytes()
    result = support.drop_in(*script('write -P 5 64k 4k', 'write -P 6 300k 100k', 'read -P 1 0 1M', 'read -P 1 100 1000000', 'map'), '--image-opts',
                             pair(cbw()), cwd=folder)
    assert result.status == 0 and 'verification' not in result.out, result.out
    assert (folder / 'disk.raw').read_bytes() != before


def test_a_broken_snapshot_is_not_read(folder):
    args = [*script('read -P 1 0 4k', 'write 0 4k', 'flush', 'read 0 4k', 'read 512k 4k', 'map'), '--image-opts',
            logged(failing('pwritev', ',on-cbw-error=break-snapshot'))]
    theirs = support.reference(*args, cwd=folder)
    (folder / 'disk.raw').write_bytes(bytes([1]) * MIB)
    ours = support.drop_in(*args, cwd=folder)
    assert support.without_times(ours.out) == support.without_times(theirs.out) and theirs.out.count('read failed: Permission denied') == 2
    assert ours.status == theirs.status
    assert NAME.sub('', ours.err).endswith(theirs.err) and 'copying failed' in ours.err


def test_what_nobody_reads_any_more(folder):
    same(folder, '-d', 'unmap', *script('discard 0 64k', 'read 0 64k', 'read 64k 64k', 'read 60k 64k', 'map', 'alloc 0 1M', 'alloc 64k 64k'),
         '--image-opts', snapshot(cbw()))
    result = support.drop_in('-d', 'unmap', *script('discard 10k 200k', 'read 0 64k', 'read 64k 128k', 'read 192k 64k'), '--image-opts',
                             snapshot(cbw()), cwd=folder)  # an assertion fails in the reference
    assert [line for line in result.out.splitlines() if line.startswith('read')] == [
        'read 65536/65536 bytes at offset 0', 'read failed: Permission denied', 'read 65536/65536 bytes at offset 196608']


# ---- replication ----

SIDES = ['mode=primary', 'mode=secondary,top-id=y']


@pytest.mark.parametrize('command', ['read 0 4k', 'read 0 0', 'read 1M 1', 'write 0 4k', 'write 0 0', 'write 100 0', 'write 100 100', 'write -z 0 4k',
                                     'write -f 0 4k', 'length', 'info', 'map', 'alloc 0 1M', 'discard 0 4k', 'flush', 'write -c 0 64k', 'write -b 0 512',
                                     'read -b 0 512', 'reopen -r', 'reopen -w', 'readv 0 512 512', 'aio_write 0 4k'])
@pytest.mark.parametrize('file', [RAW, 'driver=qcow2,file.driver=file,file.filename=to.qcow2'])
def test_single_commands_of_replication(folder, command, file):
    for side in SIDES:
        same(folder, '-d', 'unmap', *script(command), '--image-opts', f'driver=replication,{side},{below("file.", file)}')


@pytest.mark.parametrize('options', ['', 'mode=foo', 'mode=', 'mode=primary,top-id=x', 'mode=secondary', 'mode=secondary,top-id=', 'mode=primary,foo=1',
                                     'mode=primary,node-name=x', 'mode=primary,read-only=on'])
@pytest.mark.parametrize('mode', [[], ['-r']])
def test_replication_opened(folder, options, mode):
    same(folder, *mode, *script('read 0 512', 'discard 0 512', 'map'), '--image-opts', f'driver=replication,{below("file.", RAW)},{options}')


@pytest.mark.parametrize('args', [['-f', 'replication', 'disk.raw'], ['replication:disk.raw'], ['--image-opts', 'driver=replication,mode=primary']])
def test_replication_refused(folder, args):
    same(folder, *script('length'), *args)


def test_replication_resizes_nothing(folder):
    """An assertion fails in the reference."""
    result = support.drop_in(*script('truncate 2M', 'truncate 512k', 'length'), '--image-opts', f'driver=replication,mode=primary,{below("file.", RAW)}',
                             cwd=folder)
    assert result.out == '1 MiB\n' and result.err.count("can't be resized") == 2


# ---- nodes used once more ----

def test_a_target_above_the_image_itself(folder):
    same(folder, *script('write -P 9 100 100', 'map', 'read -P 9 100 100'), '--image-opts', cbw(f'{TO_QCOW2},backing=src', file=f'{RAW},node-name=src'))


NULL = 'driver=null-co,read-zeroes=on,node-name=x'


@pytest.mark.parametrize('args', [
    'driver=raw,node-name=x,file=x', 'driver=raw,node-name=x,file.driver=raw,file.file=x', 'driver=raw,file=#block1', 'driver=raw,file=',
    f'driver=quorum,node-name=q,vote-threshold=1,{below("children.0.", NULL)},children.1=y',
    f'driver=quorum,node-name=q,vote-threshold=1,{below("children.1.", NULL)},children.0=x',
    f'driver=quorum,node-name=q,vote-threshold=1,{below("children.0.", NULL)},children.1=x',
    f'driver=quorum,node-name=x,vote-threshold=1,{below("children.0.", NULL)}',
    f'driver=quorum,node-name=q,vote-threshold=1,{below("children.0.", NULL)},{below("children.1.", NULL)}',
    'driver=blkverify,raw.driver=file,raw.filename=disk.raw,raw.node-name=x,test=x',
    f'driver=blkverify,{below("raw.", NULL)},test.driver=raw,test.file=x',
    'driver=blklogwrites,file.driver=file,file.filename=disk.raw,file.node-name=x,log=x',
    'driver=qcow2,file.driver=file,file.filename=to.qcow2,file.node-name=f,backing=f'])
@pytest.mark.parametrize('mode', [[], ['-r']])
def test_nodes_by_name(folder, args, mode):
    same(folder, *mode, *script('read 0 512', 'write 0 512', 'length'), '--image-opts', args)


QCOW2 = 'driver=qcow2,file.driver=file,file.filename=to.qcow2'
MEMORY = 'driver=null-co,size=1048576'


@pytest.mark.parametrize('target', [
    'driver=qcow2,file.filename=to.qcow2', 'filename=to.raw', 'foo=1', 'driver=nope', 'driver=', 'driver=file', 'driver=raw', 'driver=raw,file=x',
    'driver=qcow2,backing=', 'driver=blklogwrites', 'driver=blkdebug', 'driver=snapshot-access', 'driver=throttle', 'driver=nbd', 'driver=blkverify,test.driver=null-co',
    'driver=vmdk', 'driver=quorum,children.0=x', f'{QCOW2},foo=1', f'{QCOW2},foo.bar=1', f'{QCOW2},file.foo=1', f'{QCOW2},file.foo=1,bar=2',
    f'{QCOW2},l2-cache-size=1M', f'{QCOW2},l2-cache-size=0x100000', f'{QCOW2},lazy-refcounts=maybe', f'{QCOW2},overlap-check=bogus',
    f'{QCOW2},overlap-check.template=bogus', f'{QCOW2},overlap-check=none', f'{QCOW2},overlap-check.main-header=x', f'{QCOW2},discard=bogus',
    f'{QCOW2},discard=unmap', f'{QCOW2},discard=on', f'{QCOW2},cache=x', f'{QCOW2},cache.foo=on', f'{QCOW2},cache.direct=maybe',
    f'{QCOW2},file.cache.direct=maybe', f'{QCOW2},file.locking=bogus', f'{QCOW2},file.aio=bogus', f'{QCOW2},file.drop-cache=x',
    f'{QCOW2},read-only=maybe', f'{QCOW2},force-share=2', f'{QCOW2},detect-zeroes=bogus', f'{QCOW2},file.driver=nope',
    f'{MEMORY},latency-ns=x', f'{MEMORY},read-zeroes=1', f'{MEMORY},aio=x', f'{MEMORY},node-name=1x', 'driver=null-co,size=1M', 'driver=null-co,size=',
    'driver=null-co,size=99999999999999999999', 'driver=raw,offset=x,file.driver=null-co', 'driver=raw,size=1M,file.driver=file,file.filename=to.raw',
    'driver=raw,size=1048576,file.driver=file,file.filename=to.raw', 'driver=preallocate,prealloc-size=1M,file.driver=file,file.filename=to.raw',
    'driver=compress,foo=1,file.driver=null-co', 'driver=nfs,nonsense=1', 'driver=nfs,server.type=inet,server.host=127.0.0.1,path=/a/b',
    'driver=raw,file.driver=gluster,file.volume=v,file.path=x,file.server.0.type=inet,file.server.0.host=127.0.0.1,file.server.0.port=1',
    'driver=gluster,filename=x', 'driver=iscsi,portal=127.0.0.1:1,target=x', 'driver=rbd,pool=x', 'driver=nvme,namespace=1', 'driver=ssh', 'driver=ftps',
    'driver=http,url=http://127.0.0.1:1/x,sslverify=on', 'driver=ftp,url=ftp://127.0.0.1:1/x,cookie=x', 'driver=https,url=https://127.0.0.1:1/x,sslverify=on'])
def test_the_target_is_described_in_full(folder, target):
    same(folder, *script('length'), '--image-opts', cbw(target))


TWICE = 'driver=qcow2,file.driver=file,file.filename=to.qcow2,file.node-name=x,backing'


@pytest.mark.parametrize('commands', [
    ['reopen -r', 'write 0 512', 'reopen -w', 'write 0 512'], ['reopen -r', 'reopen -c none', 'read 0 512'], ['reopen -w', 'write 0 512', 'reopen -r', 'write 0 512'],
    ['reopen -o file.read-only=on'], ['reopen -r -o file.read-only=on', 'reopen -w -o file.read-only=off', 'write 0 512'],
    ['reopen -o backing.read-only=on'], ['reopen -w -o backing.read-only=off', 'write 0 512'], ['reopen -o file=x'], ['reopen -o file.locking=off'],
    ['reopen -o backing=x'], ['reopen -o backing.driver=file'], ['reopen -o backing.offset=512'], ['reopen -o backing.file=x'],
    ['reopen -o backing.file.locking=off'], ['reopen -o backing.file.read-only=on'], ['reopen -o lazy-refcounts=on', 'write 0 512']])
@pytest.mark.parametrize('backing', ['backing=x', 'backing.driver=raw,backing.file=x'])
@pytest.mark.parametrize('mode', [[], ['-r']])
def test_a_node_used_twice_is_reopened(folder, commands, backing, mode):
    """Below the one that opened it; its other user has no say in its options."""
    if ('backing=x' in commands[0]) != (backing == 'backing=x') and ('backing=x' in commands[0] or 'backing.file=x' in commands[0]):
        pytest.skip('the reference program takes another file for the backing file')
    same(folder, *mode, *script(*commands, 'read 0 512', 'length'), '--image-opts', TWICE.replace('backing', backing))


def test_ways_that_double_are_refused(folder):
    """Each layer twice: 2^60 ways to the lowest."""
    options, prefix = ['driver=quorum', 'vote-threshold=1'], ''
    for i in range(60):
        options += [f'{prefix}children.0.node-name=n{i}', f'{prefix}children.1=n{i}']
        prefix += 'children.0.'
        options += [f'{prefix}driver=' + ('quorum' if i < 59 else 'null-co')] + ([f'{prefix}vote-threshold=1'] if i < 59 else [])
    result = support.drop_in('-r', *script('read 0 512'), '--image-opts', ','.join(options), cwd=folder)
    assert result.status == 1 and 'More than 16 nodes are used in a second place' in result.err
