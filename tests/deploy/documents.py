"""Blocks of code in Markdown: compiled, or handed to a tool.

documents.py python FILE...            compiles every block of Python
documents.py yaml FILE TOOL [ARG...]   runs the tool on each block of YAML
"""

import pathlib
import re
import subprocess
import sys
import tempfile


def blocks(path, language):
    """The blocks of a language, each with its first line's number."""
    text = pathlib.Path(path).read_text()
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield text[: found.start(1)].count("\n") + 1, found[1]


def python(*paths):
    count = 0
    for path in paths:
        for line, code in blocks(path, "python"):
            # So that an error names the line of the document.
            compile("\n" * (line - 1) + code, path, "exec")
            count += 1
    return count


def yaml(path, *tool):
    count = 0
    for _, text in blocks(path, "yaml"):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            subprocess.run([*tool, file.name], check=True)
        count += 1
    return count


found = {"python": python, "yaml": yaml}[sys.argv[1]](*sys.argv[2:])
if found == 0:
    sys.exit("there is no such block")
