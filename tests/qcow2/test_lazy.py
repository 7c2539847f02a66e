# SPDX-License-Identifier: GPL-3.0-or-later
"""Lazy refcounts, the dirty and corrupt bits, reopening, and the options that change how is written."""
import random
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import MIB  # noqa: E402
from test_write import MIXED, check, cluster_of, name_of, ours, same_after, theirs, write_commands  # noqa: E402

pytestmark = pytest.mark.in_memory

LAZY = [{}, {'cluster_size': 512}, {'cluster_size': 4096, 'refcount_bits': 64}, {'cluster_size': '16k', 'extended_l2': 'on'}]


def dirty(path):
    return images.field(path, 72) & 1


@pytest.mark.parametrize('options', LAZY, ids=name_of)
def test_lazy_refcounts_leave_the_same_file(work, options):
    cluster = cluster_of(options)
    size = max(4 * MIB, 12 * cluster)
    twin = create(work / 'twin.qcow2', size, lazy_refcounts='on', **options)
    same_after(work, twin, *write_commands(random.Random(1), size, cluster, 30, MIXED), 'info')
    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
    same_after(work, twin, *write_commands(random.Random(2), size, cluster, 12, MIXED), 'write -b 0 64k')
    assert not dirty(work / 'ours.qcow2')


CRASHES = [['read 0 64k'], ['write 0 64k'], ['write 0 64k', 'flush'], ['write -z 0 64k', 'flush'], ['write 0 64k', 'reopen -r'], ['write -c 0 64k', 'flush'],
           ['write 0 64k', 'reopen -o lazy-refcounts=off'], ['write 0 64k', 'reopen -o lazy-refcounts=off', 'write 0 64k', 'flush']]


@pytest.mark.parametrize('commands', CRASHES, ids=' '.join)
def test_the_dirty_bit_is_set_and_cleared_as_by_the_reference(work, commands):
    twin = create(work / 'twin.qcow2', MIB, lazy_refcounts='on')
    other = shutil.copy(twin, work / 'ours.qcow2')
    a, b = theirs(twin, *commands, 'sigraise 9'), ours(other, *commands, 'sigraise 9')
    assert a.status == b.status == -9, (a, b)
    assert dirty(twin) == dirty(other)
    reference = qemu_img('check', '-r', 'all', other.name, cwd=work, check=False)
    assert reference.returncode == 0, reference
    assert theirs(other, 'read -P 0xcd 0 64k' if 'write 0 64k' in commands and len(commands) > 1 else 'read 0 64k').status == 0


def test_the_option_counts(work):
    twin = create(work / 'twin.qcow2', MIB)
    for which, expected in (('lazy-refcounts=on', 1), ('lazy-refcounts=off', 0)):
        other = shutil.copy(twin, work / 'ours.qcow2')
        result = ours(other, 'write 0 64k', 'sigraise 9', image=f'json:{{"driver":"qcow2","lazy-refcounts":{"true" if expected else "false"},"file":{{"driver":"file","filename":"ours.qcow2"}}}}')
        assert result.status == -9 and dirty(other) == expected, (which, result)
    old = create(work / 'old.qcow2', MIB, compat='0.10')
    assert 'Lazy refcounts require a qcow2 image with at least qemu 1.1 compatibility level' in with_options(old, '"lazy-refcounts":true', 'length').err


@pytest.mark.parametrize('options', [{}, {'cluster_size': 4096}, {'compat': '0.10'}], ids=name_of)
def test_reopening_leaves_the_same_file(work, options):
    twin = create(work / 'twin.qcow2', MIB, **options)
    same_after(work, twin, 'write 0 100k', 'reopen -r', 'read 0 100k', 'write 0 1k', 'reopen -w', 'write 100k 100k', 'discard 0 64k', 'reopen -r', 'map', 'reopen -w',
               f'write -c 512k {cluster_of(options)}', 'reopen -r', 'reopen -w', f'write -c 576k {cluster_of(options)}', 'write 700k 10k', 'reopen -o lazy-refcounts=off', 'write 900k 1k')


def test_an_image_opened_read_only_can_be_written_later(work):
    image = create(work / 'ours.qcow2', MIB)
    before = image.read_bytes()
    result = images.our_io(image, 'write 0 1k', 'reopen -w', 'write -P 3 0 100k', 'read -P 3 0 100k', 'reopen -r', 'read -P 3 0 100k', 'write 0 1k', 'reopen -w', 'write -P 4 0 1k')
    assert 'failed' not in result.out, result
    assert image.read_bytes() != before
    check(image)
    assert theirs(image, 'read -P 4 0 1k', 'read -P 3 1k 99k').status == 0


def test_reopening_a_corrupt_or_dirty_image_is_refused(work):
    for bit, message in ((2, 'qcow2: Image is corrupt; cannot be opened read/write'), (1, 'was not closed properly')):
        image = create(work / 'ours.qcow2', MIB)
        images.patch(image, (72, 'Q', bit))
        before = image.read_bytes()
        result = images.our_io(image, 'reopen -w', 'read 0 512', 'write 0 512')
        assert message in result.err and 'wrote' not in result.out, result
        assert image.read_bytes() == before


# ---- options ----

def with_options(path, options, *commands):
    return ours(path, *commands, image=f'json:{{"driver":"qcow2",{options},"file":{{"driver":"file","filename":"{path.name}"}}}}')


