# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from images that qemu-img and qemu-io made is what qemu-io reads from them."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
from images import create, same, same_everywhere, scatter, write  # noqa: E402
from support import KIB, MIB  # noqa: E402

SIZE = 1 * MIB


@pytest.mark.parametrize('compat', ['0.10', '1.1'])
@pytest.mark.parametrize('bits', [9, 12, 16, 21])
def test_every_kind_of_cluster(work, compat, bits):
    cluster = 1 << bits
    size = max(SIZE // 2, 3 * cluster)
    image = create(work / 'a.qcow2', size, compat=compat, cluster_size=cluster)
    scatter(image, size, bits, cluster=cluster)
    same_everywhere(image, size)


@pytest.mark.parametrize('bits', [1, 2, 4, 8, 32, 64])
def test_refcount_widths(work, bits):
    image = create(work / 'a.qcow2', SIZE, refcount_bits=bits)
    scatter(image, SIZE, bits)
    same_everywhere(image, SIZE)


@pytest.mark.parametrize('bits', [9, 16, 20])
def test_zstd(work, bits):
    cluster = 1 << bits
    image = create(work / 'a.qcow2', 2 * SIZE, compression_type='zstd', cluster_size=cluster)
    scatter(image, 2 * SIZE, bits, cluster=cluster)
    same_everywhere(image, 2 * SIZE)


@pytest.mark.parametrize('bits', [14, 16, 21])
@pytest.mark.parametrize('compression', ['zlib', 'zstd'])
def test_subclusters(work, bits, compression):
    cluster = 1 << bits
    size = max(SIZE, 2 * cluster)
    image = create(work / 'a.qcow2', size, extended_l2='on', cluster_size=cluster, compression_type=compression)
    scatter(image, size, bits, cluster=cluster)
    same_everywhere(image, size)


@pytest.mark.parametrize('raw', ['on', 'off'])
@pytest.mark.parametrize('extended', ['on', 'off'])
def test_external_data_file(work, raw, extended):
    image = create(work / 'a.qcow2', SIZE, data_file='a.data', data_file_raw=raw, extended_l2=extended)
    scatter(image, SIZE, 5, compressed=False)
    same_everywhere(image, SIZE)


@pytest.mark.parametrize('size', [0, 512, 1536, 65535, 65537, 777777])
def test_odd_sizes(work, size):
    image = create(work / 'a.qcow2', size)
    if size >= 4096:
        write(image, f'write -P 5 {size // 512 * 512 - 3000} 3000', 'write -P 6 1 4000')
    length = size // 512 * 512
    same(image, 'length', 'map', 'info', *([f'read -v 0 {length}', f'alloc 0 {length}'] if length else []),
         f'read {length} 1', f'read {max(length - 1, 0)} 2')


@pytest.mark.parametrize('overlay_size, base_size', [(SIZE, SIZE), (SIZE, SIZE // 2 + 12345), (SIZE // 2 + 512, SIZE)])
@pytest.mark.parametrize('options', [{}, {'extended_l2': 'on'}, {'cluster_size': 4096}])
def test_backing_longer_and_shorter(work, overlay_size, base_size, options):
    base = create(work / 'base.qcow2', base_size)
    scatter(base, base_size // 512 * 512, 1)
    image = create(work / 'a.qcow2', overlay_size, backing='base.qcow2', **options)
    scatter(image, overlay_size, 2, cluster=options.get('cluster_size', 64 * KIB))
    same_everywhere(image, overlay_size // 512 * 512)


def test_chain_of_formats(work):
    raw = work / 'raw.img'
    raw.write_bytes(os.urandom(SIZE // 2 + 1000))
    write(create(work / 'b.qcow2', SIZE, backing='raw.img', backing_format='raw', compat='0.10'), 'write -P 7 100k 99k')
    write(create(work / 'c.qcow2', 2 * SIZE, backing='b.qcow2', cluster_size=4096), 'write -P 8 300k 3k', 'write -z 200k 10k')
    image = create(work / 'd.qcow2', 2 * SIZE, backing='c.qcow2', compression_type='zstd')
    write(image, 'write -c -P 9 512k 64k', 'write -P 10 1900k 3k')
    same_everywhere(image, 2 * SIZE)


def test_backing_format_is_probed_without_extension(work):
    base = create(work / 'base.qcow2', SIZE)
    write(base, 'write -P 3 0 1M')
    image = create(work / 'a.qcow2', SIZE, backing='base.qcow2')
    images.patch(image, (images.EXTENSIONS, 'I', 0x12345678))
    same_everywhere(image, SIZE)


def test_names_are_relative_to_the_overlay(work):
    (work / 'sub').mkdir()
    write(create(work / 'sub' / 'base.qcow2', SIZE), 'write -P 3 0 1M')
    create(work / 'sub' / 'a.qcow2', SIZE, backing='base.qcow2')
    (work / 'link').symlink_to('sub/a.qcow2')
    theirs = [images.support.reference('-r', '-c', 'read -P 3 0 1M', name, cwd=work) for name in ('sub/a.qcow2', './sub/a.qcow2', 'link')]
    ours = [images.support.drop_in('-r', '-c', 'read -P 3 0 1M', name, cwd=work) for name in ('sub/a.qcow2', './sub/a.qcow2', 'link')]
    assert [(r.err, r.status) for r in theirs] == [(r.err, r.status) for r in ours]
    assert [r.status for r in ours] == [0, 0, 1]


def test_large_requests_cross_many_runs(work):
    image = create(work / 'a.qcow2', MIB, cluster_size=512)
    write(image, *(f'write -P {i % 255 + 1} {i * 1536} 512' for i in range(0, 680, 3)))
    same(image, 'read -v 0 1M', 'map')


def test_compressed_reads_of_parts(work):
    data = work / 'data'
    data.write_bytes(b''.join(b'%07d\n' % i for i in range(SIZE // 8)))
    images.qemu_img('convert', '-c', '-f', 'raw', '-O', 'qcow2', data, work / 'a.qcow2')
    image = work / 'a.qcow2'
    same(image, *(f'read -v {offset} 4k' for offset in range(0, SIZE, 4096)))
    same(image, *images.reads(SIZE, 3), 'readv -v 1000 100 60000 70000 3', 'map')


def test_vm_state(work):
    image = create(work / 'a.qcow2', SIZE)
    write(image, 'write -b -P 9 0 128k', 'write -b -P 10 1M 64k')
    same(image, 'read -b -v 0 4k', 'read -b -P 9 0 128k', 'read -b -P 10 1M 64k', 'read -b -v 120k 16k', 'info', 'read -b 1T 512')


def test_bitmaps_are_listed(work):
    image = create(work / 'a.qcow2', SIZE)
    images.qemu_img('bitmap', '--add', image, 'one')
    images.qemu_img('bitmap', '--add', '--disable', '-g', '4096', image, 'two')
    same(image, 'info', 'map')


def test_info_of_every_feature(work):
    for i, options in enumerate([{'compat': '0.10'}, {'lazy_refcounts': 'on'}, {'compression_type': 'zstd'}, {'extended_l2': 'on'},
                                 {'refcount_bits': 1}, {'data_file': 'd.raw', 'data_file_raw': 'on'}, {'cluster_size': '2M'}]):
        same(create(work / f'{i}.qcow2', SIZE, **options), 'info', 'length', 'map')
    dirty = create(work / 'dirty.qcow2', SIZE)
    for bits in (1, 2, 3):
        images.patch(dirty, (72, 'Q', bits))
        same(dirty, 'info', 'map', 'read 0 4k')


def test_sizes_beyond_16_tib(work):
    image = create(work / 'a.qcow2', '40T', cluster_size='2M')
    write(image, 'write -P 4 39T 1M')
    same(image, 'length', 'map', 'read -v 39T 512', 'info')
