# SPDX-License-Identifier: GPL-3.0-or-later
"""`create` makes what `qemu-img create` makes, to the byte, and refuses what that refuses, with the same words."""
import fcntl
import itertools
import os
import random
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import qemu_img  # noqa: E402
from support import KIB, MIB  # noqa: E402

EVERYTHING = bool(os.environ.get('BLKSCOPE_MATRIX'))
SLACK = 64 * KIB  # of allocated space: a file system's own, which depends on the order of things


def line(args, path, size):
    return ' '.join(['create', *map(shlex.quote, map(str, args)), str(path), *([shlex.quote(str(size))] if size is not None else [])])


def create(work, args, path, size, **options):
    return support.blkscope('-c', line(args, path, size), cwd=work, **options)


def reference(work, args, path, size):
    return qemu_img('create', *args, path, *([size] if size is not None else []), cwd=work, check=False)


def ours_as_theirs(text):
    return text.rstrip('\n').replace('blkscope: ', 'qemu-img: ')


def same_file(ours, theirs):
    assert support.same_bytes(ours, theirs) is None
    a, b = ours.stat(), theirs.stat()
    assert a.st_mode == b.st_mode
    assert abs(a.st_blocks - b.st_blocks) * 512 <= SLACK, f'{a.st_blocks} and {b.st_blocks} blocks of {a.st_size} bytes'


def same_images(work, cases):
    """Each case is (arguments, size); ours are all made in one go."""
    (work / 'ours').mkdir()
    (work / 'theirs').mkdir()
    lines = [line(['-q', *args], f'ours/{i}', size) for i, (args, size) in enumerate(cases)]
    (work / 'script').write_text('\n'.join(lines) + '\n')
    result = support.blkscope('--headless', '--script', 'script', cwd=work)
    assert (result.out, result.err, result.status) == ('', '', 0), result
    for i, (args, size) in enumerate(cases):
        qemu_img('create', '-q', *args, f'theirs/{i}', *([size] if size is not None else []), cwd=work)
        try:
            same_file(work / 'ours' / str(i), work / 'theirs' / str(i))
        except AssertionError as failed:
            raise AssertionError(f'{lines[i]}\n{failed}') from None
        (work / 'ours' / str(i)).unlink()
        (work / 'theirs' / str(i)).unlink()


# ---- images ----

def combinations():
    """Every option with every other; what does not go together is left out."""
    for cluster, bits, compression, extended, lazy, compat in itertools.product(
            (512, 1024, 4096, 8192, 16384, 65536, 2 * MIB), (1, 2, 4, 8, 16, 32, 64), ('zlib', 'zstd'), ('off', 'on'), ('off', 'on'),
            ('v2', 'v3')):
        if compat == 'v2' and (bits, compression, extended, lazy) != (16, 'zlib', 'off', 'off'):
            continue
        if extended == 'on' and cluster < 16384:
            continue
        yield {'cluster_size': cluster, 'refcount_bits': bits, 'compression_type': compression, 'extended_l2': extended,
               'lazy_refcounts': lazy, 'compat': compat}


def chosen(everything, count, seed):
    everything = list(everything)
    return everything if EVERYTHING else random.Random(seed).sample(everything, min(count, len(everything)))


def option_text(options):
    return ','.join(f'{key}={value}' for key, value in options.items())


SIZES = (0, 1, 511, 512, 513, 65536, 1000000, '1M', '33M', '1G', '5000001k')


def test_images_of_every_kind(work):
    rand = random.Random(1)
    kinds = chosen(combinations(), 60, 1)
    same_images(work, [(['-f', 'qcow2', '-o', option_text(options)], size) for options in kinds for size in rand.sample(SIZES, 2)])


def test_overlays_of_every_kind(work):
    qemu_img('create', '-q', '-f', 'raw', 'base', 3 * MIB + 512, cwd=work)
    same_images(work, [(['-f', 'qcow2', '-b', '../base', '-F', 'raw', '-o', option_text(options)], size)
                       for options, size in zip(chosen(combinations(), 25, 2), itertools.cycle((None, '1M', 0, '50M')))])


