#!/usr/bin/env python3
"""check.py COMPILER FLAGS...: compiles refused.cc, and compares what the compiler says with what the lines expect."""
import pathlib
import re
import subprocess
import sys

source = pathlib.Path(__file__).with_name('refused.cc')
command = [*sys.argv[1:], '-fsyntax-only', '-fdiagnostics-plain-output', str(source)]
said = subprocess.run(command, capture_output=True, text=True).stderr.splitlines()

expected = {}
for number, line in enumerate(source.read_text().splitlines(), 1):
    if match := re.search(r'[;{] +// (.+)$', line):
        expected[number] = match[1]

# The compiler goes from the line down to the assertion. What it says after one assertion belongs to the next.
found = {}
number = None
strays = []
for line in said:
    if match := re.search(re.escape(str(source)) + r':(\d+):', line):
        number = int(match[1])
    if match := re.search(r'static assertion failed: (.*)', line):
        found.setdefault(number, []).append(match[1])
    elif ': error: ' in line:
        strays.append(line)

wrong = [f'refused.cc:{at}: says {found.get(at, "nothing")}, not "{text}"' for at, text in expected.items()
         if not any(text in sentence for sentence in found.get(at, []))]
wrong += [f'refused.cc:{at}: is refused, unexpectedly: {found[at]}' for at in found if at not in expected]
# A mistake costs its reader a screen, not pages.
longest = 15 * len(expected)
if len(said) > longest:
    wrong.append(f'the compiler says {len(said)} lines of {len(expected)} mistakes, more than {longest}')
wrong += strays
print('\n'.join(wrong) or f'{len(expected)} mistakes are refused, in {len(said)} lines')
if wrong:
    print('\n'.join(said))
sys.exit(bool(wrong))
