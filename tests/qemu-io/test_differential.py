# SPDX-License-Identifier: GPL-3.0-or-later
"""Random operations through the reference program and through ours; output, image and map must come out equal.

SEED=N starts somewhere else, ROUNDS=N goes on longer.  A failure names its seed and shows a shortened script that still fails.
"""
import os
import random
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import differences  # noqa: E402
import support  # noqa: E402

SEED = int(os.environ.get('SEED', '1'))
ROUNDS = int(os.environ.get('ROUNDS', '80'))
OPERATIONS = 220
FILE = 'file.driver=file,file.filename=test.img'
BLKDEBUG = 'driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=test.img'
DETECT = 'driver=raw,discard=unmap,detect-zeroes={},' + FILE


class Setup:
    """How an image is opened, and what may be done with it."""

    def __init__(self, rng):
        self.rng = rng
        self.size = rng.choice([0, 512, 4096, 65536, 1 << 20, 4 << 20, 4 << 20, 16 << 20]) + rng.choice([0, 0, 0, 512, 1, 1000])
        self.length = self.size  # of what is seen
        self.window_end = 0  # of what is seen when it goes up to the end of the file
        self.aio = True
        self.args = []
        cache = rng.choice([[], ['-n'], ['-t', 'none'], ['-t', 'writeback'], ['-t', 'writethrough'], ['-t', 'directsync'],
                            ['-t', 'unsafe'], ['-t', 'writeback']])
        discard = rng.choice([[], ['-d', 'unmap'], ['-d', 'unmap'], ['-d', 'ignore'], ['--discard=on']])
        # Ours only: with io_uring the reference hangs for ever at the end of files of odd sizes.
        self.engine = rng.choice([[], [], ['-i', 'threads'], ['-i', 'io_uring']])
        kind = rng.choice(['plain'] * 5 + ['read-only', 'probed', 'window', 'window', 'align', 'limits', 'inject', 'inject',
                                           'states', 'detect', 'misalign'])
        self.kind = kind
        common = [*cache, *discard]
        unmap = 'discard=unmap,' if 'unmap' in discard or '--discard=on' in discard else ''
        if kind == 'plain':
            self.args = ['-f', 'raw', *common, 'test.img']
        elif kind == 'misalign':
            self.args = ['-f', 'raw', '-n', '-m', *discard, 'test.img']
        elif kind == 'read-only':
            self.args = ['-f', 'raw', '-r', *common, 'test.img']
        elif kind == 'probed':
            self.args = [*common, 'test.img']
        elif kind == 'detect':
            self.args = ['--image-opts', *cache, '-d', 'unmap', DETECT.format(rng.choice(['on', 'unmap']))]
        elif kind == 'window':
            offset = rng.choice([0, 512, 4096, 65536, 100, 12345])
            self.size = max(self.size, offset + 4096) & ~511
            size = (rng.randrange(0, self.size - offset) & ~511) or 512
            with_size = rng.random() < .8
            self.length = size if with_size else self.size - offset
            self.window_end = 0 if with_size else self.length
            window = f'driver=raw,offset={offset},' + (f'size={size},' if with_size else '') + unmap
            self.args = ['--image-opts', *common, window + FILE]
        else:
            extra = ''
            if kind == 'align':
                extra = f',file.align={rng.choice([512, 1024, 4096, 65536])}'
                self.size = (self.size + 65535) & ~65535
                self.length = self.size
            elif kind == 'limits':
                extra = ',file.max-transfer=64k,file.align=512,file.opt-write-zero=8k,file.max-write-zero=128k' \
                        ',file.opt-discard=4k,file.max-discard=256k'
                self.size = (self.size + 65535) & ~65535
                self.length = self.size
            elif kind == 'inject':
                self.aio = False
                extra = (f',file.inject-error.0.event=none,file.inject-error.0.errno={rng.choice([5, 28, 13, 1])}'
                         f',file.inject-error.0.sector={rng.randrange(0, max(1, self.size // 512))}'
                         ',file.inject-error.0.immediately=' + rng.choice(['on', 'off']))
                if rng.random() < .5:
                    extra += ',file.inject-error.0.iotype=' + rng.choice(['read', 'write', 'write-zeroes', 'discard', 'flush'])
            elif kind == 'states':
                self.aio = False
                for i in range(4):
                    extra += (f',file.set-state.{i}.event={rng.choice(["read_aio", "write_aio", "pwritev", "pwritev_zero"])}'
                              f',file.set-state.{i}.state={i + 1},file.set-state.{i}.new_state={(i + 1) % 4 + 1}')
                extra += (f',file.inject-error.0.event={rng.choice(["read_aio", "write_aio", "flush_to_os", "pwritev"])}'
                          f',file.inject-error.0.state={rng.randrange(1, 5)},file.inject-error.0.errno=28')
            self.args = ['--image-opts', *common, BLKDEBUG.replace('driver=raw,', 'driver=raw,' + unmap, 1) + extra]

    def __str__(self):
        return f'{self.kind}: test.img of {self.size} bytes, qemu-io {" ".join([*self.engine, *self.args])}'


