/* SPDX-License-Identifier: ISC
 *
 * Makes network_ternary.h: DES as gates of three inputs, for AVX-512, whose vpternlog is any of the 256 of
 * them. Runs on the building machine; its output is committed, and a test proves that this program still
 * makes the same.
 *
 * An S-box here is a list of gates, and for each output two gates: a function of these two and its XOR into
 * the other half are one instruction more. So the constant that network.c has to work around costs nothing
 * here.
 *
 * The lists below were searched for, by a random walk that took minutes a box: begin with any network, got by
 * splitting the truth tables by inputs until what is left takes one gate or two. Then, again and again, take
 * a gate out, see where the outputs depend on it at all, and put in another that agrees there: an older gate,
 * or one of three others, or two new ones; drop what nobody uses. A step that needs more gates is taken only
 * when it is one or two above the best yet. Small lists were thrown half away and built anew, to leave dead
 * ends. How they were found doesn't matter for their being right: this program evaluates each for all 64
 * inputs and compares it with FIPS 46-3 before it prints anything.
 */
#include "wiring.h"

#include <stdint.h>
#include <stdio.h>

#define GATES_MAX 28

/* Inputs count as gates 0 to 5. Bit 4a + 2b + c of table is what the gate makes of a, b and c. */
struct gate {
    uint8_t a, b, c, table;
};

/* Bit 2a + b of table. */
struct output {
    uint8_t a, b, table;
};