def test_preallocation_of_every_kind(work):
    rand = random.Random(3)
    cases = []
    for options in chosen((o for o in combinations() if o['cluster_size'] < 2 * MIB or o['refcount_bits'] == 1), 20, 3):
        mode = rand.choice(('metadata', 'falloc', 'full'))
        cases += [(['-f', 'qcow2', '-o', option_text({**options, 'preallocation': mode})], size) for size in rand.sample((0, 1, 513, '1M', '5001k'), 3)]
    same_images(work, cases)


def test_preallocation_over_a_backing_file(work):
    qemu_img('create', '-q', '-f', 'raw', 'base', MIB, cwd=work)
    same_images(work, [(['-f', 'qcow2', '-u', '-b', '../base', '-F', 'raw', '-o', f'preallocation={mode},extended_l2=on'], size)
                       for mode in ('metadata', 'falloc', 'full') for size in (MIB, 3 * MIB)])


DATA_FILE = ('', 'data_file_raw=on', 'preallocation=metadata', 'preallocation=falloc', 'preallocation=full', 'cluster_size=512', 'extended_l2=on',
             'extended_l2=on,data_file_raw=on', 'data_file_raw=on,preallocation=full,cluster_size=4k')


@pytest.mark.parametrize('size', [0, 1000, '2M'])
def test_external_data_files(work, size):
    for options in DATA_FILE:
        args = ['-q', '-f', 'qcow2', '-o', 'data_file=data,' + options if options else 'data_file=data']
        for folder, tool in (('ours', create), ('theirs', lambda *args: qemu_img('create', *args[1], args[2], args[3], cwd=args[0]))):
            (work / folder).mkdir()
            tool(work / folder, args, 'image', size)
        for name in ('image', 'data'):
            same_file(work / 'ours' / name, work / 'theirs' / name)
        for folder in ('ours', 'theirs'):
            shutil.rmtree(work / folder)


def test_a_data_file_is_replaced_or_kept_with_its_image(work):
    """Neither of them is there after an error, and neither is touched without -y."""
    (work / 'data').write_text('mine')
    args = ['-q', '-f', 'qcow2', '-o', 'data_file=data']
    assert create(work, args, 'image', '1M').status == 1
    assert (work / 'data').read_text() == 'mine' and os.listdir(work) == ['data']
    assert create(work, ['-y', *args], 'image', '1M').status == 0
    assert sorted(os.listdir(work)) == ['data', 'image'] and (work / 'data').stat().st_size == MIB
    (work / 'folder').mkdir()
    assert create(work, args, 'folder/image', '1M').status == 0
    assert sorted(os.listdir(work / 'folder')) == ['data', 'image']


def test_raw_images(work):
    same_images(work, [(['-f', 'raw', '-o', f'preallocation={mode}'], size) for mode in ('off', 'falloc', 'full') for size in (0, 1, 513, '3M')])


@pytest.mark.parametrize('options, size', [('cluster_size=64k', '2P'), ('extended_l2=on', '1P'), ('cluster_size=4k', '8T'),
                                           ('cluster_size=2M,refcount_bits=1', '2E'), ('cluster_size=1k,refcount_bits=64', '64G')])
def test_the_largest_images(work, options, size):
    """The L1 table is as long as it may be; one byte more is too much."""
    same_images(work, [(['-f', 'qcow2', '-o', options], size)])


def test_names_fill_the_header(work):
    same_images(work, [(['-f', 'qcow2', '-u', '-b', 'x' * length, '-F', 'raw', '-o', f'cluster_size={cluster},compat={compat}'], MIB)
                       for cluster, compat, lengths in ((512, 'v2', (1, 415, 416)), (512, 'v3', (1, 375, 376)), (1024, 'v3', (888,)),
                                                        (8192, 'v3', (1, 7, 8, 1023)))
                       for length in lengths])


# ---- words ----

