#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up which lines ran in a build that counts them, and fails below the targets: 90 per cent of the lines of src/, 95 of those of the
parsers, which are what bytes and texts of strangers meet first.

usage: coverage.py CHECKOUT BUILD [--missing NAME]     --missing lists the lines of a file that never ran

A line that only says that it can't be reached (g_assert_not_reached) does not count.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET_SRC, TARGET_PARSERS = 90, 95
PARSERS = [
    'src/args.c',
    'src/block/blkdebug_rules.c',
    'src/block/name.c',
    'src/block/nbd/address.c',
    'src/block/options.c',
    'src/block/options_json.c',
    'src/block/probe.c',
    'src/block/qcow2/extensions.c',
    'src/block/qcow2/header.c',
    'src/block/qcow2/lenient.c',
    'src/engine/opts.c',
    'src/engine/words.c',
    'src/util/decimal.c',
    'src/util/pattern.c',
    'src/util/size.c',
    'ui/bind.c',
    'ui/config.c',
    'ui/decode.c',
    'ui/escape.c',
    'ui/key.c',
    'ui/keymap.c',
    'ui/theme.c',
]


def measure(checkout, build):
    """For each file, the numbers of its lines that ran and of those that did not."""
    with tempfile.NamedTemporaryFile(suffix='.json') as out:
        subprocess.run(['gcovr', '-r', checkout, '--filter', f'{checkout}/src/', '--filter', f'{checkout}/ui/', '--exclude-unreachable-branches',
                        '--exclude-lines-by-pattern', '.*g_assert_not_reached.*', '--json', out.name, build],
                       check=True, stdout=subprocess.DEVNULL, cwd=build)
        files = json.load(open(out.name))['files']
    lines = {}
    for file in files:
        name = file['file']
        ran = {line['line_number'] for line in file['lines'] if line['count'] and not line.get('gcovr/noncode')}
        never = {line['line_number'] for line in file['lines'] if not line['count'] and not line.get('gcovr/noncode')}
        lines[name] = (ran, never - ran)
    return lines


def share(lines, names):
    ran = sum(len(lines[name][0]) for name in names)
    total = ran + sum(len(lines[name][1]) for name in names)
    return 100 * ran / total if total else 100, ran, total


def report(lines, title, names, target):
    percent, ran, total = share(lines, names)
    print(f'{title:<10} {percent:5.1f} per cent, {ran} of {total} lines' + ('' if percent >= target else f', less than {target}'))
    return percent >= target


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('checkout', type=Path)
    parser.add_argument('build', type=Path)
    parser.add_argument('--missing', action='append', default=[])
    args = parser.parse_args()
    lines = measure(args.checkout.resolve(), args.build.resolve())
    for wanted in args.missing:
        for name in sorted(lines):
            if name.endswith(wanted):
                print(f'{name}: {" ".join(map(str, sorted(lines[name][1])))}')
    if args.missing:
        return 0
    unknown = [name for name in PARSERS if name not in lines]
    for name in unknown:
        print(f'{name}: no such file, or it was not built')
    parsers = [name for name in PARSERS if name in lines]
    for name in sorted(lines, key=lambda name: share(lines, [name])[0]):
        percent, ran, total = share(lines, [name])
        if percent < (TARGET_PARSERS if name in parsers else TARGET_SRC):
            print(f'{percent:5.1f}  {total - ran:4} of {total:4}  {name}{"  (parser)" if name in parsers else ""}')
    good = [report(lines, 'src/', [name for name in lines if name.startswith('src/')], TARGET_SRC),
            report(lines, 'parsers', parsers, TARGET_PARSERS),
            report(lines, 'ui/', [name for name in lines if name.startswith('ui/')], 0)]
    return 0 if all(good) and not unknown else 1


sys.exit(main())
