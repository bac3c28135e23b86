#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makes rounds_vbmi.S while the library is built: the 48 rounds of 3DES on vectors of 64 bytes, for x86/vbmi.c.

Compilers keep these rounds a fifth to a half slower than the processor can run them: they spill and they order badly
where what counts is which of 31 operations goes first. So this program orders them, longest way to the end first, and
hands out the registers.

The round is bytes.py's network. A half of 64 blocks is four vectors P0..P3, a block a byte; "spread" is one affine
product of bits, "select" one vpternlog by a mask, an S-box one vpermb in a table of 64 bytes, and the two boxes that
make one vector go into the other half by one vpternlog.

A function does all 48 rounds for 1, 2 or 3 groups of 64 blocks, which are independent: in turns, round by round, one
group's operations fill the time in which another's wait. It takes keys in one of three forms, each standing in the
order in which the rounds use them:

    folded     a table for each box and round, table[x] = box[x ^ round key]: 24 KB, for one key in all lanes
    broadcast  8 bytes of equal value for each box and round: 3 KB, for one key in all lanes
    lanes      a vector for each box and round, a byte a lane: 24 KB a group, for a key of its own in each lane

Registers: where both halves of all groups find room they stay; otherwise the half that a round changes stands in
memory, and a round reads, changes and writes it. What is left holds the masks that are used most, the rest of them are
read where they are used.

Never by an embedded broadcast for the affine product: clang 14 and 19 encode its displacement wrongly. A full vector
costs 64 bytes once.
"""

import importlib
import sys

network = importlib.import_module("bytes")

LATENCY = {"spread": 3, "select": 2, "box": 6, "xor": 2}
REGISTERS = 32
VECTOR_BYTES = 64
KEY_BYTES_A_ROUND = {"folded": 512, "broadcast": 64, "lanes": 512}
ALL_ROUNDS = 48


class Operation:
    """kind, what it makes, and what of; a select also has its mask: it takes sources[1] where that has ones."""

    def __init__(self, kind, result, sources, number=None):
        self.kind, self.result, self.sources, self.number = kind, result, sources, number


def merged_masks(selects):
    """A mask for each select, few of them: what nobody needs may be either, and sources may change places."""
    masks = []  # (ones, zeros)
    chosen = []
    for name, first, second, zeros, ones in selects:
        for sources, yes, no in (((first, second), ones, zeros), ((second, first), zeros, ones)):
            fit = next((i for i, mask in enumerate(masks) if not yes & mask[1] and not no & mask[0]), None)
            if fit is not None:
                masks[fit] = (masks[fit][0] | yes, masks[fit][1] | no)
                break
        else:
            sources, fit = (first, second), len(masks)
            masks.append((ones, zeros))
        chosen.append(Operation("select", name, sources, fit))
    return [sum(1 << p for p in ones) for ones, _ in masks], chosen


def spread_matrix(bits, source, needed):
    """As vgf2p8affineqb has it: byte 7 - p of the matrix selects what makes bit p."""
    return sum(1 << network.P[int(source[1])].index(bit) << 8 * (7 - p) for p, bit in enumerate(bits) if p in needed)


def round_operations():
    """The masks, the matrices, and the operations of a round."""
    needed = network.needs()
    selects = [(name, first, second) + tuple({p for p in needed[name] if choice[p] == which} for which in "01")
               for name, first, second, choice in network.SELECTS if name in needed]
    masks, operations = merged_masks(selects)
    matrices = [spread_matrix(bits, source, needed[name]) for name, bits, source in network.SPREADS]
    spreads = [Operation("spread", name, (source,), i) for i, (name, _, source) in enumerate(network.SPREADS)]
    boxes = [Operation("box", f"s{i}", (f"x{i}",), i) for i in range(network.BOXES)]
    xors = []
    for k in range(4):
        pair = [f"s{i}" for i in range(network.BOXES) if network.vector_of_box(i) == k]
        xors.append(Operation("xor", None, tuple(pair), k))
    return masks, matrices, spreads + operations + boxes + xors


def in_good_order(operations):
    """What has the longest way to the end goes first, of what is ready."""
    users = {}
    for operation in operations:
        for source in operation.sources:
            users.setdefault(source, []).append(operation)

    def way(operation):
        return LATENCY[operation.kind] + max((way(user) for user in users.get(operation.result, [])), default=0)

    ways = {id(operation): way(operation) for operation in operations}
    made, order, rest = {"p0", "p1", "p2", "p3"}, [], list(operations)
    while rest:
        ready = [operation for operation in rest if made.issuperset(operation.sources)]
        first = max(ready, key=lambda operation: ways[id(operation)])
        rest.remove(first)
        order.append(first)
        made.add(first.result)
    return order


def ready_times(order):
    """When each value is there, counted from the start of a round."""
    times = {f"p{k}": 0 for k in range(4)}
    for operation in order:
        times[operation.result] = max(times[source] for source in operation.sources) + LATENCY[operation.kind]
    return times


def truth_table(function):
    """vpternlog's immediate; its bits are numbered by destination, second source, third source."""
    return sum(function(i >> 2 & 1, i >> 1 & 1, i & 1) << i for i in range(8))