BAD = '''
-f nosuch
-f blkdebug
-f null-co
-f raw -o cluster_size=64k
-f raw -o preallocation=metadata
-f raw -o preallocation=x
-f raw -o nocow=x
-f raw -b x
-f raw -b x -F raw
-f raw -F raw
-o size=2M
-o size=x
-o nosuch=1
-o nosuch
-o encrypt=1
-o ,
-o compat=1.1,
-o encryption=x
-o compat=1
-o compat=V3
-o compat=1.1,,compat=0.10
-o cluster_size=0
-o cluster_size=256
-o cluster_size=1000
-o cluster_size=4M
-o cluster_size=-1
-o cluster_size=x
-o refcount_bits=0
-o refcount_bits=3
-o refcount_bits=128
-o refcount_bits=-1
-o refcount_bits=x
-o refcount_bits=99999999999999999999
-o refcount_bits=8,compat=0.10
-o compression_type=x
-o compression_type=zstd,compat=0.10
-o lazy_refcounts=x
-o lazy_refcounts=on,compat=0.10
-o extended_l2=on,cluster_size=8k
-o extended_l2=on,compat=0.10
-o preallocation=x
-o data_file=d,compat=0.10
-o data_file_raw=on
-o data_file=
-b base
-b raw
-b none -F raw
-b base.raw -F qcow2
-b base -F nosuch
-b . -F raw
-b nowhere/x -F raw
-b ./image -F raw
-b image -F raw
-u -b none
-u -b none -F nosuch
-o backing_file=base
-b base -F qcow2 -o preallocation=metadata
-b base -F qcow2 -o preallocation=falloc,compat=0.10
-b base -F qcow2 -o data_file=d,data_file_raw=on
'''.strip().split('\n')


@pytest.mark.parametrize('first', range(0, len(BAD), 10))
def test_what_is_refused(work, first):
    qemu_img('create', '-q', '-f', 'qcow2', 'base', MIB, cwd=work)
    qemu_img('create', '-q', '-f', 'raw', 'base.raw', MIB, cwd=work)
    before = sorted(os.listdir(work))
    for words in BAD[first:first + 10]:
        args = words.split()
        args = args if args[0] == '-f' else ['-f', 'qcow2', *args]
        for size in ('1M', None) if '-b' in args else ('1M',):
            ours, theirs = create(work, args, 'image', size), reference(work, args, 'image', size)
            assert (ours.out, ours_as_theirs(ours.err), ours.status) == (theirs.stdout, theirs.stderr.rstrip('\n'), theirs.returncode), words
            if '-f raw' in words:
                (work / 'image').unlink(missing_ok=True)  # the reference leaves it
            assert sorted(os.listdir(work)) == before, words


@pytest.mark.parametrize('format', ['raw', 'qcow2'])
def test_sizes_that_are_refused(work, format):
    for size in (None, 'x', '1.5', '8E', '1KiB', '9223372036854775807'):
        ours, theirs = create(work, ['-f', format], 'image', size), reference(work, ['-f', format], 'image', size)
        assert (ours.out, ours_as_theirs(ours.err), ours.status) == (theirs.stdout, theirs.stderr.rstrip('\n'), theirs.returncode), size
        (work / 'image').unlink(missing_ok=True)


def test_too_large_images(work):
    for options, size in (('cluster_size=64k', '2049T'), ('cluster_size=512', '129G'), ('extended_l2=on', '1025T'), ('cluster_size=2M', '7E')):
        ours, theirs = (run(work, ['-f', 'qcow2', '-o', options], 'image', size) for run in (create, reference))
        assert (ours.out, ours_as_theirs(ours.err)) == (theirs.stdout, theirs.stderr.rstrip('\n'))
        assert not os.listdir(work)


def test_names_that_are_too_long(work):
    for cluster, length in ((512, 377), (1024, 889), (65536, 1024)):
        args = ['-f', 'qcow2', '-u', '-b', 'x' * length, '-F', 'raw', '-o', f'cluster_size={cluster}']
        ours, theirs = create(work, args, 'image', '1M'), reference(work, args, 'image', '1M')
        assert (ours.out, ours_as_theirs(ours.err)) == (theirs.stdout, theirs.stderr.rstrip('\n'))
        assert not os.listdir(work)


