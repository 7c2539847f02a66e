# SPDX-License-Identifier: GPL-3.0-or-later
"""The intended differences from the reference program, by name; DIFFERENCES.md gives the reasons.

Each takes (stdout, stderr) of either program and returns them with what may differ made equal.
"""
import re

# NAME ARGS -- SUMMARY, of a command that exists
_USAGE = re.compile(
    r'^((?:qemu-io> )*(?:abort|aio_flush|aio_read|aio_write|alloc|break|close|discard|flush|help|info|length|map|open|quit|read|'
    r'readv|remove_break|reopen|resume|sigraise|sleep|truncate|wait_break|write|writev|[rwfcoqaldti?])(?: \S+)*? *--) .+$', re.M)


def usage_line(out, err):
    """Applied to every case: the summary in a usage line."""
    return _USAGE.sub(r'\1 SUMMARY', out), err


def help_prose(out, err):
    """Summaries, long help and closing hints; names, arguments and order are compared."""
    out, err = usage_line(out, err)
    kept = [line for line in out.splitlines() if line.endswith(' -- SUMMARY') or line.startswith('qemu-io>')]
    return '\n'.join(kept), err


def usage_prose(out, err):
    """The program's usage text and version."""
    return ('USAGE' if out else ''), err


def native_aio(out, err):
    """`aio=native` without direct I/O is taken."""
    return '', ''


def output_before_abort(out, err):
    """What was printed before `abort` is seen."""
    return '', err


BY_NAME = {
    'native-aio': native_aio,
    'output-before-abort': output_before_abort,
    'usage-line': usage_line,
    'help-prose': help_prose,
    'usage-prose': usage_prose,
}
