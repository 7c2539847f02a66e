# SPDX-License-Identifier: GPL-3.0-or-later
"""`reopen -o backing=NODE`: another node of the same image as the backing file, as in the reference program."""
import sys
from pathlib import Path

import pytest

import support
from support import KIB, MIB

sys.path.insert(0, str(Path(__file__).parent))

from images import create  # noqa: E402

CHAIN = ('driver=qcow2,file.filename=top,file.node-name=top-file,node-name=top,backing.driver=qcow2,backing.file.filename=mid,'
         'backing.node-name=mid,backing.file.node-name=mid-file,backing.backing.driver=raw,backing.backing.file.filename=base,'
         'backing.backing.node-name=base,backing.backing.file.node-name=base-file')
NONE = 'driver=qcow2,file.filename=top,file.node-name=top-file,node-name=top,backing='
RAW = 'driver=raw,node-name=raw,file.driver=file,file.filename=base,file.node-name=base-file'
LOOK = ['read -v 0 16', 'read -v 64k 16', 'read -v 700k 16', 'length', 'map']


@pytest.fixture
def chain(work):
    (work / 'base').write_bytes(bytes([1]) * MIB)
    for name, backing, form, pattern, offset in (('mid', 'base', 'raw', 2, 0), ('top', 'mid', 'qcow2', 3, 64 * KIB)):
        create(work / name, MIB, backing=backing, backing_format=form)
        support.reference('-c', f'write -P {pattern} {offset} 64k', name, cwd=work)
    return work


def both(work, options, commands, *switches):
    """The same through both programs, on images that are what they were before."""
    before = {name: (work / name).read_bytes() for name in ('base', 'mid', 'top')}
    results = []
    for run in support.reference, support.drop_in:
        for name, data in before.items():
            (work / name).write_bytes(data)
        result = run('--image-opts', *switches, *support.commands(commands), options, cwd=work)
        results.append((support.without_times(result.out), result.err, result.status, {name: (work / name).read_bytes() for name in before}))
    assert results[0] == results[1]
    return results[1]


CASES = {
    'a layer is passed over': ['reopen -o backing=base'],
    'the file of one': ['reopen -o backing=base-file'],
    'the file of the layer that is passed over': ['reopen -o backing=mid-file'],
    'its own file': ['reopen -o backing=top-file'],
    'the same one': ['reopen -o backing=mid'],
    'further down': ['reopen -o backing.backing=base-file', 'read -v 128k 16'],
    'further down, a file that others write': ['reopen -o backing.backing=top-file'],
    'in steps': ['reopen -o backing.backing=base-file', 'reopen -o backing=base-file', 'reopen -o backing=top-file'],
    'what was passed over is not there any more': ['reopen -o backing=base', 'reopen -o backing=mid'],
    'a loop': ['reopen -o backing=top'],
    'a loop further down': ['reopen -o backing.backing=top'],
    'a loop of one': ['reopen -o backing.backing=mid'],
    'nobody': ['reopen -o backing=nope'],
    'no name': ['reopen -o backing='],
    'options beside the name': ['reopen -o backing=base,backing.read-only=on'],
    'options beside the same name': ['reopen -o backing=mid,backing.read-only=on'],
    'options of the layer after that': ['reopen -o backing=base,backing.backing.read-only=on'],
    'options further down': ['reopen -o backing.backing=base-file,backing.backing.read-only=on'],
    'a name beside a name': ['reopen -o backing=base,backing.backing=base-file'],
    'another option fails': ['reopen -o backing=base,lazy-refcounts=perhaps', 'reopen -r -o backing=base,foo=1', 'write -P 7 300k 4k'],
    'with other changes': ['reopen -r -o backing=base', 'write -P 7 0 4k', 'reopen -w', 'write -P 7 0 4k', 'read -P 1 4k 60k'],
    'reopened after it': ['reopen -o backing=base', 'reopen -c unsafe', 'reopen -o backing.read-only=on', 'reopen -r', 'reopen -w', 'write -P 9 600k 4k'],
    'then what surrounds a write is of the new one': ['reopen -o backing=base', 'write -P 9 4k 4k', 'read -P 1 0 4k', 'read -P 1 8k 56k'],
}


@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('switch', [(), ('-r',), ('-t', 'none')], ids=['writable', 'read-only', 'direct'])
def test_as_the_reference_program(chain, case, switch):
    out = both(chain, CHAIN, [*CASES[case], *LOOK], *switch)[0]
    if case == 'a layer is passed over':
        assert out.startswith('00000000:  01 01')


def test_where_there_was_none(chain):
    both(chain, NONE, ['read -v 0 16', 'reopen -o backing=top-file', *LOOK, 'reopen -o backing=x'])
    both(chain, RAW, ['reopen -o backing=base-file', 'length'])
    both(chain, RAW, ['reopen -o file.backing=base-file', 'length'])


def test_with_copy_on_read(chain):
    both(chain, CHAIN, ['reopen -o backing=base', 'read -P 1 0 64k', *LOOK], '-C')


def test_the_image_is_sound_and_the_layer_left_out_untouched(chain):
    mid = (chain / 'mid').read_bytes()
    result = support.blkscope('-w', '--image-opts', *support.commands(['reopen -o backing=base', 'write -P 5 0 4k', 'read -P 1 4k 60k', 'chain', 'check']), CHAIN,
                              cwd=chain)
    assert result.status == 0 and 'Pattern verification failed' not in result.out and 'mid' not in result.out.replace("named 'mid'", ''), result
    assert (chain / 'mid').read_bytes() == mid


def test_not_below_a_temporary_layer(chain):
    result = support.blkscope('-w', '-s', '--image-opts', *support.commands(['reopen -o backing.backing=base', 'read -P 2 0 64k']), CHAIN, cwd=chain)
    assert 'open the image without -s' in result.err and 'Pattern verification failed' not in result.out


def test_parts_of_a_layer_that_was_left_out_stay(chain):
    """The panels have handles of the layers: what they show may be of one that is no part of the chain any more."""
    (chain / 'script').write_text('i\nhex-host 1\nreopen -o backing=base\nmap-only 1\nmap --summary\nclose\n')
    result = support.blkscope('--headless', '--script', 'script', '--image-opts', CHAIN, cwd=chain)
    assert result.status in (0, 1) and 'Sanitizer' not in result.err, result
