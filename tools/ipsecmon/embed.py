#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Puts a text file into a program: embed.py FILE NAME, to standard output, as C source with a char NAME[] in it."""

import sys


def main():
    path, name = sys.argv[1:]
    with open(path, "rb") as file:
        data = file.read() + b"\0"
    print(f'#include "page.h"\n\nconst char {name}[] = {{')
    for start in range(0, len(data), 20):
        print("    " + ", ".join(f"{byte if byte < 128 else byte - 256}" for byte in data[start:start + 20]) + ",")
    print("};")


main()
