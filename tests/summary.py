#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds up JUnit files to the one line `N passed, N failed, N skipped`; fails when something failed.

usage: summary.py STATUS FILE...      STATUS is non-zero when a runner itself failed; a FILE.json is meson's log: a program in it that
                                      broke down, so that no test of it is named, counts as a failure
"""
import json
import sys
import xml.etree.ElementTree as ET


def main(status, *files):
    passed = failed = skipped = 0
    broken = set()
    for name in files:
        if name.endswith('.json'):
            with open(name) as log:
                broken |= {run['name'] for run in map(json.loads, log) if run['result'] not in ('OK', 'SKIP')}
    for name in files:
        if name.endswith('.json'):
            continue
        try:
            root = ET.parse(name).getroot()
        except (ET.ParseError, OSError) as error:
            print(f'{name}: {error}')
            failed += 1
            continue
        for suite in root.iter('testsuite'):
            named = suite.find('testcase/failure') is not None or suite.find('testcase/error') is not None
            failed += suite.get('name').partition('.')[2] in broken and not named
        for case in root.iter('testcase'):
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