def test_what_is_made_is_told(work):
    qemu_img('create', '-q', '-f', 'qcow2', 'base', MIB, cwd=work)
    for args in (['-f', 'raw', '-o', 'preallocation=full,nocow=on'], ['-f', 'qcow2', '-o', 'lazy_refcounts=yes,cluster_size=4k,compat=v3'],
                 ['-f', 'qcow2', '-b', 'base', '-F', 'qcow2', '-o', 'nocow=off,extended_l2=on,preallocation=off'],
                 ['-f', 'qcow2', '-u', '-b', 'a,b', '-F', 'raw'], ['-f', 'qcow2', '-o', 'nolazy_refcounts,size=2M']):
        size = None if 'size=2M' in args[-1] else '1M'
        ours, theirs = create(work, args, 'ours', size), reference(work, args, 'them', size)
        assert ours.out == theirs.stdout.replace('them', 'ours')
        (work / 'ours').unlink()


def test_encrypted_images_are_refused(work):
    for options in ('encryption=on', 'encrypt.format=luks', 'encrypt.format=aes,encrypt.key-secret=x'):
        result = create(work, ['-f', 'qcow2', '-o', options], 'image', '1M')
        assert "Encrypted images can't be made: Operation not supported" in result.err and result.status == 1
        assert not os.listdir(work)


def test_the_reference_program_has_no_such_command(work):
    ours, theirs = (run('-c', 'create image 1M', '-c', 'help create', cwd=work) for run in (support.drop_in, support.reference))
    assert (ours.out, ours.err, ours.status) == (theirs.out, theirs.err, theirs.status)


# ---- files ----

def test_a_relative_backing_file_is_beside_the_image(work):
    (work / 'folder').mkdir()
    qemu_img('create', '-q', '-f', 'raw', 'folder/base', 3 * MIB, cwd=work)
    assert create(work, ['-q', '-f', 'qcow2', '-b', 'base', '-F', 'raw'], 'folder/image', None).status == 0
    assert 'virtual size: 3 MiB' in qemu_img('info', 'folder/image', cwd=work).stdout
    assert support.blkscope('-c', 'length', 'folder/image', cwd=work).out == '3 MiB\n'


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB))


@pytest.mark.parametrize('args', [['-f', 'raw', '-o', 'preallocation=full'], ['-f', 'qcow2', '-o', 'preallocation=full'],
                                  ['-f', 'qcow2', '-o', 'cluster_size=2M'], ['-f', 'raw']], ids=str)
def test_nothing_is_left_where_there_is_no_room(work, args):
    for there in (False, True):
        if there:
            (work / 'image').write_text('mine')
        result = create(work, ['-y', *args], 'image', '64M', preexec_fn=limited)
        assert result.status == 1 and 'blkscope: image: ' in result.err
        assert os.listdir(work) == (['image'] if there else [])
    assert (work / 'image').read_text() == 'mine'


def until(condition):
    end = time.monotonic() + support.DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def nameless_files(folder):
    """Whether there are files without a name on its file system."""
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_RDWR))
    except OSError:
        return False
    return True


def has_begun(process, folder):
    """The program has a file of the folder open that is not to have this name, or none."""
    links = [os.readlink(link) for link in Path(f'/proc/{process.pid}/fd').iterdir() if link.is_symlink()]
    return any(link.startswith(f'{folder}/') and (link.endswith(' (deleted)') or '.blkscope-' in link) for link in links)


@pytest.mark.parametrize('there', [False, True], ids=['new', 'replaced'])
@pytest.mark.parametrize('args', [['-w'], ['-w', '--no-sandbox'], []], ids=str)
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=str)
def test_nothing_is_left_after_a_signal(work, args, number, there):
    """It has no name before it is whole; with a sandbox the broker cleans up, whatever ends the program; then it may still be at it."""
    if number == signal.SIGKILL and args and not nameless_files(work):
        pytest.skip('the file system has no files without a name')
    if there and not args:
        pytest.skip('nothing is replaced in the sandbox')
    images.create(work / 'open.qcow2', MIB)
    folder = work / 'new'
    folder.mkdir()
    left = ['image'] if there else []
    for name in left:
        (folder / name).write_text('mine')
    force = '-y ' if there else ''
    process = subprocess.Popen([support.BLKSCOPE, *args, '-c', f'create -q {force}-f raw -o preallocation=full image 8G', '../open.qcow2'], cwd=folder,
                               env=support.environment(), stdin=subprocess.DEVNULL)
    try:
        until(lambda: has_begun(process, folder))
    finally:
        process.send_signal(number)
        assert process.wait(support.DEADLINE) == -number
    until(lambda: os.listdir(folder) == left)
    assert not there or (folder / 'image').read_text() == 'mine'


