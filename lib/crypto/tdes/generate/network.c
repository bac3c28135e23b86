/* SPDX-License-Identifier: ISC
 *
 * Makes network.h: DES as Boolean gates, for the bit-sliced kernels. Runs on the building machine; its output
 * is committed, and a test proves that this program still makes the same.
 *
 * From the tables of FIPS 46-3 alone it derives
 *   - for each S-box a network of two-input gates (AND, OR, XOR, AND-NOT),
 *   - which key bit each of the 48 S-box inputs meets in each round.
 *
 * The search is the classic one for DES (M. Kwan, "Reducing the gate count of bitslice DES", 2000): to make a
 * truth table where a mask cares, look for a gate that has it; then for a combination of two, three or four
 * gates; else choose an input bit, make the two halves apart, and join them again by two gates. A half only
 * cares about half of the truth table, which leaves room to reuse gates. The cheapest way wins; ties fall by
 * a seeded random order. The seeds below gave the smallest networks that were found.
 *
 * None of the four gates can make a one out of zeros, so inverters would be needed for S-boxes with S(0) !=
 * 0. Instead, the networks compute S(x) ^ S(0). The constant that is missed in each round is P(S(0)) = c, and
 * by the Feistel structure the halves carry the errors 0, c, c, 0, 0, c, c, 0 ... into rounds 0, 1, 2, 3 ...:
 * an error of c is the same as key bits inverted by E(c), and after 16 rounds it has vanished. So rounds 1
 * and 2 of every four take inverted key bits here and there, and no gate is spent.
 */
#include "wiring.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATES_MAX 100
#define ALL 0xffffffffffffffffu
#define NONE (-1)

/* What made each box's network: the seed of the random order, and the most gates that the search was allowed.
 */
static const struct {
    uint64_t seed;
    int gates_max;
} choices[BOXES] = {
    {33, 56}, {170, 48}, {272, 49}, {62, 40}, {227, 53}, {163, 51}, {1273, 50}, {399, 48},
};

enum op { AND, OR, XOR, AND_NOT };

/* Gates 0 to 5 are the inputs. Bit x of a truth table is the value for input x, whose first bit is the
 * highest. */
struct network {
    int count;
    uint64_t truth[GATES_MAX];
    uint8_t op[GATES_MAX], left[GATES_MAX], right[GATES_MAX];
    int output[OUTPUTS];
};

/* What is looked for: truth where mask has ones, in a network of at most gates_max gates (inputs included).
 */
struct wish {
    uint64_t truth, mask;
    unsigned used_inputs; /* those that the mask depends on: choosing by them again is idle */
    int gates_max;
};

static uint64_t random_state;

static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du;
}

static void start_drawing(uint64_t seed)
{
    random_state = seed * 0x9e3779b97f4a7c15u + 1;
    for (int i = 0; i < 8; i++)
        (void)draw();
}

static void shuffle(int *items, int count)
{
    for (int i = 0; i < count; i++)
        items[i] = i;
    for (int i = count - 1; i > 0; i--) {
        int other = (int)(draw() % (uint64_t)(i + 1)), item = items[i];
        items[i] = items[other];
        items[other] = item;
    }
}

static uint64_t apply(enum op op, uint64_t left, uint64_t right)
{
    switch (op) {
    case AND:
        return left & right;
    case OR:
        return left | right;
    case XOR:
        return left ^ right;
    case AND_NOT:
        return left & ~right;
    }
    return 0;
}

/* The gate, an older one when it has the same truth table. */
static int add(struct network *network, enum op op, int left, int right)
{
    uint64_t truth = apply(op, network->truth[left], network->truth[right]);

    for (int i = 0; i < network->count; i++) {
        if (network->truth[i] == truth)
            return i;
    }
    int gate = network->count++;
    network->op[gate] = (uint8_t)op;
    network->left[gate] = (uint8_t)left;
    network->right[gate] = (uint8_t)right;
    network->truth[gate] = truth;
    return gate;
}

