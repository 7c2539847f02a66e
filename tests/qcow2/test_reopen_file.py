# SPDX-License-Identifier: GPL-3.0-or-later
"""`reopen -o file=NODE`: another node of the same image as the file of raw or throttle, as in the reference program."""
import sys
from pathlib import Path

import pytest

import support
from support import KIB, MIB

sys.path.insert(0, str(Path(__file__).parent))

from images import create  # noqa: E402

WINDOW = ('driver=raw,node-name=t,file.driver=raw,file.node-name=m,file.offset=4k,file.size=128k,'
          'file.file.filename=base,file.file.driver=file,file.file.node-name=f')
QCOW2 = ('file.driver=qcow2,file.node-name=q,file.file.driver=file,file.file.filename=top,file.file.node-name=qf,file.backing.driver=raw,'
         'file.backing.node-name=b,file.backing.file.driver=file,file.backing.file.filename=base,file.backing.file.node-name=bf')
CHAIN_TOP = QCOW2.replace('file.', '', 1).replace(',file.', ',')
OVER_QCOW2 = f'driver=raw,node-name=t,{QCOW2}'
THROTTLED = f'driver=throttle,throttle-group=g,node-name=t,{QCOW2}'
GROUP = ('--object', 'throttle-group,id=g')
BLKDEBUG = 'driver=raw,node-name=t,file.driver=blkdebug,file.node-name=m,file.image.driver=file,file.image.filename=base,file.image.node-name=f'
LOOK = ['read -v 0 16', 'read -v 64k 16', 'length', 'map']


@pytest.fixture
def images(work):
    (work / 'base').write_bytes(bytes([1]) * 4096 + bytes([2]) * (MIB - 4096))
    create(work / 'top', MIB, backing='base', backing_format='raw')
    support.reference('-c', f'write -P 3 {64 * KIB} 64k', 'top', cwd=work)
    return work


def run(program, work, options, commands, *switches):
    result = program('--image-opts', *switches, *support.commands(commands), options, cwd=work)
    return support.without_times(result.out), result.err, result.status, {name: (work / name).read_bytes() for name in ('base', 'top')}


def both(work, options, commands, *switches):
    """The same through both programs, on images that are what they were before."""
    before = {name: (work / name).read_bytes() for name in ('base', 'top')}
    results = []
    for program in support.reference, support.drop_in:
        for name, data in before.items():
            (work / name).write_bytes(data)
        results.append(run(program, work, options, commands, *switches))
    assert results[0] == results[1]
    return results[1]


WRITE = ['write -P 7 4k 4k', *LOOK]
CASES = {
    'a window is left out': (WINDOW, ['reopen -o file=f', *WRITE, 'truncate 2M', 'length', 'reopen -o file=m']),
    'with a window of its own': (WINDOW, ['reopen -o file=f,offset=64k', *WRITE]),
    'and back to none': (WINDOW, ['reopen -o file=f,offset=64k', 'reopen -o offset=0', *WRITE]),
    'the same one': (WINDOW, ['reopen -o file=m', *LOOK]),
    'nobody': (WINDOW, ['reopen -o file=zz', 'reopen -o file=', 'reopen -o file.file=zz', *LOOK]),
    'loops': (WINDOW, ['reopen -o file=t', 'reopen -o file.file=m', 'reopen -o file.file=t', 'reopen -o file.file.file=f', *LOOK]),
    'a file of a file': (WINDOW.replace('node-name=t,', 'node-name=t,read-only=off,'), ['reopen -o file.file.file=zz', *LOOK]),
    'options beside the name': (WINDOW, ['reopen -o file=f,file.offset=0', 'reopen -o file=m,file.read-only=on', 'reopen -o file.file=f,file=f', *LOOK]),
    'another option fails': (WINDOW, ['reopen -o file=f,nope=1', 'reopen -o file=f,driver=qcow2', 'reopen -o file=f,size=100', *WRITE]),
    'with requests under way': (WINDOW, ['aio_write -P 5 0 64k', 'reopen -o file=f', 'aio_flush', *LOOK]),
    'blkdebug is left out': (BLKDEBUG, ['reopen -o file=f', *WRITE, 'reopen -o file.file=f']),
    'what tables are in': (OVER_QCOW2, ['reopen -o file=qf', *WRITE]),
    'a file that is read-only': (OVER_QCOW2, ['reopen -o file=b', 'reopen -o file=bf', *WRITE]),
    'read-only first': (OVER_QCOW2, ['reopen -r', 'reopen -o file=bf', *LOOK, 'reopen -w', *WRITE]),
    'the file of the image, read-only first': (OVER_QCOW2, ['reopen -r', 'reopen -o file=qf', *LOOK, 'reopen -w', *WRITE]),
    'throttle': (THROTTLED, ['reopen -o file=bf', 'reopen -r', 'reopen -o file=bf', 'read -v 0 16', 'reopen -w']),
    'below a layer': (CHAIN_TOP, ['reopen -o backing.file=qf', *WRITE, 'read -v 960k 16', 'reopen -o backing.file=q']),
}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('switch', [(), ('-r',), ('-t', 'none')], ids=['writable', 'read-only', 'direct'])
def test_as_the_reference_program(images, case, switch):
    options, commands = CASES[case]
    both(images, options, commands, *switch, *GROUP)


