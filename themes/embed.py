# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a C header that holds a text file as a string: embed.py FILE NAME > HEADER."""
import json
import sys

path, name = sys.argv[1:]
with open(path, encoding="ascii") as file:
    lines = file.read().splitlines()
print(f"static const char {name}[] =")
for line in lines:
    print("    " + json.dumps(line + "\n"))
print("    ;")