static const struct box {
    int gate_count;
    struct gate gates[GATES_MAX];
    struct output outputs[OUTPUTS];
} boxes[BOXES] = {
    {.gate_count = 21,
     .gates =
         {
             {3, 0, 2, 0x96},    {2, 6, 5, 0xd2},    {3, 0, 7, 0x8a},   {5, 6, 8, 0x36},   {1, 9, 8, 0x9a},
             {5, 8, 10, 0xc2},   {0, 6, 4, 0x6c},    {10, 12, 7, 0xd4}, {6, 13, 11, 0x6a}, {11, 1, 14, 0xd6},
             {11, 0, 9, 0xea},   {15, 16, 13, 0x96}, {4, 17, 10, 0xac}, {4, 5, 7, 0x3c},   {19, 16, 3, 0x58},
             {13, 2, 18, 0x4e},  {17, 4, 21, 0xca},  {22, 1, 20, 0x82}, {23, 17, 6, 0xac}, {0, 20, 4, 0xce},
             {22, 25, 14, 0x12},
         },
     .outputs = {{15, 20, 0x9}, {22, 11, 0x9}, {4, 18, 0x9}, {24, 26, 0x6}}},
    {.gate_count = 22,
     .gates =
         {
             {4, 5, 0, 0xd8},   {1, 4, 6, 0x38},    {7, 3, 5, 0x8c},    {7, 2, 8, 0x9c},   {9, 3, 6, 0x6c},
             {1, 8, 10, 0x12},  {2, 7, 5, 0x96},    {0, 12, 2, 0xb4},   {11, 13, 4, 0xc6}, {5, 2, 1, 0x94},
             {7, 15, 12, 0x1e}, {5, 6, 16, 0xf4},   {8, 1, 17, 0xb0},   {15, 12, 1, 0xbe}, {16, 15, 0, 0x4e},
             {19, 3, 20, 0x6a}, {0, 9, 1, 0x12},    {19, 17, 22, 0x72}, {21, 23, 8, 0x96}, {4, 14, 10, 0x78},
             {11, 13, 3, 0xc1}, {25, 26, 24, 0x4b},
         },
     .outputs = {{4, 21, 0x9}, {14, 18, 0x9}, {15, 27, 0x9}, {24, 13, 0x9}}},
    {.gate_count = 22,
     .gates =
         {
             {1, 4, 0, 0x9c},   {4, 1, 3, 0xc6},   {2, 4, 1, 0x36},   {7, 8, 2, 0xd2},   {0, 5, 9, 0x96},
             {9, 10, 8, 0xd6},  {6, 11, 5, 0x4e},  {0, 3, 4, 0x70},   {5, 9, 4, 0x60},   {8, 11, 14, 0xce},
             {1, 15, 6, 0x6a},  {2, 13, 16, 0x95}, {12, 3, 17, 0xb4}, {17, 10, 6, 0x2c}, {11, 19, 13, 0x8a},
             {0, 6, 18, 0xf6},  {2, 10, 21, 0x38}, {3, 22, 14, 0x6c}, {16, 3, 10, 0x76}, {24, 9, 8, 0x96},
             {10, 18, 7, 0xbc}, {1, 25, 26, 0xc2},
         },
     .outputs = {{2, 27, 0x9}, {23, 3, 0x6}, {18, 2, 0x9}, {20, 10, 0x6}}},
    {.gate_count = 14,
     .gates =
         {
             {2, 3, 4, 0xbd},
             {2, 4, 1, 0x96},
             {1, 0, 2, 0x96},
             {6, 7, 8, 0xc7},
             {9, 8, 1, 0x92},
             {3, 4, 10, 0x96},
             {11, 1, 3, 0xac},
             {6, 8, 7, 0xc2},
             {10, 7, 13, 0x91},
             {9, 3, 14, 0x2d},
             {12, 15, 5, 0xd2},
             {16, 14, 2, 0xc3},
             {14, 5, 11, 0x6a},
             {18, 15, 16, 0x96},
         },
     .outputs = {{19, 5, 0x6}, {18, 17, 0x9}, {17, 15, 0x9}, {5, 17, 0x9}}},
    {.gate_count = 25,
     .gates =
         {
             {2, 4, 5, 0xb6},   {6, 3, 5, 0xe2},   {7, 4, 2, 0xda},    {8, 3, 2, 0x68},    {8, 9, 6, 0xe8},
             {10, 1, 8, 0x2e},  {4, 2, 0, 0xb6},   {12, 5, 1, 0x96},   {13, 3, 2, 0x16},   {14, 2, 5, 0xa8},
             {5, 1, 15, 0x94},  {4, 10, 16, 0xba}, {14, 16, 10, 0x86}, {17, 18, 8, 0x96},  {11, 0, 19, 0xe2},
             {15, 4, 14, 0xed}, {1, 19, 21, 0xa6}, {14, 19, 9, 0xfe},  {23, 13, 11, 0x96}, {24, 0, 18, 0xe2},
             {22, 20, 6, 0x96}, {26, 3, 13, 0x47}, {1, 0, 25, 0xe4},   {25, 4, 20, 0x56},  {21, 28, 29, 0x62},
         },
     .outputs = {{20, 22, 0xc}, {27, 12, 0xc}, {30, 27, 0x9}, {25, 27, 0xc}}},
    {.gate_count = 23,
     .gates =
         {
             {0, 4, 3, 0x96},    {1, 4, 6, 0x78},   {2, 7, 6, 0xac},   {8, 4, 7, 0xd4},   {3, 9, 6, 0x98},
             {8, 10, 6, 0xd6},   {9, 11, 2, 0x34},  {2, 12, 11, 0x5c}, {8, 5, 13, 0xb8},  {10, 13, 5, 0x67},
             {1, 15, 12, 0xb8},  {4, 16, 0, 0xca},  {10, 2, 1, 0x46},  {11, 7, 15, 0x69}, {18, 19, 15, 0x70},
             {20, 0, 1, 0x6d},   {18, 6, 21, 0x78}, {22, 17, 5, 0x1e}, {20, 17, 8, 0x1e}, {24, 19, 0, 0xd8},
             {23, 25, 12, 0xb4}, {4, 2, 3, 0x53},   {27, 5, 11, 0xce},
         },
     .outputs = {{14, 17, 0x3}, {22, 28, 0x9}, {1, 26, 0x6}, {25, 2, 0xc}}},
    {.gate_count = 23,
     .gates =
         {
             {1, 3, 4, 0xb4},   {2, 6, 3, 0xa6},   {1, 4, 7, 0x62},    {7, 0, 4, 0x96},   {6, 8, 9, 0x2c},
             {10, 5, 9, 0xa6},  {0, 6, 7, 0xd2},   {5, 2, 12, 0x2c},   {1, 13, 7, 0xbe},  {11, 12, 3, 0x1b},
             {5, 14, 15, 0xc4}, {16, 0, 2, 0x62},  {17, 12, 11, 0x38}, {5, 11, 18, 0x90}, {16, 9, 18, 0x3c},
             {13, 10, 0, 0x3c}, {21, 9, 15, 0x26}, {22, 18, 4, 0x68},  {1, 21, 23, 0x3a}, {20, 0, 24, 0xa6},
             {25, 20, 3, 0x4e}, {7, 21, 6, 0xe0},  {26, 27, 24, 0x96},
         },
     .outputs = {{24, 11, 0x6}, {26, 24, 0x3}, {19, 28, 0x6}, {2, 11, 0x6}}},
    {.gate_count = 21,
     .gates =
         {
             {1, 2, 3, 0x6e},    {4, 1, 6, 0x96},  {4, 2, 1, 0xa6},   {6, 7, 8, 0x70},   {7, 5, 8, 0x74},
             {7, 10, 6, 0x62},   {3, 11, 6, 0xf4}, {12, 2, 1, 0x10},  {4, 5, 13, 0x6c},  {1, 9, 14, 0x9a},
             {15, 10, 0, 0xd8},  {13, 4, 5, 0xb6}, {16, 3, 1, 0x12},  {0, 18, 7, 0x96},  {17, 19, 10, 0xac},
             {12, 20, 15, 0x96}, {0, 4, 3, 0x94},  {22, 11, 5, 0x70}, {21, 9, 23, 0x96}, {14, 19, 24, 0x3a},
             {25, 22, 24, 0x96},
         },
     .outputs = {{21, 16, 0x9}, {16, 3, 0x9}, {26, 8, 0x6}, {25, 4, 0x3}}},
};

