# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the scripts in cases/*.io.

A file is a list of cases:

    == name of the case
    @ args: -n                program options, "-f raw" when the line is missing
    @ open: test.img          what is opened; "none": no image; "test.img" when missing
    @ image: 64k              size of test.img, 4 MiB when missing
    @ via: -c                 each line is a -c option; "stdin" when missing
    @ program: blkscope       the name it is called by, qemu-io when missing (golden files only)
    @ conf: [inject-error]    a line of the file bd.conf
    @ unordered               lines of asynchronous requests: compared as a sorted list, without prompts
    @ differs: NAME           an intended difference, see DIFFERENCES.md
    read 0 4k                 the commands: everything else, empty lines too

Before the first "==" everything is a comment.  Beside test.img each case finds src.bin (1000 bytes that count up), one.bin (a
byte 0x77), empty.bin, odd.img (1000 bytes), second.img (1 MiB of 0x22), a folder named dir and, when it
names it, an empty qcow2.img.
"""
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import support

FOLDER = Path(__file__).parent / 'cases'


@dataclass
class Case:
    name: str
    args: str = '-f raw'
    open: str = 'test.img'
    image: str = '4M'
    via: str = 'stdin'
    name_of_program: str = 'qemu-io'
    conf: list = field(default_factory=list)
    unordered: bool = False
    differs: list = field(default_factory=list)
    lines: list = field(default_factory=list)

    def argv(self):
        argv = self.args.split()
        if self.via == '-c':
            for line in self.lines:
                argv += ['-c', line]
        if self.open != 'none':
            argv.append(self.open)
        return argv

    def input(self):
        return '' if self.via == '-c' else ''.join(line + '\n' for line in self.lines)

    def prepare(self, folder):
        """The files a case finds in its folder."""
        folder.mkdir(parents=True)
        support.make_image(folder / 'test.img', size_of(self.image))
        (folder / 'src.bin').write_bytes(bytes(i % 256 for i in range(1000)))
        (folder / 'one.bin').write_bytes(b'\x77')
        (folder / 'empty.bin').touch()
        (folder / 'odd.img').write_bytes(b'odd ' * 250)
        (folder / 'second.img').write_bytes(b'\x22' * support.MIB)
        (folder / 'dir').mkdir()
        if 'qcow2.img' in ' '.join([self.args, self.open, *self.lines]):
            subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', folder / 'qcow2.img', '1M'], check=True)
        if self.conf:
            (folder / 'bd.conf').write_text('\n'.join(self.conf) + '\n')


def size_of(text):
    return int(text[:-1]) * {'k': support.KIB, 'M': support.MIB, 'G': support.GIB, 'b': 1}[text[-1]]


def load(path):
    cases, case = [], None
    for line in path.read_text().splitlines():
        if line.startswith('== '):
            case = Case(f'{path.stem}: {line[3:]}')
            cases.append(case)
        elif case is None:
            continue
        elif line.startswith('@ '):
            key, _, value = line[2:].partition(':')
            value = value.strip()
            if key == 'unordered':
                case.unordered = True
            elif key == 'conf':
                case.conf.append(value)
            elif key == 'differs':
                case.differs += value.split()
            elif key == 'program':
                case.name_of_program = value
            elif key in ('args', 'open', 'image', 'via'):
                setattr(case, key, value)
            else:
                raise ValueError(f'{path.name}: unknown key {key!r}')
        else:
            case.lines.append(line)
    for case in cases:
        while case.lines and not case.lines[-1]:
            case.lines.pop()
    return cases


def load_all():
    return [case for path in sorted(FOLDER.glob('*.io')) for case in load(path)]