@pytest.mark.parametrize('driver', ['copy-on-read', 'compress', 'snapshot-access'])
def test_of_drivers_that_are_never_reopened(images, driver):
    both(images, f'driver={driver},node-name=t,{QCOW2}', ['reopen -o file=bf', 'reopen -o file=zz', 'length'])


def test_with_copy_on_read(images):
    both(images, WINDOW, ['reopen -o file=f', *WRITE], '-C')



BELOW_TABLES = ('driver=qcow2,node-name=q,file.driver=raw,file.node-name=m,file.file.driver=raw,file.file.node-name=n,file.file.file.driver=file,'
                'file.file.file.filename=top,file.file.file.node-name=f')
ROOM = ('driver=raw,node-name=t,file.driver=preallocate,file.node-name=m,file.prealloc-size=1M,file.file.driver=file,file.file.filename=base,'
        'file.file.node-name=f')
IMAGE = 'driver=blkdebug,node-name=m,image.driver=raw,image.node-name=i,image.file.driver=file,image.file.filename=base,image.file.node-name=f'
TABLES = "goes by what it knows of its file, which can't be another one"
REFUSED = {
    'tables': (CHAIN_TOP, (), 'file=bf', f"Node 'q' ('qcow2') {TABLES}"),
    'the file of what tables are in': (BELOW_TABLES, (), 'file.file=f', f"Node 'q' ('qcow2') {TABLES}"),
    'blkdebug': (IMAGE, (), 'file=f', "Driver 'blkdebug' of node 'm' has no child 'file'"),
    'below blkdebug': (IMAGE.replace('image.file.', 'image.file.file.').replace('image.file.file.driver', 'image.file.driver=raw,image.file.file.driver'), (),
                       'image.file=f', f"Node 'm' ('blkdebug') {TABLES}"),
    'a window beyond the end of a shorter file': (OVER_QCOW2.replace('node-name=t', 'node-name=t,offset=512k'), ('-r',), 'file=qf',
                                                  'Offset (524288) cannot be greater than size of the containing file (393216)'),
    'a length beyond the end': (WINDOW, (), 'file=f,size=8M', 'smaller or equal to the  actual size of the containing file (1048576)'),
    'room that is to be given back': (ROOM, (), 'file=f', "Node 'm' ('preallocate') may have to write to its file once more: 'reopen -r' first"),
    'below a temporary layer': (WINDOW, ('-s',), 'backing.file=f', 'No backing file can be changed below a temporary layer, and no file'),
}


@pytest.mark.parametrize('case', REFUSED)
def test_what_is_refused_changes_nothing(images, case):
    options, switch, change, why = REFUSED[case]
    before = run(support.drop_in, images, options, [*LOOK, 'info'], *switch)
    after = run(support.drop_in, images, options, [f'reopen -o {change}', *LOOK, 'info'], *switch)
    assert why in after[1] and after[0] == before[0] and after[3] == before[3]


def test_panels_follow_and_parts_that_were_left_out_stay(images):
    (images / 'script').write_text('i\nhex-host 1\nreopen -r\nreopen -o file=bf\nmap-only 1\nmap --summary\nchain\nclose\n')
    result = support.blkscope('--headless', '--script', 'script', '--image-opts', OVER_QCOW2, cwd=images)
    assert result.status in (0, 1) and 'Sanitizer' not in result.err, result


def test_what_is_above_follows(images):
    """The name and the length of a window over a node whose file is another one now."""
    options = 'driver=raw,node-name=t,file.driver=raw,file.node-name=m' + f',{QCOW2}'.replace(',file.', ',file.file.')
    result = support.drop_in('-r', '--image-opts', *support.commands(['reopen -o file.file=qf', 'length', 'info']), options, cwd=images)
    assert result.out.startswith('384 KiB\n') and result.status == 0, result
    chain = support.blkscope('--image-opts', *support.commands(['reopen -o file.file=bf', 'chain']), options, cwd=images)
    assert 'base' in chain.out and 'top' not in chain.out, chain


def test_throttle_is_as_long_as_the_new_file(images):
    """The reference program goes by the old one's length until it is opened again."""
    result = support.drop_in('-r', '--image-opts', *GROUP, *support.commands(['reopen -o file=qf', 'length']), THROTTLED, cwd=images)
    assert result.out == '384 KiB\n', result
