# SPDX-License-Identifier: GPL-3.0-or-later
"""
Every allocation, every read and write, every other call of the C library that may fail, fails in turn: the program ends by itself with an
exit status, says what went wrong or does what it would have done, and leaves no image corrupt.

By default a sample; BLKSCOPE_FAULTS=all takes all of them, BLKSCOPE_FAULTS=N about N of each kind, SEED=N others, and BLKSCOPE_FAULTS=K/N one in N: K from
1 to N makes all.
"""
import errno
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import injector  # noqa: E402
import scenarios  # noqa: E402
import support  # noqa: E402
from injector import Injector, errors_of, name_of  # noqa: E402

pytestmark = pytest.mark.skipif(support.FLAVOUR != '', reason='the library has an allocator of its own')
CHOICE = os.environ.get('BLKSCOPE_FAULTS', '')
SEED = int(os.environ.get('SEED', '1'))
SAMPLE = {'alloc': 14}
RING = ('ring_read', 'ring_write', 'ring_fsync', 'ring_fallocate')
READING, WRITING = ('read', 'pread64', 'preadv64', 'preadv64v2', 'lseek64', 'mmap64'), ('write', 'pwrite64', 'pwritev64', 'pwritev64v2', 'fdatasync', 'fallocate64', 'ftruncate64')
KINDS = {'memory': ('alloc',), 'reading': READING, 'writing': WRITING, 'others': None}


def calls_of(kind, counts):
    if KINDS[kind]:
        return [call for call in KINDS[kind] if call in counts]
    return sorted(set(counts) - {call for calls in KINDS.values() for call in calls or ()})


class Master:
    """A scenario with its images, and the run without a fault."""

    def __init__(self, scenario, folder, program=support.BLKSCOPE, back_end='threads'):
        self.scenario, self.folder, self.program = scenario, folder, program
        (folder / 'images').mkdir()
        scenario.prepare(folder / 'images')
        self.images = scenarios.hashes(folder / 'images')
        self.injector = Injector(folder, back_end)
        self.clean = self.run(folder / 'clean')
        assert self.clean.status == scenario.status and not self.clean.err and 'failed' not in self.clean.out, self.clean
        self.counts = self.injector.counts()

    def run(self, folder, *fault, on=False):
        shutil.copytree(self.folder / 'images', folder)
        state = folder / 'state'
        result = support.blkscope(*self.scenario.args, '--script', '/dev/stdin', cwd=folder, input=self.scenario.script(), deadline=30, program=self.program,
                                  env=self.injector.environment(*fault, on=on, XDG_STATE_HOME=str(state), COLUMNS='80', LINES='24'))
        result.out = support.without_times(result.out)
        return result


def keep_masters(**how):
    """In memory, where there is such a place: on a disk these thousands of runs would wait for it."""
    made = {}
    with tempfile.TemporaryDirectory(prefix='blkscope-faults-', dir='/dev/shm' if os.access('/dev/shm', os.W_OK) else None) as folder:
        def get(name):
            if name not in made:
                (Path(folder) / name).mkdir()
                made[name] = Master(scenarios.ALL[name], Path(folder) / name, **how)
            return made[name]
        yield get


@pytest.fixture(scope='module')
def masters():
    yield from keep_masters()


@pytest.fixture(scope='module')
def masters_with_ring():
    """Of a program that does all through the ring, where the library sees each request (ring.c)."""
    if not injector.RING_PROGRAM.exists():
        pytest.skip('built without liburing')
    have = support.blkscope('-c', 'length', 'null-co://', program=injector.RING_PROGRAM, env=support.environment(BLKSCOPE_AIO='io_uring'))
    if 'io_uring' in have.err:
        pytest.skip(have.err)
    yield from keep_masters(program=injector.RING_PROGRAM, back_end='io_uring')


