# SPDX-License-Identifier: GPL-3.0-or-later
"""check finds what `qemu-img check` finds, and counts it the same way; explain and the map of the file agree with the tables."""
import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, patch, qemu_img, scatter, write  # noqa: E402
from support import KIB, MIB, blkscope  # noqa: E402

pytestmark = pytest.mark.in_memory

COPIED, COMPRESSED = 1 << 63, 1 << 62


def places(image):
    refcount_table = images.field(image, 48)
    return {'l1': images.l1_table(image), 'l2': images.l2_table(image), 'table': refcount_table, 'block': images.field(image, refcount_table)}


def our_check(image):
    result = blkscope('-c', 'check', image.name, cwd=image.parent)
    assert 'failed' not in result.err, result
    numbers = {}
    for name, pattern in (('corruptions', r'^(\d+) errors were found'), ('leaks', r'^(\d+) leaked clusters'),
                          ('check-errors', r'^(\d+) internal errors'), ('image-end-offset', r'^Image end offset: (\d+)')):
        found = re.search(pattern, result.out, re.M)
        numbers[name] = int(found[1]) if found else 0
    return result, numbers


def same_check(image):
    text = qemu_img('check', image.name, cwd=image.parent, check=False)
    theirs = json.loads(qemu_img('check', '--output=json', image.name, cwd=image.parent, check=False).stdout)
    ours, numbers = our_check(image)
    assert numbers == {key: theirs.get(key, 0) for key in numbers}, f'{text.stderr}\n{ours.out}'
    share = [line for line in text.stdout.splitlines() if ' allocated, ' in line]
    assert share == [line for line in ours.out.splitlines() if ' allocated, ' in line]
    assert text.returncode == ours.status
    their_lines = sorted(line for line in text.stderr.splitlines() if re.match('ERROR|Leaked', line))
    our_lines = sorted(line for line in ours.out.splitlines() if re.match('ERROR|Leaked', line))
    assert their_lines == our_lines


CASES = {
    'clean': [], 'leak': [('l2', 0, 'Q', 0)], 'leak behind zeroes': [('l2', 0, 'Q', 1)], 'named twice': [('l2', 8, 'Q', COPIED | 0x50000)],
    'flag missing': [('l2', 8, 'Q', 0x60000)], 'flag missing in L1': [('l1', 0, 'Q', 0x40000)],
    'refcount 0': [('block', 10, 'H', 0)], 'refcount 2': [('block', 10, 'H', 2)], 'refcount of the header': [('block', 0, 'H', 0)],
    'refcount past the end': [('block', 200, 'H', 1)], 'L2 unaligned': [('l1', 0, 'Q', COPIED | 0x40200)],
    'L2 past the end': [('l1', 0, 'Q', COPIED | 0x4000000)], 'L1 reserved': [('l1', 0, 'Q', COPIED | 0x40001)],
    'L2 reserved': [('l2', 0, 'Q', COPIED | 0x50002)], 'unaligned': [('l2', 0, 'Q', COPIED | 0x50200)],
    'past the end': [('l2', 0, 'Q', COPIED | 0x5000000)], 'just past the end': [('l2', 0, 'Q', COPIED | 0x70000)],
    'zero unaligned': [('l2', 0, 'Q', COPIED | 0x50201)], 'zero allocated': [('l2', 0, 'Q', COPIED | 0x50001)],
    'compressed and flag': [('l2', 0, 'Q', COPIED | COMPRESSED | 0x50000)], 'compressed over data': [('l2', 0, 'Q', COMPRESSED | 0x60000)],
    'compressed past the end': [('l2', 0, 'Q', COMPRESSED | 0x6000000)],
    'compressed in two clusters': [('l2', 0, 'Q', COMPRESSED | 0x5fe00 | 1 << 54)], 'flag at 0': [('l2', 0, 'Q', COPIED)],
    'data in the header': [('l2', 0, 'Q', COPIED | 0x10000)], 'block unaligned': [('table', 0, 'Q', 0x20200)],
    'block past the end': [('table', 0, 'Q', 0x2000000)], 'block reserved': [('table', 0, 'Q', 0x20001)],
    'block missing': [('table', 0, 'Q', 0)], 'block twice': [('table', 8, 'Q', 0x20000)], 'L1 in refcount table': [(40, 'Q', 0x10000)],
    'refcount table in L1': [(48, 'Q', 0x30000)],
}


