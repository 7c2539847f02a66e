# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a C header that holds theme files as a table of name and text: embed.py FILE... > HEADER."""
import json
import pathlib
import sys

print("static const struct {\n    const char *name, *text;\n} builtin_themes[] = {")
for argument in sys.argv[1:]:
    path = pathlib.Path(argument)
    print("    {" + json.dumps(path.stem) + ",")
    for line in path.read_text(encoding="ascii").splitlines():
        print("     " + json.dumps(line + "\n"))
    print("    },")
print("};")