def chosen(master, call):
    """(which call, error, whether all that follow fail as well) of those that fail in turn."""
    every = [(at, error, on) for at in range(1, master.counts.get(call, 0) + 1) for error in errors_of(call) for on in ((False, True) if call in ('alloc', *RING) else (False,))]
    if CHOICE == 'all':
        return every
    if '/' in CHOICE:
        part, parts = map(int, CHOICE.split('/'))
        return every[part % parts::parts]
    rng = random.Random(f'{SEED}{master.scenario.name}{call}')
    return rng.sample(every, min(len(every), int(CHOICE or SAMPLE.get(call, 2))))


def new_lines(result, clean):
    known = set((clean.out + clean.err).splitlines())
    return [line for line in (result.out + result.err).splitlines() if line not in known]


def same(result, clean):
    """Requests that run at once may end in another order."""
    return result.status == clean.status and [sorted(text.splitlines()) for text in (result.out, result.err)] == [
        sorted(text.splitlines()) for text in (clean.out, clean.err)]


def judge(master, folder, result, what):
    """What must be true whatever failed."""
    scenario, clean = master.scenario, master.clean
    assert result.status >= 0, f'{what}\n{result}'
    for words in ('CRITICAL', 'WARNING', 'Assertion', 'ERROR:'):
        assert words not in result.err or words in clean.err, f'{what}\n{result}'
    if not same(result, clean):
        # What a screen holds is a matter of the moment, too.
        assert new_lines(result, clean) or (scenario.name == 'screen' and result.status == 0), f'{what}: quietly different\n{result}'
        if os.environ.get('BLKSCOPE_FAULTS_TOLD'):
            with open(os.environ['BLKSCOPE_FAULTS_TOLD'], 'a', encoding='utf-8') as told:
                told.write(f'{what}: status {result.status}: {new_lines(result, clean)[-3:]}\n')
    if not scenario.writes:
        assert scenarios.hashes(folder) == master.images, what
    scenarios.sound(folder, *scenario.images, *(name for name in scenario.made if whole(folder / name)))
    if scenario.writes and (scenario.through or result.status == 0) and scenario.images:
        scenarios.verify_data(scenario, folder, scenario.images[0], result.out)


def whole(path):
    """One that could not be made in full is removed, or told of; its header comes last."""
    return path.exists() and path.read_bytes()[:4] == b'QFI\xfb'


def fail_in_turn(master, calls, kind):
    failures, runs = [], 0
    for call in calls:
        for at, error, on in chosen(master, call):
            folder = master.folder / f'run-{kind}'
            what = f'{master.scenario.name}: {call} {at} of {master.counts[call]}: {name_of(error)}{" and on" if on else ""}'
            try:
                judge(master, folder, master.run(folder, call, at, error, on=on), what)
            except AssertionError as failure:
                failures.append(f'{what}\n{failure}')
            shutil.rmtree(folder)
            runs += 1
    print(f'{master.scenario.name}, {kind}: {runs} faults')
    assert not failures, f'{len(failures)} of {runs} failed\n' + '\n\n'.join(failures[:int(os.environ.get('BLKSCOPE_FAULTS_SHOWN', '5'))])


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('name', scenarios.ALL)
def test_each_call_fails_in_turn(masters, name, kind):
    master = masters(name)
    fail_in_turn(master, calls_of(kind, master.counts), kind)


@pytest.mark.parametrize('name', scenarios.ALL)
def test_each_request_of_the_ring_fails_in_turn(masters_with_ring, name):
    """Once, and with all that follow."""
    master = masters_with_ring(name)
    assert master.counts['ring_read'] > 10 and ('ring_write' in master.counts) == master.scenario.writes, 'that the ring does them is why they are looked at'
    fail_in_turn(master, [call for call in RING if call in master.counts], 'ring')


def test_what_the_header_may_name_is_no_leak(masters):
    """A new L1 table is named, but whether that got to the disk is not known: check -r must not free it while that is so."""
    master = masters('growing')
    for at in range(1, master.counts['fdatasync'] + 1):
        folder = master.folder / 'run'
        result = master.run(folder, 'fdatasync', at, errno.EIO)
        judge(master, folder, result, f'fdatasync {at}')
        shutil.rmtree(folder)
