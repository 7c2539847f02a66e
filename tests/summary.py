#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up JUnit files to the one line `N passed, N failed, N skipped`; fails when something failed.

usage: summary.py STATUS FILE...      STATUS is non-zero when a runner itself failed
"""
import sys
import xml.etree.ElementTree as ET


def main(status, *files):
    passed = failed = skipped = 0
    for name in files:
        try:
            cases = list(ET.parse(name).getroot().iter('testcase'))
        except (ET.ParseError, OSError) as error:
            print(f'{name}: {error}')
            failed += 1
            continue
        for case in cases:
            if case.find('failure') is not None or case.find('error') is not None:
                failed += 1
            elif case.find('skipped') is not None:
                skipped += 1
            else:
                passed += 1
    # A runner that broke down without naming a test is a failure of its own.
    if status != '0' and not failed:
        failed += 1
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
