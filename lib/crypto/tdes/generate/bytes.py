#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makes bytes.h: 3DES on bytes, the tables and the round of the byte-sliced kernels; "bytes.py keys" makes
bytes_keys.h, "bytes.py vbmi" makes bytes_vbmi.h. Its output is committed, and a test proves that this program still
makes the same. rounds_vbmi.py takes the network from here.

A byte-sliced kernel has one block a lane. A half of a block is four vectors P0..P3 of eight bits, each holding what a
pair of S-boxes put out. Where each bit stands was chosen, by a search with a SAT solver, so that the permutation P and
the expansion E need few operations: NETWORK below is what was found. From P0..P3 it makes the eight S-box inputs:
"spread" moves the bits of a vector, "select" takes some bits of one vector and some of another.

Bits of a half count from 0 here, block bits as in FIPS 46-3. Read des_tables.h, which this program reads too.
"""

import os
import re
import sys

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "des_tables.h"), encoding="utf-8") as stream:
    DES_TABLES = stream.read()


def table(name):
    text = re.search(r"\b%s\[.*?= (\{.*?\});" % name, DES_TABLES, re.DOTALL).group(1)
    return [int(number) for number in re.findall(r"\d+", text)]


BOX_ROWS, PERMUTATION, SHIFTS = table("box_tables"), table("permutation"), table("shifts")
CHOICE_1, CHOICE_2 = table("permuted_choice_1"), table("permuted_choice_2")
BOXES, INPUTS, OUTPUTS, ROUNDS = 8, 6, 4, 16

# Which bit of a half stands at each position of P0..P3.
P = [[18, 19, 10, 28, 3, 25, 0, 9], [5, 30, 23, 8, 15, 22, 16, 29],
     [14, 13, 7, 2, 26, 4, 24, 20], [31, 6, 27, 21, 17, 12, 11, 1]]

# Name, the bit of a half at each of six positions (None: never needed), and where it comes from. A select takes
# position i from its second source where its choice has a 1.
SPREADS = [
    ("a0", [10, 0, 28, 9, 3, 9], "p0"),
    ("a1", [23, 8, 16, 29, 30, 15], "p1"),
    ("a2", [20, 26, 7, 20, 24, 4], "p2"),
    ("a3", [31, 27, 1, 11, 12, 27], "p3"),
]
SELECTS = [
    ("m0", "p3", "a2", "101011"),
    ("m1", "p0", "a2", "100101"),
    ("m2", "a0", "a1", "010110"),
    ("m3", "a1", "a2", "010110"),
    ("m4", "p2", "a3", "000111"),
    ("m5", "p0", "p1", "101101"),
    ("m6", "a0", "a3", "101101"),
    ("m7", "p0", "p3", "001010"),
    ("x0", "p2", "m6", "111010"),
    ("x1", "m0", "m5", "100110"),
    ("x2", "m2", "m4", "001110"),
    ("x3", "a1", "m4", "110110"),
    ("x4", "m3", "m7", "110010"),
    ("x5", "m0", "m5", "011001"),
    ("x6", "m3", "m7", "001101"),
    ("x7", "m2", "m6", "110001"),
]
BOX_BITS = [[31, 0, 1, 2, 3, 4], [5, 6, 7, 8, 3, 4], [10, 8, 7, 11, 12, 9], [14, 13, 16, 11, 12, 15],
            [18, 19, 16, 20, 17, 15], [20, 19, 23, 21, 24, 22], [23, 26, 27, 28, 24, 25], [31, 0, 28, 29, 30, 27]]


def place_of(number):
    """Byte, and bit counted from its lowest, of the bit that FIPS 46-3 numbers from 1."""
    return (number - 1) // 8, 7 - (number - 1) % 8


def box_inputs(box):
    """The bits of a half that a box takes, the first one first: the expansion E."""
    return [(4 * box + i + 31) % 32 for i in range(INPUTS)]


def in_half(bit):
    """Vector and position of a bit of a half."""
    return next((k, vector.index(bit)) for k, vector in enumerate(P) if bit in vector)


def box_value(box, index):
    """What a box adds to its vector of the other half, for the six bits of index where BOX_BITS has them."""
    row_and_column = 0
    for bit in box_inputs(box):
        row_and_column = row_and_column << 1 | index >> BOX_BITS[box].index(bit) & 1
    row = (row_and_column >> 5) * 2 + (row_and_column & 1)
    output = BOX_ROWS[box * 64 + row * 16 + (row_and_column >> 1 & 15)]
    value = 0
    for i in range(OUTPUTS):
        bit = PERMUTATION.index(OUTPUTS * box + i + 1)
        value |= (output >> OUTPUTS - 1 - i & 1) << in_half(bit)[1]
    return value


def vector_of_box(box):
    return in_half(PERMUTATION.index(OUTPUTS * box + 1))[0]


def initial_permutation():
    """Of the bits of L, then of R: their FIPS numbers."""
    return [58 + 2 * (i // 8) - 8 * (i % 8) if i < 32 else 57 + 2 * (i // 8 - 4) - 8 * (i % 8) for i in range(64)]


def nibble_tables(moves):
    """Tables [to vector][from nibble][nibble's value] for bits that go from (vector, bit) to (vector, bit)."""
    tables = [[[0] * 16 for _ in range(16)] for _ in range(8)]
    for (from_vector, from_bit), (to_vector, to_bit) in moves:
        entries = tables[to_vector][from_vector * 2 + from_bit // 4]
        for value in range(16):
            entries[value] |= (value >> from_bit % 4 & 1) << to_bit
    return tables


def entering_moves():
    moves = []
    for i, number in enumerate(initial_permutation()):
        vector, position = in_half(i % 32)
        moves.append((place_of(number), (vector + i // 32 * 4, position)))
    return moves


def leaving_moves():
    """The rounds leave R where L was: it is the first half of what goes through FP."""
    moves = []
    for i, number in enumerate(initial_permutation()):
        vector, position = in_half(i % 32)
        moves.append(((vector + (4 if i < 32 else 0), position), place_of(number)))
    return moves


def spread_tables(bits, source):
    vector, tables = P[int(source[1])], [[0] * 16, [0] * 16]
    for position, bit in enumerate(bits):
        at = vector.index(bit)
        for value in range(16):
            tables[at // 4][value] |= (value >> at % 4 & 1) << position
    return tables


def print_bytes(name, groups, shape, note, align=16):
    print(f"\n/* {note} */\nstatic const uint8_t {name}{shape} __attribute__((aligned({align}))) = {{")
    for rows in groups:
        lines = ["{" + ", ".join(f"0x{value:02x}" for value in row) + "}" for row in rows]
        print("    {" + ",\n     ".join(lines) + "},")
    print("};")


def key_pattern(round_number, key_number):
    """Where a key bit goes in a round's eight bytes, as a little-endian word; 0 when the round doesn't take it."""
    at = CHOICE_1.index(key_number)
    turn = sum(SHIFTS[:round_number + 1])
    turned = at // 28 * 28 + (at % 28 - turn) % 28
    if turned + 1 not in CHOICE_2:
        return 0
    choice = CHOICE_2.index(turned + 1)
    box = choice // INPUTS
    position = BOX_BITS[box].index(box_inputs(box)[choice % INPUTS])
    return 1 << 8 * box + position


def print_key_patterns():
    numbers = sorted(CHOICE_1)
    print("\n/* The 56 bits of a key part: where each stands in it, read as a little-endian word, */")
    print("static const uint8_t key_places[56] = {")
    for i in range(0, 56, 14):
        print("    " + ", ".join(str(place_of(n)[0] * 8 + place_of(n)[1]) for n in numbers[i:i + 14]) + ",")
    print("};")
    print("\n/* and which bit of which round key it is: byte i is for box i, bits as the box takes them. */")
    print("static const uint64_t key_patterns[56][16] = {")
    for number in numbers:
        patterns = [f"0x{key_pattern(r, number):x}" for r in range(ROUNDS)]
        print("    {" + ", ".join(patterns[:8]) + ",\n     " + ", ".join(patterns[8:]) + "},")
    print("};")


def needs():
    """Which positions of each node anything needs."""
    needed = {f"x{i}": set(range(INPUTS)) for i in range(BOXES)}
    for name, first, second, choice in reversed(SELECTS):
        for position in needed.get(name, ()):
            needed.setdefault(second if choice[position] == "1" else first, set()).add(position)
    return needed


def print_round():
    needed = needs()
    selects = [(name, first, second, [sum(1 << p for p in needed[name] if choice[p] == which) for which in "01"])
               for name, first, second, choice in SELECTS if name in needed]
    masks = sorted({bits for select in selects for bits in select[3]})
    print("\n/* Which bits selects take, once for each lane of 32. */")
    print(f"static const uint8_t select_masks[{len(masks)}][32] __attribute__((aligned(32))) = {{")
    for bits in masks:
        print("    {" + ", ".join([f"0x{bits:02x}"] * 32) + "},")
    print("};")
    print("\n/* The inputs x0..x7 of the S-boxes from a half p0..p3. SPREAD(i, vector) and SELECT(first, number of its")
    print(" * mask, second, number of its mask) are the kernel's. Bits 6 and 7 of what they make are 0. */")
    lines = ["#define MAKE_BOX_INPUTS"]
    for i, (name, _, source) in enumerate(SPREADS):
        lines.append(f"    BYTES {name} = SPREAD({i}, {source});")
    for name, first, second, takes in selects:
        numbers = [masks.index(bits) for bits in takes]
        lines.append(f"    BYTES {name} = SELECT({first}, {numbers[0]}, {second}, {numbers[1]});")
    print(" \\\n".join(lines))
    pairs = [[box for box in range(BOXES) if vector_of_box(box) == k] for k in range(4)]
    print("\n/* What the S-boxes make of them goes into the other half. */")
    print("#define XOR_BOX_OUTPUTS(half, BOX) \\\n" + " \\\n".join(
        f"    half[{k}] ^= BOX({a}, x{a}) ^ BOX({b}, x{b});" for k, (a, b) in enumerate(pairs)))


def check():
    """NETWORK makes what BOX_BITS says."""
    held = {f"p{k}": vector for k, vector in enumerate(P)}
    held.update({name: bits for name, bits, _ in SPREADS})
    for name, first, second, choice in SELECTS:
        held[name] = [held[second if choice[p] == "1" else first][p] for p in range(INPUTS)]
    for box in range(BOXES):
        if held[f"x{box}"] != BOX_BITS[box] or sorted(BOX_BITS[box]) != sorted(box_inputs(box)):
            sys.exit(f"bytes.py: box {box} gets the wrong bits")


def main():
    check()
    print("/* SPDX-License-Identifier: ISC\n *\n * Made by generate/bytes.py, which says how: change that. 3DES on vectors"
          " of bytes.\n */\n/* clang-format off */\n#include <stdint.h>")
    for name, moves, what in (("entering", entering_moves(), "block bytes to L's P0..P3 and R's"),
                              ("leaving", leaving_moves(), "L's P0..P3 and R's to block bytes")):
        print_bytes(f"{name}_tables", nibble_tables(moves), "[8][16][16]",
                    f"{what}: [to][from, low nibbles first][value]")
    print_bytes("spread_tables", [spread_tables(bits, source) for _, bits, source in SPREADS], "[4][2][16]",
                "[spread][nibble][value]")
    print_bytes("box_tables", [[[box_value(box, high * 16 + low) for low in range(16)] for high in range(4)]
                               for box in range(BOXES)], "[8][4][16]", "[box][bits 5 and 4 of its input][bits 3 to 0]")
    print_round()


def print_keys():
    check()
    print("/* SPDX-License-Identifier: ISC\n *\n * Made by generate/bytes.py keys, which says how: change that. The key"
          " schedule for vectors of bytes.\n */\n/* clang-format off */\n#include <stdint.h>")
    print_key_patterns()


def print_words(name, rows, shape, note):
    print(f"\n/* {note} */\nstatic const uint64_t {name}{shape} = {{")
    for row in rows:
        print("    " + ("{" + ", ".join(f"0x{word:016x}" for word in row) + "}" if isinstance(row, list) else
                        f"0x{row:016x}") + ",")
    print("};")


def print_vbmi():
    """IP and FP in the terms of vgf2p8affineqb. Once the bits of a block stand the other way, as a matrix of 8 by 8,
    its bytes are rows of the halves: bits 8r to 8r+7 of R in byte 2r, of L in byte 2r+1. Within each row all bits go
    to different positions of P0..P3, so one product a row brings them there, and selects sort them by vector."""
    check()
    rows = [[in_half(8 * row + i) for i in range(8)] for row in range(4)]
    if any(len({position for _, position in row}) != 8 for row in rows):
        sys.exit("bytes.py: two bits of a row want one position")
    print("/* SPDX-License-Identifier: ISC\n *\n * Made by generate/bytes.py vbmi, which says how: change that. Vectors of"
          " bytes by GFNI and VBMI.\n */\n/* clang-format off */\n#include <stdint.h>")
    print_words("entering_matrices", [sum(1 << i << 8 * (7 - row[i][1]) for i in range(8)) for row in rows], "[4]",
                "a row's bits to their positions in P0..P3,")
    print_words("leaving_matrices", [sum(1 << row[i][1] << 8 * (7 - i) for i in range(8)) for row in rows], "[4]",
                "and back")
    masks = [[sum(1 << position for vector, position in row if vector == k) for row in rows] for k in range(4)]
    print_words("shares", [[mask * 0x0101010101010101 for mask in row] for row in masks], "[4][4]",
                "which positions of a vector of P0..P3 come from which row: [vector][row], eight times")
    print_bytes("boxes", [[[box_value(box, 16 * line + i) for i in range(16)] for line in range(4)]
                          for box in range(BOXES)], "[8][4][16]", "[box][input / 16][input % 16]", 64)


if __name__ == "__main__":
    {"": main, "keys": print_keys, "vbmi": print_vbmi}["".join(sys.argv[1:])]()
