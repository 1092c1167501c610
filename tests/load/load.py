"""load.py ROOT PROGRAM [steady|copies]... [--seconds SECONDS]: see `run`."""

import argparse
import os
import platform
import subprocess

import programs
from copies import copies
from steady import steady

parser = argparse.ArgumentParser(prog="tests/load/run")
parser.add_argument("root", help=argparse.SUPPRESS)
parser.add_argument("program", help=argparse.SUPPRESS)
parser.add_argument("what", nargs="*", help="steady, copies; both without")
parser.add_argument("--seconds", type=int, help="how long calls are made: 300 for steady, 18 for copies by default")
given = parser.parse_args()
if unknown := set(given.what) - {"steady", "copies"}:
    parser.error(f"neither steady nor copies: {', '.join(unknown)}")
what = given.what or ["steady", "copies"]
version = subprocess.run([given.program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
load = " ".join(f"{number:.1f}" for number in os.getloadavg())
print(f"# {version}, {os.cpu_count()} cores, {platform.machine()}, load of the machine before: {load}")
try:
    if "steady" in what:
        steady(given.program, given.seconds or 300)
    if "copies" in what:
        copies(given.program, given.root, given.seconds or 18)
finally:
    for program in list(programs.Program.running):
        program.end()
print(f"{programs.done} passed, 0 failed")