static int find_gate(const struct network *network, uint64_t truth, uint64_t mask)
{
    for (int i = network->count - 1; i >= 0; i--) {
        if (((network->truth[i] ^ truth) & mask) == 0)
            return i;
    }
    return NONE;
}

struct pair {
    enum op op;
    int left, right;
};

/* A partner that makes truth with this left gate; the operands are masked already. */
static bool find_partner(const struct network *network, int left, uint64_t truth, uint64_t mask,
                         struct pair *ret_pair)
{
    uint64_t a = network->truth[left] & mask;
    bool may_be_and = (truth & ~a) == 0, may_be_or = (a & ~truth) == 0;

    for (int j = 0; may_be_and && j < network->count; j++) {
        uint64_t b = network->truth[j];
        bool is_and = (a & b) == truth, is_and_not = (a & ~b) == truth;
        if (is_and || is_and_not) {
            *ret_pair = (struct pair){is_and ? AND : AND_NOT, left, j};
            return true;
        }
    }
    for (int j = 0; may_be_or && j < network->count; j++) {
        if ((a | (network->truth[j] & mask)) == truth) {
            *ret_pair = (struct pair){OR, left, j};
            return true;
        }
    }
    for (int j = left + 1; j < network->count; j++) {
        if ((network->truth[j] & mask) == (a ^ truth)) {
            *ret_pair = (struct pair){XOR, left, j};
            return true;
        }
    }
    return false;
}

static bool find_pair(const struct network *network, uint64_t truth, uint64_t mask, struct pair *ret_pair)
{
    int start = (int)(draw() % (uint64_t)network->count);

    for (int i = 0; i < network->count; i++) {
        int left = (i + start) % network->count;
        if (find_partner(network, left, truth & mask, mask, ret_pair))
            return true;
    }
    return false;
}

static int add_pair(struct network *network, const struct pair *pair)
{
    return add(network, pair->op, pair->left, pair->right);
}

/* Two gates more: a pair joined to an older gate. Where the older gate decides alone, the pair is free. */
static int find_pair_and_gate(struct network *network, uint64_t truth, uint64_t mask)
{
    int start = (int)(draw() % (uint64_t)network->count);
    struct pair pair;

    for (int i = 0; i < network->count; i++) {
        int gate = (i + start) % network->count;
        uint64_t c = network->truth[gate];

        if ((truth & mask & ~c) == 0 && find_pair(network, truth, mask & c, &pair))
            return add(network, AND, add_pair(network, &pair), gate);
        if ((truth & mask & ~c) == 0 && find_pair(network, ~truth, mask & c, &pair))
            return add(network, AND_NOT, gate, add_pair(network, &pair));
        if ((truth & mask & c) == 0 && find_pair(network, truth, mask & ~c, &pair))
            return add(network, AND_NOT, add_pair(network, &pair), gate);
        if ((c & mask & ~truth) == 0 && find_pair(network, truth, mask & ~c, &pair))
            return add(network, OR, add_pair(network, &pair), gate);
        if (find_pair(network, truth ^ c, mask, &pair))
            return add(network, XOR, add_pair(network, &pair), gate);
    }
    return NONE;
}

/* A hash table of pairs by their truth table, emptied by counting up its generation. */
#define SLOTS_LOG2 13
#define SLOTS (1u << SLOTS_LOG2)
#define PROBES_MAX 64
#define QUAD_COUNT_MAX 60 /* gates: beyond, the table would fill up */

static struct slot {
    uint64_t truth;
    uint32_t generation;
    struct pair pair;
} slots[SLOTS];
static uint32_t generation;

static uint32_t first_slot(uint64_t truth)
{
    return (uint32_t)((truth * 0x9e3779b97f4a7c15u) >> (64 - SLOTS_LOG2));
}

static const struct pair *look_up(uint64_t truth)
{
    for (uint32_t at = first_slot(truth); slots[at].generation == generation; at = (at + 1) % SLOTS) {
        if (slots[at].truth == truth)
            return &slots[at].pair;
    }
    return NULL;
}