class Function:
    """One function of rounds_vbmi.S."""

    def __init__(self, keys, groups, mask_registers, spills):
        self.keys, self.groups, self.spills = keys, groups, spills
        self.masks, self.matrices, operations = round_operations()
        self.order = in_good_order(operations)
        self.times = ready_times(self.order)
        self.lines = []
        self.state_registers = groups * (4 if spills else 8)
        uses = [sum(o.kind == "select" and o.number == i for o in self.order) for i in range(len(self.masks))]
        favourites = sorted(range(len(self.masks)), key=lambda i: -uses[i])[:mask_registers]
        self.next_register = self.state_registers
        self.mask_register = {i: self.take_register() for i in favourites}
        self.matrix_register = [self.take_register() for _ in self.matrices]
        self.free = list(range(self.next_register, REGISTERS))
        self.at, self.left = {}, {}  # of each value of a round: its register, and how many uses it still has

    def take_register(self):
        self.next_register += 1
        return self.next_register - 1

    def write(self, instruction, comment=""):
        self.lines.append(f"    {instruction:<56}/* {comment} */" if comment else f"    {instruction}")

    def home(self, group):
        """Registers of the left and the right half; with spills, of the half that the next round only reads."""
        width = 4 if self.spills else 8
        at = width * group
        return [list(range(at + i, at + i + 4)) for i in range(0, width, 4)]

    # --- a round ---

    def place(self, group, half, k):
        """The place in memory of a vector of the half that a round changes."""
        return f"{VECTOR_BYTES * (8 * group + 4 * half + k)}(%rdi)"

    def release(self, name):
        self.left[name] -= 1
        if self.left[name] == 0 and name[0] != "p":
            self.free.append(self.at[name])

    def dies(self, name):
        return self.left[name] == 1 and name[0] != "p"

    def emit_spread(self, operation):
        source, = operation.sources
        self.at[operation.result] = self.free.pop(0)
        self.write(f"vgf2p8affineqb $0, %zmm{self.matrix_register[operation.number]}, %zmm{self.at[source]}, "
                   f"%zmm{self.at[operation.result]}", f"{operation.result}: bits of {source}")
        self.release(source)

    def emit_select(self, operation):
        zeros, ones = operation.sources
        late = ones if self.times[ones] > self.times[zeros] else zeros
        early = zeros if late == ones else ones
        # What comes last goes where vpternlog overwrites it: from there it takes two cycles, else three.
        if not self.dies(late) and self.times[late] == self.times[early] and self.dies(early):
            late, early = early, late
        target = self.at[late]
        if not self.dies(late):
            target = self.free.pop(0)
            self.write(f"vmovdqa64 %zmm{self.at[late]}, %zmm{target}")
        mask = operation.number
        mask_operand = f"%zmm{self.mask_register[mask]}" if mask in self.mask_register else \
            f"{VECTOR_BYTES * (len(self.matrices) + mask)}(%r8)"
        immediate = truth_table(lambda a, b, c: (a if late == ones else b) if c else (b if late == ones else a))
        self.write(f"vpternlogq $0x{immediate:02x}, {mask_operand}, %zmm{self.at[early]}, %zmm{target}",
                   f"{operation.result}: {ones} and {zeros}")
        self.release(early)
        if self.dies(late):
            self.left[late] = 0
        else:
            self.release(late)
        self.at[operation.result] = target

    def emit_box(self, operation, group, round_number):
        source, = operation.sources
        box, target = operation.number, self.at[source]
        if self.dies(source):
            self.left[source] = 0
        else:
            target = self.free.pop(0)
            self.left[source] -= 1
        index, comment = self.at[source], f"{operation.result}: box {box}"
        if self.keys == "folded":
            table = f"{KEY_BYTES_A_ROUND['folded'] * round_number + VECTOR_BYTES * box}(%rsi)"
        else:
            table = f"{VECTOR_BYTES * box}(%rdx)"
            if self.keys == "broadcast":
                key = f"{KEY_BYTES_A_ROUND['broadcast'] * round_number + 8 * box}(%rsi){{1to8}}"
            else:
                key = f"{KEY_BYTES_A_ROUND['lanes'] * (ALL_ROUNDS * group + round_number) + VECTOR_BYTES * box}(%rsi)"
            self.write(f"vpxorq {key}, %zmm{index}, %zmm{target}")
            index = target
        self.write(f"vpermb {table}, %zmm{index}, %zmm{target}", comment)
        self.at[operation.result] = target

    def emit_xor(self, operation, group, half, changed):
        first, second = operation.sources
        boxes = [o.result for o in self.order if o.kind == "box"]
        if boxes.index(first) > boxes.index(second):
            first, second = second, first
        target, k = self.at[second], operation.number
        comment = f"{'LR'[half]}{k} ^= {first} ^ {second}"
        if self.spills:
            place = self.place(group, half, k)
            self.write(f"vpternlogq $0x96, {place}, %zmm{self.at[first]}, %zmm{target}", comment)
            self.write(f"vmovdqa64 %zmm{target}, {place}")
        else:
            self.write(f"vpternlogq $0x96, %zmm{changed[k]}, %zmm{self.at[first]}, %zmm{target}", comment)
            self.free.append(changed[k])
        self.free.append(self.at[first])
        changed[k] = target

    def emit_round(self, group, round_number, halves):
        """halves: registers of L's and of R's vectors, changed here; with spills, [None, those of the half read]."""
        half = round_number % 2  # the one that changes: L in the first round
        read = halves[1 - half]
        changed = halves[half] if not self.spills else [None] * 4
        self.at = {f"p{k}": read[k] for k in range(4)}
        self.left = {}
        for operation in self.order:
            for source in operation.sources:
                self.left[source] = self.left.get(source, 0) + 1
        for operation in self.order:
            if operation.kind == "spread":
                self.emit_spread(operation)
            elif operation.kind == "select":
                self.emit_select(operation)
            elif operation.kind == "box":
                self.emit_box(operation, group, round_number)
            else:
                self.emit_xor(operation, group, half, changed)
        if self.spills:
            self.free.extend(read)
        halves[half] = changed

    # --- a function ---

    def emit_moves(self, moves):
        """Registers to registers, all at once."""
        moves = {to: source for to, source in moves if to != source}
        while moves:
            to = next((to for to in moves if to not in moves.values()), None)
            if to is None:
                to, spare = next(iter(moves)), self.free[0]
                self.write(f"vmovdqa64 %zmm{to}, %zmm{spare}")
                moves = {target: spare if source == to else source for target, source in moves.items()}
                continue
            self.write(f"vmovdqa64 %zmm{moves.pop(to)}, %zmm{to}")

    def emit_two_rounds(self):
        """What is read and what is changed ends where it began."""
        halves = [([None] + self.home(group)) if self.spills else self.home(group) for group in range(self.groups)]
        for round_number in range(2):
            for group in range(self.groups):
                self.lines.append(f"    /* round {round_number} of two, group {group} */")
                self.emit_round(group, round_number, halves[group])
        moves = []
        for group in range(self.groups):
            for now, home in zip(halves[group][-1:] if self.spills else halves[group], self.home(group)):
                moves += zip(home, now)
        self.emit_moves(moves)
        self.free = sorted(set(range(self.next_register, REGISTERS)))

    def emit_exchange(self):
        """FP and the next DES's IP cancel, but for the halves that change places."""
        for group in range(self.groups):
            if not self.spills:
                left, right = self.home(group)
                self.emit_moves(list(zip(left, right)) + list(zip(right, left)))
                continue
            for k in range(4):
                spare = self.free[k]
                places = [self.place(group, half, k) for half in (0, 1)]
                self.write(f"vmovdqa64 {places[0]}, %zmm{spare}")
                self.write(f"vmovdqa64 %zmm{spare}, {places[1]}")
                self.write(f"vmovdqa64 %zmm{self.home(group)[0][k]}, {places[0]}")
                self.write(f"vmovdqa64 %zmm{spare}, %zmm{self.home(group)[0][k]}")

    def emit_loads(self):
        self.write("leaq .Lconstants(%rip), %r8")
        for i, register in enumerate(self.matrix_register):
            self.write(f"vmovdqa64 {VECTOR_BYTES * i}(%r8), %zmm{register}")
        for i, register in self.mask_register.items():
            self.write(f"vmovdqa64 {VECTOR_BYTES * (len(self.matrices) + i)}(%r8), %zmm{register}")
        for group in range(self.groups):
            for half, registers in zip([1] if self.spills else [0, 1], self.home(group)):
                for k, register in enumerate(registers):
                    self.write(f"vmovdqa64 {self.place(group, half, k)}, %zmm{register}")

    def text(self):
        name = f"sp_tdes_rounds_{self.keys}_{self.groups}_vbmi"
        self.lines += ["", f"    .globl {name}", f"    .hidden {name}", f"    .type {name}, @function", "    .p2align 6",
                       f"{name}:", "    .cfi_startproc", "    _CET_ENDBR"]
        self.emit_loads()
        self.write("movl $3, %ecx")
        self.lines.append("1:")
        self.write("movl $8, %eax")
        self.lines += ["    .p2align 5", "2:"]
        self.emit_two_rounds()
        self.write(f"addq ${2 * KEY_BYTES_A_ROUND[self.keys]}, %rsi")
        self.write("decl %eax")
        self.write("jnz 2b")
        self.emit_exchange()
        self.write("decl %ecx")
        self.write("jnz 1b")
        if not self.spills:
            for group in range(self.groups):
                for half, registers in enumerate(self.home(group)):
                    for k, register in enumerate(registers):
                        self.write(f"vmovdqa64 %zmm{register}, {self.place(group, half, k)}")
        self.write("vzeroupper")
        self.write("ret")
        self.lines += ["    .cfi_endproc", f"    .size {name}, . - {name}"]
        return "\n".join(self.lines)