@pytest.mark.parametrize('where', ['/dev/shm', '/var/tmp'])
def test_with_and_without_files_that_have_no_name(work, where):
    """The same comes of both ways, with the mode that others have; a link to nowhere is not replaced."""
    with tempfile.TemporaryDirectory(dir=where) as name:
        folder = Path(name)
        old = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=access,faccessat,faccessat2', '-e', 'inject=access,faccessat,faccessat2:error=ENOENT']
        for way in [[], old] if shutil.which('strace') else [[]]:
            for command in ['create -q -f qcow2 new 1M', 'create -q -y -f qcow2 new 2M', 'create -q -f qcow2 -o data_file=data other 1M']:
                subprocess.run([*way, support.BLKSCOPE, '-w', '--no-sandbox', '-c', command], cwd=folder, env=support.traced(), check=True)
            assert sorted(os.listdir(folder)) == ['data', 'new', 'other'], way
            assert (folder / 'new').stat().st_mode & 0o777 == 0o644
            subprocess.run(['qemu-img', 'check', '-q', 'new'], cwd=folder, check=True)
            (folder / 'link').symlink_to('nowhere')
            result = support.blkscope('-w', '--no-sandbox', '-c', 'create -q -f raw link 1M', cwd=folder)
            assert result.status == 1 and 'File exists' in result.err, result
            for left in folder.iterdir():
                left.unlink()


@pytest.mark.skipif(not shutil.which('strace'), reason='strace is not installed')
def test_what_was_put_into_place_is_taken_back(work):
    """The data file replaces one, then the image can't: the old data file is there again."""
    for name in 'data', 'image':
        (work / name).write_text(f'my {name}')
    strace = ['strace', '-f', '-o', '/dev/null', '-e', 'trace=renameat2', '-e', 'inject=renameat2:error=EIO:when=2']
    result = subprocess.run([*strace, support.BLKSCOPE, '--no-sandbox', '-w', '-c', 'create -y -f qcow2 -o data_file=data image 1M'], cwd=work,
                            env=support.traced(), capture_output=True, text=True)
    assert result.returncode == 1 and 'Input/output error' in result.stderr, result
    assert {name: (work / name).read_text() for name in os.listdir(work)} == {'data': 'my data', 'image': 'my image'}


def test_the_image_that_is_open_can_be_a_backing_file(work):
    images.create(work / 'base.qcow2', MIB)
    result = support.blkscope('-w', '-c', 'write 0 4k', '-c', 'create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2', '-c', 'write 4k 4k', 'base.qcow2', cwd=work)
    assert result.status == 0, result
    assert support.blkscope('--refs', 'follow', '-c', 'length', 'top.qcow2', cwd=work).out == '1 MiB\n'


def test_an_image_that_others_have_open_is_not_replaced(work):
    path = work / 'image'
    path.write_bytes(bytes(MIB))
    with open(path, 'rb') as file:
        fcntl.fcntl(file, support.F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_RDLCK, os.SEEK_SET, 100, 1, 0))
        result = create(work, ['-y'], 'image', '2M')
    assert result.status == 1 and 'lock' in result.err, result
    assert path.stat().st_size == MIB and os.listdir(work) == ['image']
    assert create(work, ['-y'], 'image', '2M').status == 0


def test_names_are_shown_safely(work):
    result = create(work, ['-f', 'qcow2', '-u', '-b', 'a\x1b[31mb', '-F', 'raw'], "'x\x1b]0;y'", '1M')
    assert result.status == 0 and '\x1b' not in result.out + result.err
    assert os.listdir(work) == ['x\x1b]0;y']
    images.reference_io(work / 'x\x1b]0;y', 'length')
