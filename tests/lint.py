#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the sources for what a compiler does not: the direction of includes between the rooms, licence lines, headers that
compile alone, paths of one machine, shell scripts.

usage: lint.py CHECKOUT [--junit FILE]
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOMS = ['util', 'io', 'block', 'engine', 'ui']  # each may include those before it
SOURCES = ('.c', '.h', '.py', '.build', '.sh')
LONG_FILE = 800
SKIP_FOLDERS = {'.git', '__pycache__', '.pytest_cache'}
SKIP_FILES = {'.git'}  # a work tree has a file of that name


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIP_FOLDERS and not (Path(folder) == root and f.startswith('build')))
        for name in sorted(set(names) - SKIP_FILES):
            yield Path(folder) / name


def room_of(root, path):
    parts = path.relative_to(root).parts
    if parts[0] == 'ui':
        return 'ui'
    if parts[0] == 'src' and len(parts) > 2:
        return parts[1]
    return None


def code(path):
    return path.suffix in ('.c', '.h')


def includes(path):
    for number, line in enumerate(path.read_text(errors='replace').splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield number, match[1]


def check_direction(root, files):
    for path in filter(code, files):
        room = room_of(root, path)
        if room is None:
            continue
        if room not in ROOMS:
            yield f'{path.relative_to(root)}: unknown room {room}'
            continue
        for number, name in includes(path):
            target = name.split('/')[0] if '/' in name else None
            if target in ROOMS and ROOMS.index(target) > ROOMS.index(room):
                yield f'{path.relative_to(root)}:{number}: {room} must not include {name}'


def check_terminal_libraries(root, files):
    """Only the curses back end includes curses.h, only the console includes readline."""
    for path in filter(code, files):
        relative = path.relative_to(root).as_posix()
        for number, name in includes(path):
            if re.search(r'\b(n?cursesw?|term|terminfo)(/|\.h)', name) and not re.match(r'ui/(backend[-_/])?curses', relative) \
                    and not re.match(r'ui/.*curses[^/]*\.[ch]$', relative):
                yield f'{relative}:{number}: only the curses back end includes {name}'
            if name.startswith('readline/') and not relative.startswith('ui/console') and not re.match(r'ui/(app[-_])?plain', relative):
                yield f'{relative}:{number}: only the console includes {name}'


def check_licence(root, files):
    for path in files:
        first_lines = path.suffix in SOURCES or path.name == 'dev' or path.parent.name == '.ci'
        if first_lines and 'SPDX-License-Identifier: GPL-3.0-or-later' not in '\n'.join(
                path.read_text(errors='replace').splitlines()[:3]):
            yield f'{path.relative_to(root)}: no SPDX line'


def check_machine_paths(root, files):
    """Nothing names a folder or a host of one machine."""
    pattern = re.compile(r'(?<![\w.])/(home|root|work|Users)/[\w.]')
    for path in files:
        if path.suffix not in SOURCES + ('.md', '.txt', '') or path.name == 'LICENSE' or path == Path(__file__).resolve():
            continue
        for number, line in enumerate(path.read_text(errors='replace').splitlines(), 1):
            if pattern.search(line):
                yield f'{path.relative_to(root)}:{number}: a path of one machine: {line.strip()[:80]}'


def check_headers_alone(root, files):
    if not shutil.which('pkg-config') or not (root / 'build/config.h').exists():
        yield 'build first: pkg-config or build/config.h is missing'
        return
    flags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0', 'json-glib-1.0', 'ncursesw'],
                           capture_output=True, text=True, check=True).stdout.split()

    def compile_header(path):
        run = subprocess.run(['gcc', '-std=gnu17', '-D_GNU_SOURCE', '-fsyntax-only', '-Wall', '-Werror', '-x', 'c', *flags,
                              *(word for folder in path.relative_to(root).parents for word in ('-I', root / folder)),
                              '-I', root / 'src', '-I', root / 'build', '-include', path, '/dev/null'],
                             capture_output=True, text=True, env={**os.environ, 'LC_ALL': 'C'})
        return [] if run.returncode == 0 else [f'{path.relative_to(root)} does not compile alone:\n' + '\n'.join(run.stderr.splitlines()[:12])]

    headers = [path for path in files if path.suffix == '.h']
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(compile_header, headers):
            yield from found


def check_shell(root, files):
    scripts = [root / 'dev', root / '.ci/run']
    if not shutil.which('shellcheck'):
        return
    run = subprocess.run(['shellcheck', *scripts], capture_output=True, text=True)
    if run.returncode:
        yield run.stdout


def check_python(root, files):
    for path in files:
        if path.suffix == '.py':
            try:
                compile(path.read_text(), str(path), 'exec')
            except SyntaxError as error:
                yield f'{path.relative_to(root)}: {error}'


CHECKS = [check_direction, check_terminal_libraries, check_licence, check_machine_paths, check_headers_alone, check_shell,
          check_python]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('checkout', type=Path)
    parser.add_argument('--junit', type=Path)
    args = parser.parse_args()
    root = args.checkout.resolve()
    files = list(files_of(root))
    suite = ET.Element('testsuite', name='lint')
    failed = 0
    for check in CHECKS:
        found = list(check(root, files))
        case = ET.SubElement(suite, 'testcase', classname='lint', name=check.__name__)
        if found:
            failed += 1
            ET.SubElement(case, 'failure', message=f'{len(found)} found').text = '\n'.join(found)
            print('\n'.join(found))
        print(f"{'not ok' if found else 'ok'} {check.__name__.removeprefix('check_').replace('_', ' ')}")
    for path in filter(code, files):
        lines = len(path.read_text(errors='replace').splitlines())
        if lines > LONG_FILE:
            print(f'warning: {path.relative_to(root)} has {lines} lines, over {LONG_FILE}')
    if args.junit:
        ET.ElementTree(suite).write(args.junit)
    return 1 if failed else 0


sys.exit(main())