@pytest.mark.parametrize('compat', ['0.10', '1.1'])
@pytest.mark.parametrize('name', CASES)
def test_case(work, name, compat):
    image = create(work / 'a.qcow2', MIB, compat=compat)
    write(image, 'write 0 128k')
    where = places(image)
    patch(image, *((where[edit[0]] + edit[1], *edit[2:]) if isinstance(edit[0], str) else edit for edit in CASES[name]))
    same_check(image)


EXTENDED = {
    'both bits': [(8, 1 << 32 | 1)], 'allocated without offset': [(0, 0)], 'no subcluster': [(8, 0)], 'bit 0': [(0, COPIED | 0x50001)],
    'compressed with bitmap': [(0, COMPRESSED | 0x50000)], 'unaligned': [(0, COPIED | 0x50200)], 'zeroes only': [(8, 3 << 32)],
}


@pytest.mark.parametrize('name', EXTENDED)
def test_extended(work, name):
    image = create(work / 'a.qcow2', MIB, extended_l2='on')
    write(image, 'write 0 128k')
    patch(image, *((images.l2_table(image) + at, 'Q', word) for at, word in EXTENDED[name]))
    same_check(image)


@pytest.mark.parametrize('word', [COPIED | 0x50000, 0x10000, COMPRESSED | 0x10000, 0])
def test_external_data_file(work, word):
    image = create(work / 'a.qcow2', MIB, data_file='d.raw')
    write(image, 'write 0 128k')
    patch(image, (images.l2_table(image) + 8, 'Q', word))
    same_check(image)


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 16, 32, 64])
def test_refcount_widths(work, bits):
    image = create(work / 'a.qcow2', MIB, refcount_bits=bits)
    scatter(image, MIB, bits, compressed=bits > 4)
    same_check(image)
    patch(image, (images.field(image, images.field(image, 48)) + 1, 'B', 0x5a))
    same_check(image)


@pytest.mark.parametrize('options', [{'cluster_size': 512}, {'cluster_size': 4096, 'compression_type': 'zstd'}, {'cluster_size': '2M'},
                                     {'extended_l2': 'on'}])
def test_used_images_are_clean(work, options):
    cluster = 2 * MIB if options.get('cluster_size') == '2M' else options.get('cluster_size', 64 * KIB)
    size = max(MIB, 4 * cluster)
    image = create(work / 'a.qcow2', size, **options)
    scatter(image, size, 3, cluster=cluster)
    same_check(image)
    qemu_img('snapshot', '-c', 'one', image)
    write(image, f'write 0 {size // 2}')
    qemu_img('snapshot', '-c', 'two', image)
    qemu_img('bitmap', '--add', image, 'bits')
    same_check(image)
    host_map_is_whole(image)


@pytest.mark.parametrize('length', [0x60000, 0x50800, 0x40000])
def test_truncated(work, length):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    with open(image, 'r+b') as file:
        file.truncate(length)
    same_check(image)


def broken(path, *names):
    image = create(path, MIB)
    write(image, 'write 0 128k')
    where = places(image)
    for name in names:
        patch(image, *((where[table] + at, *rest) for table, at, *rest in CASES[name]))
    return image.name


@pytest.mark.parametrize('commands, status', [
    (['clean'], 0), (['leak'], 3), (['unaligned'], 2), (['leak', 'unaligned'], 2), (['unaligned', 'leak', 'clean'], 2),
    (['leak', 'block unaligned', 'unaligned'], 1), (['leak', 'fails'], 1), (['fails', 'unaligned'], 1)])
@pytest.mark.parametrize('one_line', [False, True])
def test_exit_status(work, commands, status, one_line):
    lines = []
    for i, name in enumerate(commands):
        lines += ['length 1 2 3'] if name == 'fails' else [f'open {broken(work / f"{i}.qcow2", name)}', 'check', 'close']
    lines = ['; '.join(lines)] if one_line else lines
    assert blkscope(*(word for line in lines for word in ('-c', line)), cwd=work).status == status
    assert blkscope(input=''.join(f'{line}\n' for line in lines), cwd=work).status == status