static void remember(uint64_t truth, struct pair pair)
{
    uint32_t at = first_slot(truth);

    for (int probe = 0; slots[at].generation == generation && probe < PROBES_MAX; probe++) {
        if (slots[at].truth == truth)
            return;
        at = (at + 1) % SLOTS;
    }
    if (slots[at].generation != generation)
        slots[at] = (struct slot){truth, generation, pair};
}

/* Three gates more: the XOR of this pair and of one that was seen before. */
static int match_pair(struct network *network, uint64_t truth, uint64_t mask, struct pair pair)
{
    uint64_t made = apply(pair.op, network->truth[pair.left], network->truth[pair.right]) & mask;
    const struct pair *other = look_up(made ^ (truth & mask));

    if (other == NULL) {
        remember(made, pair);
        return NONE;
    }
    int left = add_pair(network, &pair);
    return add(network, XOR, left, add_pair(network, other));
}

static int find_two_pairs(struct network *network, uint64_t truth, uint64_t mask)
{
    generation++;
    for (int i = 0; i < network->count * network->count; i++) {
        int left = i / network->count, right = i % network->count;
        bool is_ordered = left < right;

        if (left == right)
            continue;
        for (enum op op = AND; op <= AND_NOT; op++) {
            if (op == XOR || (op != AND_NOT && !is_ordered))
                continue;
            int gate = match_pair(network, truth, mask, (struct pair){op, left, right});
            if (gate != NONE)
                return gate;
        }
    }
    return NONE;
}

static int build(struct network *network, const struct wish *wish);

/* The three ways to join two halves at input i, by what one half c yields where the other, d, is added:
 * c ^ (i & d), c ^ (i | d), c ^ (d & ~i). */
static int build_halves(struct network *network, const struct wish *wish, int input, enum op join)
{
    uint64_t bit = network->truth[input], first_mask = join == AND ? ~bit : bit;
    struct wish half = {.used_inputs = wish->used_inputs | 1u << input, .gates_max = wish->gates_max - 2};

    half.truth = join == OR ? ~wish->truth : wish->truth;
    half.mask = wish->mask & first_mask;
    int c = build(network, &half);
    if (c == NONE)
        return NONE;
    half.truth = wish->truth ^ network->truth[c];
    half.mask = wish->mask & ~first_mask;
    int d = build(network, &half);
    if (d == NONE)
        return NONE;
    int joined = join == AND_NOT ? add(network, AND_NOT, d, input) : add(network, join, input, d);
    return add(network, XOR, c, joined);
}

static int build_by_input(struct network *network, const struct wish *wish)
{
    static const enum op joins[] = {AND, OR, AND_NOT};
    struct network base = *network, best = base;
    struct wish left = *wish;
    int best_gate = NONE, order[INPUTS];

    shuffle(order, INPUTS);
    for (int i = 0; i < INPUTS * 3; i++) {
        int input = order[i / 3];
        if (wish->used_inputs & 1u << input)
            continue;
        struct network trial = base;
        int gate = build_halves(&trial, &left, input, joins[i % 3]);
        if (gate == NONE || trial.count > left.gates_max)
            continue;
        best = trial;
        best_gate = gate;
        left.gates_max = trial.count - 1;
    }
    if (best_gate != NONE)
        *network = best;
    return best_gate;
}

/* The gate that has the wished truth table, added to the network with what it needs; NONE when the gates run
 * out. */
static int build(struct network *network, const struct wish *wish)
{
    int gate = find_gate(network, wish->truth, wish->mask), room = wish->gates_max - network->count;
    struct pair pair;

    if (gate != NONE || room < 1)
        return gate;
    if (find_pair(network, wish->truth, wish->mask, &pair))
        return add_pair(network, &pair);
    if (room >= 2)
        gate = find_pair_and_gate(network, wish->truth, wish->mask);
    if (gate == NONE && room >= 3 && network->count < QUAD_COUNT_MAX)
        gate = find_two_pairs(network, wish->truth, wish->mask);
    if (gate == NONE && room >= 4)
        gate = build_by_input(network, wish);
    return gate;
}