def reference_with_options(path, options, *commands):
    args = [word for command in commands for word in ('-c', command)]
    return support.reference('-t', 'unsafe', *args, f'json:{{"driver":"qcow2",{options},"file":{{"driver":"file","filename":"{path.name}"}}}}', cwd=path.parent)


SETTINGS = ['"pass-discard-other":true,"discard":"unmap"', '"pass-discard-request":false', '"l2-cache-size":65536', '"refcount-cache-size":65536',
            '"cache-size":131072', '"l2-cache-entry-size":512', '"l2-cache-entry-size":4096,"l2-cache-size":8192', '"cache-clean-interval":1',
            '"overlap-check":"all"', '"overlap-check":"none"', '"overlap-check":"constant"']


@pytest.mark.parametrize('settings', SETTINGS)
def test_settings_leave_the_same_file(work, settings):
    twin = create(work / 'twin.qcow2', 4 * MIB, cluster_size=4096)
    theirs(twin, 'write 0 1M', 'write -c 2M 4k')
    qemu_img('snapshot', '-c', 's', twin.name, cwd=work)
    commands = [*write_commands(random.Random(3), 4 * MIB, 4096, 20, MIXED), 'truncate 30M', 'write 20M 1M', 'discard 20M 1M']
    other = shutil.copy(twin, work / 'ours.qcow2')
    a, b = reference_with_options(twin, settings, *commands), with_options(other, settings, *commands)
    assert images.timeless(a.out) == images.timeless(b.out)
    assert (a.status, a.err) == (b.status, b.err)
    check(other)
    assert twin.read_bytes() == other.read_bytes()


TABLES = {'qcow2_header': 'main-header', 'active L1 table': 'active-l1', 'active L2 table': 'active-l2', 'refcount table': 'refcount-table',
          'refcount block': 'refcount-block', 'snapshot table': 'snapshot-table', 'inactive L1 table': 'inactive-l1', 'inactive L2 table': 'inactive-l2',
          'bitmap directory': 'bitmap-directory'}


def overlap_message(result):
    found = [line.partition('overlaps with ')[2].partition(')')[0] for line in result.err.splitlines() if 'overlaps with' in line]
    return found[0] if found else None


@pytest.mark.parametrize('template', ['none', 'constant', 'cached', 'all'])
def test_what_overlap_check_prevents(work, template):
    """Every table's cluster is offered as free; the reference prevents the same writes, and switches turn one on or off."""
    image = create(work / 'master.qcow2', MIB)
    theirs(image, 'write 0 64k')
    qemu_img('snapshot', '-c', 's', image.name, cwd=work)
    theirs(image, 'write 0 64k')
    qemu_img('bitmap', '--add', image.name, 'b0', cwd=work)
    table = images.field(image, 48)
    block = images.field(image, table)
    clusters = image.stat().st_size // 65536
    seen = set()
    for cluster in range(1, clusters + 1):
        broken = shutil.copy(image, work / 'broken.qcow2')
        images.patch(broken, (block + 2 * cluster, 'H', 0))
        other = shutil.copy(broken, work / 'ours.qcow2')
        option = f'"overlap-check":"{template}"'
        a, b = reference_with_options(broken, option, 'write -P 3 128k 64k'), with_options(other, option, 'write -P 3 128k 64k')
        assert overlap_message(a) == overlap_message(b), (cluster, a, b)
        name = overlap_message(a)
        if not name:
            continue
        seen.add(name)
        other = shutil.copy(image, work / 'ours.qcow2')
        images.patch(other, (block + 2 * cluster, 'H', 0))
        assert overlap_message(with_options(other, f'{option},"overlap-check.{TABLES[name]}":false', 'write -P 3 128k 64k')) != name
        other = shutil.copy(image, work / 'ours.qcow2')
        images.patch(other, (block + 2 * cluster, 'H', 0))
        assert overlap_message(with_options(other, f'"overlap-check":"none","overlap-check.{TABLES[name]}":true', 'write -P 3 128k 64k')) == name
    expected = {'none': 0, 'constant': 4, 'cached': 7, 'all': 8}
    assert len(seen) >= expected[template] - 1, seen


def test_an_empty_name_of_the_backing_file_leaves_it_out(work):
    create(work / 'base.qcow2', MIB)
    image = create(work / 'ours.qcow2', MIB, backing='base.qcow2')
    commands = ['open -o backing= ours.qcow2', 'map', 'read 0 512']
    args = [word for command in commands for word in ('-c', command)]
    a, b = support.reference(*args, cwd=work), support.drop_in(*args, cwd=work)
    assert (images.timeless(a.out), a.err, a.status) == (images.timeless(b.out), b.err, b.status)
    assert image.exists()


@pytest.mark.parametrize('event', ['cluster_alloc_bytes', 'l2_update', 'write_aio'])
def test_what_could_not_be_written_at_the_end_is_told(work, event):
    for command in ('write 0 64k', 'write -c 0 64k', 'write -z 0 64k'):
        create(work / 'twin.qcow2', MIB)
        create(work / 'ours.qcow2', MIB)
        name = f'json:{{"driver":"qcow2","file":{{"driver":"blkdebug","inject-error":[{{"event":"{event}","errno":28,"once":false}}],"image":{{"driver":"file","filename":"NAME"}}}}}}'
        a = support.reference('-t', 'writeback', '-c', command, name.replace('NAME', 'twin.qcow2'), cwd=work)
        b = support.drop_in('-t', 'writeback', '-c', command, name.replace('NAME', 'ours.qcow2'), cwd=work)
        assert (images.timeless(a.out), a.err, a.status) == (images.timeless(b.out), b.err, b.status)