# Form of the keys, groups, how many masks have registers, and whether halves spill: the fastest of what was measured.
FUNCTIONS = [
    ("folded", 1, 8, False), ("folded", 2, 1, False), ("folded", 3, 5, True),
    ("broadcast", 1, 8, False), ("broadcast", 2, 8, True), ("broadcast", 3, 5, True),
    ("lanes", 1, 8, False), ("lanes", 2, 8, True), ("lanes", 3, 5, True),
]


def constants():
    masks, matrices, _ = round_operations()
    lines = ["", '    .section .rodata', "    .p2align 6", ".Lconstants:"]
    for value in matrices:
        lines.append("    .quad " + ", ".join([f"0x{value:016x}"] * 8))
    for value in masks:
        lines.append(f"    .fill 64, 1, 0x{value:02x}")
    return "\n".join(lines)


def main():
    print("/* SPDX-License-Identifier: ISC\n *\n * Made by generate/rounds_vbmi.py, which says how. It is called by x86/vbmi_keys.c only.\n */")
    print("#include <cet.h> /* says to the linker that there is an endbr64 where it is wanted, if so compiled */\n")
    print("    .text")
    for keys, groups, mask_registers, spills in FUNCTIONS:
        print(Function(keys, groups, mask_registers, spills).text())
    print(constants())
    print('\n    .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