def test_exit_status_ends_the_commands_where_asked(work):
    image = broken(work / 'a.qcow2', 'leak')
    result = blkscope('--stop-on-error', '-c', 'check', '-c', 'length', image, cwd=work)
    assert result.status == 3 and '1 MiB' not in result.out
    assert blkscope('--dialect=2.4', '-c', 'check', image, cwd=work).status == 0


def test_owners_are_named(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    patch(image, (images.l2_table(image) + 8, 'Q', COPIED | 0x50000))
    result = blkscope('-c', 'check', image)
    assert 'cluster at 0x50000:\n    data of guest offset 0x0, named by entry 0x8000000000050000 at 0x40000\n' \
           '    data of guest offset 0x10000, named by entry 0x8000000000050000 at 0x40008\n' in result.out


def test_wrong_entries_are_told_with_their_places(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 128k')
    table = images.l2_table(image)
    patch(image, *((table + 8 * i, 'Q', 8) for i in range(4, 14)))  # reserved bits
    result = blkscope('-c', 'check', image)
    assert f'cluster at {table:#x}:\n    wrong is what stands at {table + 32:#x}\n    wrong is what stands at {table + 40:#x}\n' in result.out
    assert f'{table + 88:#x}\n    and at 2 places more\n    L2 table of guest offset 0x0' in result.out
    result = blkscope('-w', '-c', 'check -r all', image)
    assert result.status == 2 and "'-w -f raw' opens the file itself" in result.err
    patch(image, *((table + 8 * i, 'Q', 0) for i in range(4, 14)))
    result = blkscope('-w', '-c', 'check -r all', image)
    assert result.status == 0 and result.err == ''


def test_owners_of_many_are_found_at_once_and_what_is_left_out_is_said(work):
    image = create(work / 'a.qcow2', 4 * MIB, cluster_size=512)
    write(image, 'write 0 400k')
    qemu_img('snapshot', '-c', 'one', image)
    for i in range(5):
        patch(image, *((images.l2_table(image, i) + 8 * j, 'Q', COPIED | 0x5000) for j in range(64)))
    out = blkscope('-c', 'check', image).out
    assert '    and ' in out and 'further problems' in out and 'snapshot 1 (one)' in out
    assert len(re.findall(r'^cluster at ', out, re.M)) <= 256


def host_map_is_whole(image):
    """Runs without gaps over all of the file; nothing is leaked in a clean image."""
    result = blkscope('-c', 'map --host', image)
    runs = re.findall(r'^0x([0-9a-f]+) \+0x([0-9a-f]+) .*$', result.out, re.M)
    at = 0
    for start, length in runs:
        assert int(start, 16) == at
        at += int(length, 16)
    assert at == (image.stat().st_size + 511) // 512 * 512
    assert 'leaked' not in result.out
    return result.out


def test_roles(work):
    image = create(work / 'a.qcow2', MIB)
    write(image, 'write 0 64k', 'write -c 64k 64k')
    qemu_img('snapshot', '-c', 'one', image)
    qemu_img('bitmap', '--add', image, 'bits')
    out = host_map_is_whole(image)
    for role in ('header', 'refcount table', 'refcount block', 'L1 table', 'L2 table', 'data', 'compressed data', 'snapshot table',
                 'bitmap directory', 'bitmap table'):
        assert role in out, out


def test_what_only_snapshots_hold(work):
    image = create(work / 'a.qcow2', 4 * MIB)
    write(image, 'write 0 2M')
    qemu_img('snapshot', '-c', 'one', image)
    write(image, 'write 1M 1M')
    out = host_map_is_whole(image)
    assert re.findall(r'\(([^)]*)\)  (data[^0-9]*?)  references (\d)', out) == [
        ('1 MiB', 'data, in snapshots', '2'), ('1 MiB', 'data, only in snapshots', '1'), ('1 MiB', 'data', '1')]
    screen = blkscope('--headless', '--no-config', '-c', 'focus map', '-c', 'keys z t e', '-c', 'screen', image).out
    assert re.search(r'[^+]*data +\+1 MiB .*\n.*snapshot +\+1 MiB .*\n(.*\n)*.*data +\+1 MiB ', screen), screen


def test_explain_both_ways(work):
    create(work / 'base.qcow2', MIB)
    write(work / 'base.qcow2', 'write 64k 64k')
    image = create(work / 'a.qcow2', MIB, backing='base.qcow2')
    write(image, 'write 0 64k', 'write -z 128k 64k')
    result = blkscope('-c', 'explain 100', '-c', 'explain 65536', '-c', 'explain 128k', '-c', 'explain 512k', '-c', 'explain --host 0x50064',
                      image.name, cwd=work)
    host = images.field(image, images.l2_table(image)) & ~COPIED
    assert f'bytes at {host + 100:#x}' in result.out
    assert re.search(r'layer 0  backing .*\nlayer 1  L1 .*\nlayer 1  L2 .*\nlayer 1  data ', result.out)
    assert 'layer 0  zero' in result.out
    assert re.search(r'layer 1  unallocated .*zeroes', result.out)
    assert '    data of guest offset 0x0, named by entry' in result.out and 'refcount 1' in result.out


@pytest.mark.parametrize('offset', [1 << 63, (1 << 63) - 64 * KIB, 0xcdcdcdcdcdcd0000, (1 << 64) - 64 * KIB], ids=hex)
def test_a_bitmap_whose_table_no_file_can_have_is_refused(work, offset):
    """As the reference program refuses it, if for another reason; counted as a place in the file it was one before its beginning."""
    image = create(work / 'd.qcow2', MIB)
    qemu_img('bitmap', '--add', image, 'b')
    data = image.read_bytes()
    directory = images.field(image, data.index(images.BITMAPS.to_bytes(4, 'big')) + 24)
    patch(image, (directory, 'Q', offset))
    theirs, ours = qemu_img('check', image, check=False), blkscope('-c', 'check', image)
    assert theirs.returncode == 1 and "'b'" in theirs.stderr
    assert ours.status == 1 and "Bitmap 'b' doesn't satisfy the constraints" in ours.err and not ours.out, ours


def test_header_of_broken_images(work):
    image = create(work / 'a.qcow2', MIB)
    patch(image, (20, 'I', 30), (72, 'Q', 1 << 50), (48, 'Q', 0x123))
    assert 'Unsupported cluster size: 2^30' in blkscope('-c', 'length', image).err
    out = blkscope('-f', 'raw', '-c', 'header', image).out
    assert re.search(r'cluster_bits +30  ! is not 9 to 21', out)
    assert re.search(r'incompatible_features +0x4000000000000  ! has features', out)
    assert re.search(r"header +can't be opened  ! Unsupported cluster size", out)
    image.write_bytes(image.read_bytes()[:50])
    assert re.search(r'version +3', blkscope('-f', 'raw', '-c', 'header', image).out)
    (work / 'none.raw').write_bytes(bytes(1000))
    assert 'no structure' in blkscope('-f', 'raw', '-c', 'header', work / 'none.raw').err


def test_looking_while_a_change_is_stopped(work):
    """A write stands between data and metadata: what is in the file then is shown, and nobody waits."""
    create(work / 'd.qcow2', 64 * MIB)
    result = blkscope('-w', 'blkdebug::d.qcow2', cwd=work, input='''write -q 0 64k
break l2_update A
aio_write -P 7 1M 64k
wait_break A
explain 1M
map --host
check
resume A
aio_flush
explain 1M
''')
    before, after = result.out.split("Resuming request 'A'")
    assert 'zeroes' in before and 'refcount is one' in after.split('L2')[1], result
    assert 'L1 table' in before and 'Image end offset' in before, result
    assert 'wrote 65536/65536' in after, result


LOOKS = ('explain 1M', 'explain --host 0', 'map --host', 'map', 'check', 'bitmaps', 'bitmaps b', 'snapshots', 'compare -s s', 'info', 'header')


@pytest.mark.parametrize('look', LOOKS)
@pytest.mark.parametrize('before', ['length', 'write -q 2M 64k'])
def test_looking_just_before_a_change_is_stopped(work, before, look):
    """A write that is under way may come to stand at a breakpoint: whoever waits for it goes on.  Tables that are kept back are written without stopping."""
    create(work / 'd.qcow2', 4 * MIB)
    qemu_img('bitmap', '--add', 'd.qcow2', 'b', cwd=work)
    qemu_img('snapshot', '-c', 's', 'd.qcow2', cwd=work)
    result = blkscope('-w', 'blkdebug::d.qcow2', cwd=work, input=f'''{before}
break l2_update A
aio_write -P 7 1M 64k
{look}
remove_break A
aio_flush
''')
    assert 'wrote 65536/65536' in result.out and 'failed' not in result.out + result.err, result