static int evaluate(const struct box *box, int x)
{
    int value[INPUTS + GATES_MAX], result = 0;

    for (int i = 0; i < INPUTS; i++)
        value[i] = x >> (INPUTS - 1 - i) & 1;
    for (int i = 0; i < box->gate_count; i++) {
        const struct gate *gate = &box->gates[i];
        value[INPUTS + i] = gate->table >> (4 * value[gate->a] + 2 * value[gate->b] + value[gate->c]) & 1;
    }
    for (int i = 0; i < OUTPUTS; i++) {
        const struct output *output = &box->outputs[i];
        result = result << 1 | (output->table >> (2 * value[output->a] + value[output->b]) & 1);
    }
    return result;
}

static bool is_right(int box)
{
    for (int x = 0; x < 1 << INPUTS; x++) {
        if (evaluate(&boxes[box], x) != box_value(box, x))
            return false;
    }
    return true;
}

/* The gate that is XORed into out: out in the highest place, so zeros there leave the table as it is. */
static int xored(const struct output *output)
{
    return output->table | (~output->table & 0xf) << 4;
}

static void print_outputs(const struct box *box, int newest)
{
    for (int i = 0; i < OUTPUTS; i++) {
        const struct output *output = &box->outputs[i];
        if ((output->a > output->b ? output->a : output->b) == newest)
            printf("    *out%d = TERNARY(*out%d, g%d, g%d, 0x%02x);\n", i, i, output->a, output->b,
                   (unsigned)xored(output));
    }
}

static void print_box(int number)
{
    const struct box *box = &boxes[number];

    print_box_head(number, box->gate_count);
    for (int i = 0; i < INPUTS; i++)
        print_outputs(box, i);
    for (int i = 0; i < box->gate_count; i++) {
        const struct gate *gate = &box->gates[i];
        printf("    vector g%d = TERNARY(g%d, g%d, g%d, 0x%02x);\n", INPUTS + i, gate->a, gate->b, gate->c,
               gate->table);
        print_outputs(box, INPUTS + i);
    }
    printf("}\n");
}

int main(void)
{
    for (int box = 0; box < BOXES; box++) {
        if (!is_right(box)) {
            (void)fprintf(stderr, "ternary: the network of S%d is wrong\n", box + 1);
            return 1;
        }
    }
    print_head("ternary.c", false);
    print_key_offsets(false);
    for (int box = 0; box < BOXES; box++)
        print_box(box);
    print_round();
    return 0;
}
