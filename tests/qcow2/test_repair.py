# SPDX-License-Identifier: GPL-3.0-or-later
"""`check -r` says and does what `qemu-img check -r` does, to the byte of the image, and repairs what that gives up on."""
import random
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch, qemu_img, scatter, write  # noqa: E402
import support  # noqa: E402
from support import MIB, blkscope, same_bytes  # noqa: E402
from test_check import CASES, COMPRESSED, COPIED, EXTENDED, places  # noqa: E402

pytestmark = pytest.mark.in_memory

# The reference program marks the image corrupt and gives up.
REFERENCE_FAILS = {'block unaligned', 'block reserved'}
# A block at an offset no file can have: the reference program tries to make the file so long, and goes on when that fails.
OTHER_WORDS = 'refcount table in L1'


def lines(*texts):
    return sorted(line for text in texts for line in text.splitlines()
                  if re.match(r'ERROR|Leaked|Repairing|Rebuilding|    \d|\d+ (errors|leaked)|No errors|Can\'t', line))


def twins(image, mode):
    theirs, ours = image.with_name('theirs.qcow2'), image.with_name('ours.qcow2')
    shutil.copy(image, theirs)
    shutil.copy(image, ours)
    their_result = qemu_img('check', '-r', mode, theirs.name, cwd=image.parent, check=False)
    our_result = blkscope('-c', f'open -w -o repair=on {ours.name}', '-c', f'check -r {mode}', cwd=image.parent)
    return theirs, ours, their_result, our_result


def same_repair(image):
    for mode in ('leaks', 'all'):
        theirs, ours, their_result, our_result = twins(image, mode)
        assert lines(their_result.stdout, their_result.stderr) == lines(our_result.out, our_result.err), mode
        assert their_result.returncode == our_result.status, f'{mode}\n{our_result}'
        assert same_bytes(theirs, ours) is None, f'{mode}: {same_bytes(theirs, ours)}\n{our_result}'


def damage(image, edits):
    where = places(image)
    patch(image, *((where[edit[0]] + edit[1], *edit[2:]) if isinstance(edit[0], str) else edit for edit in edits))


MORE = {
    'last cluster unaligned': [('l2', 8, 'Q', COPIED | 0x60200)], 'refcount 0 in use': [('block', 20 - 10, 'H', 0)],
    'refcount 0 and a leak': [('block', 10, 'H', 0), ('l2', 8, 'Q', 0)], 'marked corrupt': [(72, 'Q', 2)], 'marked dirty': [(72, 'Q', 1)],
    'marked dirty, and a leak': [(72, 'Q', 1), ('l2', 0, 'Q', 0)], 'marked corrupt, and bad': [(72, 'Q', 2), ('l2', 8, 'Q', COPIED | 0x60002)],
    'data in the refcount table': [('l2', 0, 'Q', COPIED | 0x10000)], 'all refcounts 0': [('block', 2 * i, 'H', 0) for i in range(7)],
}


@pytest.mark.parametrize('name', [name for name in {**CASES, **MORE} if name not in {*REFERENCE_FAILS, OTHER_WORDS}])
def test_case(work, name):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    damage(image, {**CASES, **MORE}[name])
    same_repair(image)


@pytest.mark.parametrize('name', sorted(REFERENCE_FAILS))
def test_what_the_reference_gives_up_on(work, name):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write -P 5 0 128k')
    damage(image, CASES[name])
    theirs, ours, their_result, our_result = twins(image, 'all')
    assert their_result.returncode == 1 and our_result.status == 0
    assert qemu_img('check', ours).returncode == 0
    assert images.reference_io(ours, 'read -P 5 0 128k').status == 0


