# SPDX-License-Identifier: GPL-3.0-or-later
"""
Each step that blkdebug knows: it is come by in a scenario made for it, where the reference program comes by it, too; and an error there leaves
an image without corruption that can be written on.
"""
import json
import re
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import images  # noqa: E402
import support  # noqa: E402
from images import create, qemu_img  # noqa: E402
from support import MIB  # noqa: E402

pytestmark = pytest.mark.in_memory


def prepare_all(work):
    """Small clusters and wide refcounts, so that every table grows; a snapshot, a backing file, compressed clusters, a VM state."""
    base = create(work / 'base', 4 * MIB)
    images.write(base, 'write -P 3 0 1M')
    image = create(work / 'test.qcow2', 8 * MIB, cluster_size=512, refcount_bits=64, backing='base')
    images.write(image, 'write -P 1 2M 100k', 'write -c -P 2 3M 512', 'write -c -P 2 3146240 512', 'write -P 1 2500k 300k', 'write -b -P 6 0 4k')
    qemu_img('snapshot', '-c', 's', image.name, cwd=work)
    images.write(image, 'write -P 5 2600k 10k')


def prepare_small(work):
    images.write(create(work / 'test.qcow2', MIB, cluster_size=512), 'write -P 1 0 1M')


ALL = ['read 3M 512', 'read 0 4k', 'read 2M 512', 'write -P 7 2M 3000', 'write -P 7 2050k 100', 'write -c -P 9 6M 512', 'write -c -P 9 6292480 512',
       'write -b -P 4 0 4k', 'read -b 0 512', 'write -P 8 2600k 5k', 'write -P 8 2602k 100', 'discard 2610k 64k', 'write -z 2500k 3000',
       'write -z -u 2520k 10k', 'write -P 10 4M 1900k', 'write -P 3 7M 100', 'flush']
SCENARIOS = {
    # what makes the image, options of blkdebug, commands
    'all': (prepare_all, {}, ALL),
    'growing': (prepare_small, {}, ['truncate 9M', 'write -P 3 8M 1k', 'flush']),
    'shrinking': (prepare_small, {}, ['truncate 512k', 'flush']),
    'aligned': (prepare_small, {'align': 4096}, ['write -P 3 100 100', 'write -P 4 4000 200', 'flush']),
}
EVENTS = {
    'all': ['l1_update', 'l2_load', 'l2_update', 'l2_update_compressed', 'l2_alloc_cow_read', 'l2_alloc_write', 'read_aio', 'read_backing_aio',
            'read_compressed', 'write_aio', 'write_compressed', 'vmstate_load', 'vmstate_save', 'cow_read', 'cow_write', 'reftable_load',
            'reftable_grow', 'refblock_load', 'refblock_update_part', 'refblock_alloc', 'refblock_alloc_hookup', 'refblock_alloc_write',
            'refblock_alloc_write_blocks', 'refblock_alloc_write_table', 'refblock_alloc_switch_table', 'cluster_alloc', 'cluster_alloc_bytes',
            'cluster_alloc_space', 'cluster_free', 'flush_to_os', 'flush_to_disk', 'pwritev', 'pwritev_zero', 'pwritev_done'],
    'growing': ['l1_grow_alloc_table', 'l1_grow_write_table', 'l1_grow_activate_table'],
    'shrinking': ['l1_shrink_write_table', 'l1_shrink_free_l2_clusters'],
    'aligned': ['pwritev_rmw_head', 'pwritev_rmw_after_head', 'pwritev_rmw_tail', 'pwritev_rmw_after_tail'],
}
# These no scenario comes by, in either program: nothing writes a refcount table or a whole refcount block but those that grow, and no
# command empties an image.
NEVER = ['reftable_update', 'refblock_update', 'empty_image_prepare']
PAIRS = [(scenario, event) for scenario, events in EVENTS.items() for event in events]


@pytest.fixture(scope='module')
def masters(tmp_path_factory):
    """The images of the scenarios, made once."""
    folders = {}
    for name, (prepare, _, _) in SCENARIOS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        prepare(folders[name])
    return folders


def played(folder, scenario, rules, commands, program):
    options = {'driver': 'qcow2', 'file': {'driver': 'blkdebug', **SCENARIOS[scenario][1], **rules,
                                           'image': {'driver': 'file', 'filename': 'test.qcow2'}}}
    args = [word for command in commands for word in ('-c', command)]
    return support.run([*args, 'json:' + json.dumps(options)], program=program, name='qemu-io', cwd=folder)


def comes_by(master, work, scenario, event, program):
    """After it, reads fail: that shows in either program."""
    shutil.copytree(master, work / 'play', dirs_exist_ok=True)
    rules = {'set-state': [{'event': event, 'state': 1, 'new_state': 2}], 'inject-error': [{'event': 'read_aio', 'state': 2, 'errno': 28}]}
    reads = ['read 2M 512', 'read 2M 512'] if scenario == 'all' else ['read 0 512', 'read 0 512']
    return 'read failed: No space left on device' in played(work / 'play', scenario, rules, [*SCENARIOS[scenario][2], *reads], program).out


@pytest.mark.parametrize('scenario, event', PAIRS)
def test_is_come_by(work, masters, scenario, event):
    assert comes_by(masters[scenario], work, scenario, event, support.REFERENCE)
    assert comes_by(masters[scenario], work, scenario, event, support.BLKSCOPE)


def test_every_event_is_looked_at():
    """But cor_write: nothing is copied on reads yet."""
    known = re.findall(r'= "(\w+)"', (support.CHECKOUT / 'src/block/event.c').read_text())
    assert {name for _, name in PAIRS} | set(NEVER) | {'none', 'cor_write'} == set(known)


@pytest.mark.parametrize('event', NEVER)
def test_is_never_come_by(work, masters, event):
    assert not comes_by(masters['all'], work, 'all', event, support.REFERENCE)
    assert not comes_by(masters['all'], work, 'all', event, support.BLKSCOPE)


def check(folder):
    result = qemu_img('check', 'test.qcow2', cwd=folder, check=False)
    assert result.returncode in (0, 3), result.stdout + result.stderr


@pytest.mark.parametrize('scenario, event', [*PAIRS, *((scenario, 'none') for scenario in SCENARIOS)])
def test_an_error_there_leaves_no_corruption(work, masters, scenario, event):
    commands = SCENARIOS[scenario][2]
    for number in (5, 28):
        for once in (True, False):
            folder = work / f'{number}{once}'
            shutil.copytree(masters[scenario], folder)
            result = played(folder, scenario, {'inject-error': [{'event': event, 'errno': number, 'once': once}]}, commands, support.BLKSCOPE)
            assert result.status in (0, 1), result
            check(folder)
            # What is there already can't be written compressed again.
            again = support.drop_in(*(word for command in commands if '-c' not in command for word in ('-c', command)), 'test.qcow2', cwd=folder)
            assert again.status == 0, (result, again)
            check(folder)
