# SPDX-License-Identifier: GPL-3.0-or-later
"""`reopen -o file=NODE`: another node of the same image as the file of raw or throttle, as in the reference program."""
import sys
from pathlib import Path

import pytest

import support
from support import KIB, MIB

sys.path.insert(0, str(Path(__file__).parent))

from images import create, qemu_img  # noqa: E402

WINDOW = ('driver=raw,node-name=t,file.driver=raw,file.node-name=m,file.offset=4k,file.size=128k,'
          'file.file.filename=base,file.file.driver=file,file.file.node-name=f')
QCOW2 = ('file.driver=qcow2,file.node-name=q,file.file.driver=file,file.file.filename=top,file.file.node-name=qf,file.backing.driver=raw,'
         'file.backing.node-name=b,file.backing.file.driver=file,file.backing.file.filename=base,file.backing.file.node-name=bf')
CHAIN_TOP = QCOW2.replace('file.', '', 1).replace(',file.', ',')
OVER_QCOW2 = f'driver=raw,node-name=t,{QCOW2}'
THROTTLED = f'driver=throttle,throttle-group=g,node-name=t,{QCOW2}'
GROUP = ('--object', 'throttle-group,id=g')
BLKDEBUG = 'driver=raw,node-name=t,file.driver=blkdebug,file.node-name=m,file.image.driver=file,file.image.filename=base,file.image.node-name=f'
ROOM = ('driver=raw,node-name=t,file.driver=preallocate,file.node-name=m,file.prealloc-size=1M,file.file.driver=file,file.file.filename=base,'
        'file.file.node-name=f')
ROOM_OVER_WINDOW = ROOM.replace('file.file.', 'file.file.driver=raw,file.file.node-name=w,file.file.file.', 1).replace(',file.file.filename', ',file.file.file.filename') \
    .replace(',file.file.node-name=f', ',file.file.file.node-name=f')
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
    'preallocate is left out': (ROOM, ['reopen -o file=f', *WRITE]),
    'the file of preallocate': (ROOM_OVER_WINDOW, ['truncate 2M', 'write -P 6 1M 64k', 'reopen -o file.file=f', 'length', 'truncate 3M', *WRITE]),
    'what blkdebug has': (BLKDEBUG, ['reopen -o file.file=f', 'reopen -o file.image=f', 'reopen -o file.file=zz', *LOOK]),
    'what has one file only': (THROTTLED, ['reopen -o backing=bf', 'reopen -o file.data-file=bf']),
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
    both(images, f'driver={driver},node-name=t,{QCOW2}', ['reopen -o file=bf', 'reopen -o file=zz', 'reopen -o backing=bf', 'reopen -o backing=',
                                                          'reopen -o file.file=zz', 'length'])


def test_of_quorum(images):
    options = ('driver=quorum,vote-threshold=1,node-name=t,children.0.driver=raw,children.0.node-name=w,children.0.file.filename=base,'
               'children.0.file.node-name=f,children.1.driver=file,children.1.filename=top,children.1.node-name=g')
    both(images, options, ['reopen -o backing=f', 'reopen -o children.0=f', 'reopen -o children.0.file=g', 'reopen -o vote-threshold=2', 'length'])


BREAKS = 'file.driver=blkdebug,file.node-name=m,file.image.driver=raw,file.image.node-name=w,file.image.offset=4k,file.image.file.filename=base,file.image.file.node-name=f'


def test_another_file_for_blkdebug(images):
    """The reference program ends by a signal.  Breakpoints and errors go with the node, and what is above follows."""
    commands = ['break read_aio A', 'reopen -o file.file=f', 'length', 'aio_read -P 1 0 4k', 'wait_break A', 'resume A', 'aio_flush', 'write -P 9 0 4k',
                'read -P 9 0 4k', 'info', 'reopen -o file.file=w']
    result = support.drop_in('--image-opts', *support.commands(commands), f'driver=raw,node-name=t,{BREAKS}', cwd=images)
    assert 'blkdebug: Resuming' in result.out and result.out.startswith('1 MiB\n') and 'Pattern verification' not in result.out, result
    assert result.err == "qemu-io: Cannot find device='' nor node-name='w'\n", result
    data = (images / 'base').read_bytes()
    assert data[:4096] == bytes([9]) * 4096 and data[4096:8192] == bytes([2]) * 4096


def test_encryption_of_an_image_that_has_none(images):
    both(images, CHAIN_TOP, ['reopen -o encrypt.format=luks', 'reopen -o encrypt.key-secret=x', 'length'])


def test_a_data_file_can_not_be_another_one(images):
    qemu_img('create', '-q', '-f', 'qcow2', '-o', 'data_file=base,data_file_raw=on', 'ext', '1M', cwd=images)
    both(images, 'driver=qcow2,node-name=q,file.filename=ext,file.node-name=f', ['reopen -o data-file=f', 'reopen -o data-file='])


def test_with_copy_on_read(images):
    both(images, WINDOW, ['reopen -o file=f', *WRITE], '-C')



BELOW_TABLES = ('driver=qcow2,node-name=q,file.driver=raw,file.node-name=m,file.file.driver=raw,file.file.node-name=n,file.file.file.driver=file,'
                'file.file.file.filename=top,file.file.file.node-name=f')
TABLES = "goes by tables that it has read from it.  Close the image and open it over the other file"
REFUSED = {
    'tables': (CHAIN_TOP, (), 'file=bf', f"The file of node 'q' can't be replaced by 'bf': node 'q' (qcow2) {TABLES}"),
    'the file of what tables are in': (BELOW_TABLES, (), 'file.file=f', f"The file of node 'm' can't be replaced by 'f': node 'q' (qcow2) {TABLES}"),
    'tables below blkdebug': ('driver=blkdebug,node-name=m' + f',{QCOW2}'.replace(',file.', ',image.', 1).replace(',file.', ',image.'), (),
                              'image.file=bf', f"node 'q' (qcow2) {TABLES}"),
    'a window beyond the end of a shorter file': (OVER_QCOW2.replace('node-name=t', 'node-name=t,offset=512k'), ('-r',), 'file=qf',
                                                  'Offset (524288) cannot be greater than size of the containing file (393216)'),
    'a length beyond the end': (WINDOW, (), 'file=f,size=8M', 'smaller or equal to the  actual size of the containing file (1048576)'),
    'below a temporary layer': (WINDOW, ('-s',), 'backing.file=f', "What the temporary layer of -s holds belongs to the files below it, which can't be "
                                'other ones: open the image without -s'),
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