def test_a_block_where_no_file_reaches(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    damage(image, CASES[OTHER_WORDS])
    theirs, ours, their_result, our_result = twins(image, 'all')
    assert their_result.returncode == our_result.status == 0
    assert same_bytes(theirs, ours) is None


@pytest.mark.parametrize('name', EXTENDED)
def test_extended(work, name):
    image = create(work / 'a.qcow2', MIB, extended_l2='on')
    write(image, 'write 0 128k')
    patch(image, *((images.l2_table(image) + at, 'Q', word) for at, word in EXTENDED[name]))
    same_repair(image)


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize('cluster', [512, 65536])
def test_refcounts_of_every_width(work, bits, cluster):
    image = create(work / 'a.qcow2', MIB, refcount_bits=bits, cluster_size=cluster)
    write(image, 'write 0 900k')
    block = images.field(image, images.field(image, 48))
    rand = random.Random(bits)
    patch(image, *((block + rand.randrange(cluster // 64), 'B', rand.randrange(256)) for _ in range(8)))
    same_repair(image)
    table = images.field(image, 48)
    patch(image, *((table + 8 * i, 'Q', 0) for i in range(0, 4, 2)))
    same_repair(image)


@pytest.mark.parametrize('seed', range(12))
def test_snapshots_and_shared_clusters(work, seed):
    rand = random.Random(seed)
    image = create(work / 'a.qcow2', MIB, cluster_size=4096, compat=['0.10', '1.1'][seed % 2])
    scatter(image, MIB, seed, cluster=4096)
    qemu_img('snapshot', '-c', 'one', image)
    write(image, 'write 0 300k', 'write 600k 100k')
    block = images.field(image, images.field(image, 48))
    for _ in range(rand.randrange(1, 6)):
        kind = rand.choice(['count', 'count', 'entry', 'flag'])
        at = images.l2_table(image) + 8 * rand.randrange(64)
        if kind == 'count':
            patch(image, (block + 2 * rand.randrange(200), 'H', rand.randrange(4)))
        elif kind == 'entry':
            patch(image, (at, 'Q', rand.choice([0, COPIED | rand.randrange(100) << 12, COMPRESSED | rand.randrange(1 << 18)])))
        else:
            patch(image, (at, 'Q', images.field(image, at) ^ COPIED))
    same_repair(image)


@pytest.mark.parametrize('name', ['leak', 'refcount 0', 'named twice', 'flag missing', 'refcount 2'])
def test_an_image_that_is_open_for_writing_goes_on(work, name):
    image = create(work / 'a.qcow2', 4 * MIB)
    write(image, 'write 0 128k')
    damage(image, CASES[name])
    result = blkscope('-w', '-c', 'write -P 7 1M 200k', '-c', 'check -r all', '-c', 'write -P 8 2M 1M', '-c', 'discard 1M 64k',
                      '-c', 'check', image)
    assert result.status == 0, result
    assert qemu_img('check', image).returncode == 0
    assert images.reference_io(image, 'read -P 8 2M 1M', 'read -P 7 1088k 136k').status == 0


def test_what_may_not_be_repaired(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    qemu_img('snapshot', '-c', 'one', image)
    damage(image, CASES['leak'])
    before = image.read_bytes()
    result = blkscope('-c', 'check -r all', image)
    assert 'Block node is read-only' in result.err and result.status == 1
    assert blkscope('-w', '-c', 'check -r some', image).status == 1
    assert 'is read-only' in blkscope('-c', f'open -w -o repair=on {image}', '-c', 'write 0 1').err
    assert image.read_bytes() == before


def test_a_corrupt_image_says_how_it_opens(work):
    image = create(work / 'a.qcow2', MIB)
    patch(image, (72, 'Q', 2))
    assert "repair=on' opens it for 'check -r'" in blkscope('-w', '-c', 'check', image).err


@pytest.mark.parametrize('kind', ['killed', 'only marked', 'and bad entries', 'corrupt, too'])
@pytest.mark.parametrize('cluster', [512, 65536])
def test_a_dirty_image_is_repaired_when_it_is_opened(work, kind, cluster):
    image = create(work / 'a.qcow2', MIB, lazy_refcounts='on', cluster_size=cluster)
    commands = ['write 0 128k', 'write 300k 4k'] + (['sigraise 9'] if kind != 'only marked' else [])
    support.reference(*(word for command in commands for word in ('-c', command)), image.name, cwd=work)
    patch(image, (72, 'Q', 3 if kind == 'corrupt, too' else 1))
    if kind == 'and bad entries':
        patch(image, (images.l2_table(image) + 8, 'Q', COPIED | 0x60002 | images.field(image, images.l2_table(image))))
    results = []
    for run, name in ((support.reference, 'theirs'), (support.drop_in, 'ours')):
        (work / name).mkdir()
        shutil.copy(image, work / name)
        results.append(run('-c', 'length', '-c', 'write -q 500k 64k', image.name, cwd=work / name))
    assert (results[0].out, results[0].err, results[0].status) == (results[1].out, results[1].err, results[1].status)
    assert same_bytes(work / 'theirs/a.qcow2', work / 'ours/a.qcow2') is None
    if kind in ('killed', 'only marked'):
        assert qemu_img('check', work / 'ours/a.qcow2').returncode == 0


def test_an_image_that_is_written_lazily_is_checked_as_it_is(work):
    image = create(work / 'a.qcow2', MIB, lazy_refcounts='on')
    result = blkscope('-w', '-c', 'write 0 128k', '-c', 'check', '-c', 'check -r all', '-c', 'write 256k 64k', image)
    assert result.status == 0 and result.out.count('No errors were found') == 2, result
    assert images.field(image, 72) == 0 and qemu_img('check', image).returncode == 0


def test_repairing_stops_at_no_breakpoint(work):
    """The command that would let it go on is behind it; later requests stop there."""
    create(work / 'image.qcow2', MIB)
    write(work / 'image.qcow2', 'write 0 64k')
    patch(work / 'image.qcow2', (places(work / 'image.qcow2')['l2'], 'Q', 0))
    result = blkscope('-w', '-c', 'break pwritev A', '-c', 'check -r leaks', '-c', 'aio_write 64k 4k', '-c', 'wait_break A', '-c', 'remove_break A', '-c',
                      'resume A', '-c', 'aio_flush', '--image-opts', 'driver=qcow2,file.driver=blkdebug,file.image.filename=image.qcow2', cwd=work)
    assert '1 leaked clusters' in result.out and "Suspended request 'A'" in result.out + result.err and 'wrote 4096/4096' in result.out, result