class Script:
    def __init__(self, rng, setup):
        self.rng, self.setup = rng, setup
        self.length = setup.length
        # Several lines that belong together (a batch of asynchronous requests) are one item.
        self.items = [self.item() for _ in range(OPERATIONS)]

    def range(self, most=1 << 20):
        rng, length = self.rng, self.length
        grid = rng.choice([1, 1, 512, 512, 4096, 65536])
        offset = rng.randrange(0, length + 1) // grid * grid
        count = rng.choice([0, 1, 511, 512, 513, 4096, 4097, 65536, rng.randrange(0, 300), rng.randrange(0, most)])
        if rng.random() < .3:
            count = count // grid * grid
        roll = rng.random()
        if roll < .05:  # up to or over the end
            count = length - offset + rng.choice([0, 0, 1, 512])
        elif roll > .97:
            offset = length + rng.choice([-1, 0, 1, 512, 1 << 20])
        else:
            count = min(count, length - offset)
        return max(offset, 0), max(min(count, 2 << 20), 0)

    def number(self, n):
        rng = self.rng
        if n and n % 1024 == 0 and rng.random() < .5:
            return f'{n // 1024}{rng.choice("kK")}'
        return rng.choice([str(n), str(n), hex(n)])

    def pattern(self):
        value = self.rng.choice([0, 0, 0x11, 0xab, 0xcd, 255, self.rng.randrange(256)])
        return self.rng.choice([str(value), hex(value)])

    def flags(self, letters):
        return ''.join(f'-{letter} ' for letter in letters if self.rng.random() < .2)

    def vector(self, count):
        parts = []
        while len(parts) < 6 and self.rng.random() < .7:
            part = self.rng.randrange(0, count + 1)
            parts.append(part)
            count -= part
        return ' '.join(self.number(part) for part in [*parts, count])

    def read(self):
        offset, count = self.range()
        text = 'read ' + self.flags('qCp')
        if count <= 300:
            text += self.flags('v')
        if self.rng.random() < .4:
            text += f'-P {self.pattern()} '
            if self.rng.random() < .3 and count:
                start = self.rng.randrange(0, count)
                text += f'-s {start} -l {self.rng.randrange(0, count - start + 1)} '
        return text + f'{self.number(offset)} {self.number(count)}'

    def readv(self):
        offset, count = self.range()
        text = 'readv ' + self.flags('qC') + (f'-P {self.pattern()} ' if self.rng.random() < .3 else '')
        return text + f'{self.number(offset)} {self.vector(count)}'

    def write(self):
        offset, count = self.range()
        text = 'write ' + self.flags('qCpf')
        roll = self.rng.random()
        if roll < .5:
            text += f'-P {self.pattern()} '
        elif roll < .65 and count:
            text += '-s src.bin '
        return text + f'{self.number(offset)} {self.number(count)}'

    def zeroes(self):
        offset, count = self.range()
        return f'write -z {self.flags("uuqfn")}{self.number(offset)} {self.number(count)}'

    def writev(self):
        offset, count = self.range()
        text = 'writev ' + self.flags('qCf') + (f'-P {self.pattern()} ' if self.rng.random() < .6 else '')
        return text + f'{self.number(offset)} {self.vector(count)}'

    def discard(self):
        offset, count = self.range()
        if 'blkdebug' in self.setup.args[-1]:
            # Unaligned ones end the reference with a floating point exception.
            offset, count = offset & ~65535, count & ~65535
        return f'discard {self.flags("qC")}{self.number(offset)} {self.number(count)}'

    def truncate(self):
        size = max(0, self.length + self.rng.choice([-70000, -512, -1, 0, 1, 512, 4096, 70000, 1 << 20]))
        if self.setup.kind in ('align', 'limits', 'inject', 'states'):
            size = size + 65535 & ~65535
        if size > 32 << 20:
            size = 1 << 20
        if self.setup.kind in ('plain', 'misalign', 'probed', 'detect', 'align', 'limits'):
            self.length = size
        return f'truncate {self.rng.choice(["", "", "", "-m off ", "-m falloc "])}{size}'

    def alloc(self):
        offset, count = self.range(8 << 20)
        if self.setup.window_end % 512:  # see simple()
            return 'length'
        return f'alloc {offset}' + (f' {count}' if self.rng.random() < .8 else '')

    def simple(self):
        line = self.rng.choice(['map', 'map', 'length', 'flush', 'info', 'sleep 0', 'reopen'])
        # The reference misses the end of a window that ends within a sector.
        return 'length' if line == 'map' and self.setup.window_end % 512 else line

    def refused(self):
        return self.rng.choice(['read 0', 'read 0 x', 'write -z -P 1 0 512', 'write -u 0 1', 'readv 0', 'read -P 256 0 1', 'alloc',
                                'writev 0 1G 1G', 'discard 0 1 2', 'write -b -z 0 1', 'read 8E 1', 'break A B', 'nope', 'truncate',
                                'read -s 1 0 512', 'aio_write -z 0 1 1', 'write -q', 'sleep x', 'map 1', ''])

    def batch(self):
        """Asynchronous requests that don't touch each other, and the flush that ends them."""
        rng = self.rng
        slots = rng.sample(range(16), rng.randrange(1, 9))
        size = max(1, self.length // 16)
        lines = []
        for slot in slots:
            offset = slot * size // 4096 * 4096 + rng.choice([0, 0, 1, 512])
            count = min(rng.choice([1, 512, 4096, 5000, 65536]), max(0, size - 4096 - 512))
            offset = min(offset, max(0, self.length - count))
            kind = rng.choice(['read', 'read', 'write', 'write', 'zeroes'])
            if kind == 'read':
                text = f'aio_read {self.flags("qC")}' + (f'-P {self.pattern()} ' if rng.random() < .4 else '')
                lines.append(f'{text}{self.number(offset)} {self.vector(count)}')
            elif kind == 'write':
                lines.append(f'aio_write {self.flags("qCf")}-P {self.pattern()} {self.number(offset)} {self.vector(count)}')
            else:
                lines.append(f'aio_write -z {self.flags("uqCf")}{self.number(offset)} {self.number(count)}')
        # Two of a small image may still meet: those go one by one.
        if size < 16384:
            lines = [line for pair in ((line, 'aio_flush') for line in lines) for line in pair]
        number = rng.randrange(1 << 30)
        return '\n'.join([f'sleep begin{number}', *lines, 'aio_flush', f'sleep end{number}'])

    def item(self):
        choices = [(self.read, 18), (self.readv, 8), (self.write, 16), (self.writev, 8), (self.zeroes, 10), (self.discard, 8),
                   (self.truncate, 3), (self.alloc, 8), (self.simple, 8), (self.refused, 2), (self.batch, 6 if self.setup.aio else 0)]
        return self.rng.choices([f for f, _ in choices], [w for _, w in choices])[0]()


def canonical(text):
    """Without prompts and times; what asynchronous requests printed between their markers in sorted order."""
    text = support.without_times(text.replace('qemu-io> ', ''))
    out, batch = [], None
    for line in text.splitlines():
        if re.match(r'begin\d+ is not', line):
            batch = []
        elif re.match(r'end\d+ is not', line):
            out += sorted(batch or [])
            batch = None
        elif batch is not None:
            batch.append(line)
            continue
        out.append(line)
    return '\n'.join(out + sorted(batch or [])) + '\n'


def play(setup, items, folder, by_argument):
    """Both programs play the items on equal images: None, or what came out different."""
    shutil.rmtree(folder, ignore_errors=True)
    lines = '\n'.join(items).split('\n')
    results, died = {}, False
    for who, program in (('reference', support.REFERENCE), ('ours', support.BLKSCOPE)):
        place = folder / who
        place.mkdir(parents=True)
        support.make_image(place / 'test.img', setup.size)
        (place / 'src.bin').write_bytes(bytes(i % 251 for i in range(1000)))
        own = setup.args if program == support.REFERENCE else [*setup.engine, *setup.args]
        args, data = own, ''.join(line + '\n' for line in lines)
        if by_argument:
            args, data = [*(word for line in lines for word in ('-c', line)), *own], ''
        result = support.run(args, program=program, name='qemu-io', input=data, cwd=place)
        # A third program's view of what is data, what is zero and what is a hole; settled first, for pages that are still
        # in the cache count as data.
        with open(place / 'test.img', 'rb') as file:
            os.fsync(file)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        seen = support.run(['map', '-f', 'raw', '--output=json', 'test.img'], program='/usr/bin/qemu-img', name='qemu-img', cwd=place)
        out, err = differences.usage_line(canonical(result.out), re.sub(r'#block\d+', '#blockN', result.err))
        results[who] = out, err, f'status {result.status}\n', seen.out
        if program == support.REFERENCE and result.status in (-signal.SIGABRT, -signal.SIGFPE):
            died = True
    if died:
        # One of its assertions failed: all there is to ask is that ours lives.
        return None if results['ours'][2] in ('status 0\n', 'status 1\n') else f'ours: {results["ours"][2]}'
    problems = []
    for what, theirs, ours in zip(('stdout', 'stderr', 'status', 'map'), results['reference'], results['ours']):
        if theirs != ours:
            problems.append(f'{what}:\n{support.difference(theirs, ours)[:6000]}')
    different = support.same_bytes(folder / 'reference/test.img', folder / 'ours/test.img')
    if different:
        problems.append(f'images: {different}')
    return '\n'.join(problems) or None


def shorten(setup, items, folder, by_argument, budget=60):
    """Leaves out what is not needed for a failure."""
    step = len(items) // 2
    while step and budget:
        i = 0
        while i < len(items) and budget:
            fewer = items[:i] + items[i + step:]
            budget -= 1
            if fewer and play(setup, fewer, folder, by_argument):
                items = fewer
            else:
                i += step
        step //= 2
    return items


@pytest.mark.parametrize('number', range(SEED, SEED + ROUNDS), ids='seed{}'.format)
def test_random_operations(number, work):
    rng = random.Random(number)
    setup = Setup(rng)
    items = Script(rng, setup).items
    by_argument = rng.random() < .2
    if play(setup, items, work / 'play', by_argument) is None:
        return
    items = shorten(setup, items, work / 'play', by_argument)
    problem = play(setup, items, work / 'play', by_argument) or 'gone when repeated'
    pytest.fail(f'SEED={number} ROUNDS=1; {setup}{" by -c" if by_argument else ""}\n' + '\n'.join(items) + '\n\n' + problem,
                pytrace=False)