static bool build_box(int box, uint64_t seed, int gates_max, struct network *ret_network)
{
    struct network network = {.count = INPUTS};
    struct wish wishes[OUTPUTS] = {{0}};
    int order[OUTPUTS];

    for (int x = 0; x < 64; x++) {
        int value = box_value(box, x) ^ box_value(box, 0);
        for (int i = 0; i < INPUTS; i++)
            network.truth[i] |= (uint64_t)(x >> (INPUTS - 1 - i) & 1) << x;
        for (int i = 0; i < OUTPUTS; i++)
            wishes[i].truth |= (uint64_t)(value >> (OUTPUTS - 1 - i) & 1) << x;
    }
    start_drawing(seed);
    shuffle(order, OUTPUTS);
    for (int i = 0; i < OUTPUTS; i++) {
        struct wish *wish = &wishes[order[i]];
        wish->mask = ALL;
        wish->gates_max = gates_max + INPUTS;
        network.output[order[i]] = build(&network, wish);
        if (network.output[order[i]] == NONE)
            return false;
    }
    *ret_network = network;
    return true;
}

/* Tries seed after seed for box, telling each improvement, for somebody who wants smaller networks. */
static void hunt(int box, uint64_t seed)
{
    struct network network;
    int gates_max = GATES_MAX - 1 - INPUTS;

    for (;; seed++) {
        if (!build_box(box, seed, gates_max, &network))
            continue;
        printf("S%d: {%llu, %d} makes %d gates\n", box + 1, (unsigned long long)seed, gates_max,
               network.count - INPUTS);
        (void)fflush(stdout);
        gates_max = network.count - INPUTS - 1;
    }
}

static void mark_used(const struct network *network, int gate, bool *is_used)
{
    if (is_used[gate])
        return;
    is_used[gate] = true;
    if (gate < INPUTS)
        return;
    mark_used(network, network->left[gate], is_used);
    mark_used(network, network->right[gate], is_used);
}

static void print_gate(const struct network *network, int gate)
{
    static const char *const formats[] = {
        [AND] = "    vector g%d = g%d & g%d;\n",
        [OR] = "    vector g%d = g%d | g%d;\n",
        [XOR] = "    vector g%d = g%d ^ g%d;\n",
        [AND_NOT] = "    vector g%d = g%d & ~g%d;\n",
    };

    printf(formats[network->op[gate]], gate, network->left[gate], network->right[gate]);
}

static void print_box(int box, const struct network *network)
{
    bool is_used[GATES_MAX] = {false};
    int gates = 0;

    for (int i = 0; i < OUTPUTS; i++)
        mark_used(network, network->output[i], is_used);
    for (int gate = INPUTS; gate < network->count; gate++)
        gates += is_used[gate];
    print_box_head(box, gates);
    for (int gate = INPUTS; gate < network->count; gate++) {
        if (is_used[gate])
            print_gate(network, gate);
        for (int i = 0; i < OUTPUTS; i++) {
            if (network->output[i] == gate)
                printf("    *out%d ^= g%d;\n", i, gate);
        }
    }
    printf("}\n");
}

static int print_all(void)
{
    print_head("network.c", true);
    print_key_offsets(true);
    for (int box = 0; box < BOXES; box++) {
        struct network network;
        if (!build_box(box, choices[box].seed, choices[box].gates_max, &network))
            return 1;
        print_box(box, &network);
    }
    print_round();
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return print_all();
    if (argc == 4 && strcmp(argv[1], "hunt") == 0)
        hunt(atoi(argv[2]) - 1, strtoull(argv[3], NULL, 10));
    (void)fprintf(stderr, "usage: network > network.h | network hunt BOX SEED\n");
    return 1;
}
