/* SPDX-License-Identifier: ISC
 *
 * wiring.h's work: E, P and the key schedule of FIPS 46-3 become nothing but names and offsets.
 */
#include "wiring.h"

#include <stdio.h>

#define INVERTED 64     /* where the inverted copies of the 64 key bits begin */
#define OFFSET_SCALE 16 /* bytes of the smallest vector */

int box_value(int box, int x)
{
    int row = (x >> 5 & 1) * 2 + (x & 1), column = x >> 1 & 15;

    return box_tables[box][row][column];
}

/* Where the bit that FIPS 46-3 numbers from 1 stands in a block or key part read as a little-endian word. */
static int place_of(int number)
{
    return (number - 1) / 8 * 8 + 7 - (number - 1) % 8;
}

/* The bit of R that input i of a box takes: the expansion E. */
static int expanded(int box, int i)
{
    return (4 * box + i + 31) % 32;
}

/* The bit of L that output i of a box goes to: the permutation P. */
static int permuted(int box, int i)
{
    int at = 0;

    while (permutation[at] != 4 * box + i + 1)
        at++;
    return at;
}

/* Bit of c, the constant that the networks leave out of a round. */
static bool is_left_out(int right_bit)
{
    int output = permutation[right_bit] - 1;

    return box_value(output / OUTPUTS, 0) >> (OUTPUTS - 1 - output % OUTPUTS) & 1;
}

static int key_place(int round, int input, bool leaves_out)
{
    int turn = 0, choice = permuted_choice_2[input] - 1;

    for (int i = 0; i <= round; i++)
        turn += shifts[i];
    int half = choice / 28 * 28;
    int place = place_of(permuted_choice_1[half + (choice - half + turn) % 28]);
    bool is_erring_round = round % 4 == 1 || round % 4 == 2;
    bool is_inverted = leaves_out && is_erring_round && is_left_out(expanded(input / INPUTS, input % INPUTS));
    return is_inverted ? place + INVERTED : place;
}

void print_head(const char *program, bool leaves_out)
{
    printf("/* SPDX-License-Identifier: ISC\n"
           " *\n"
           " * Made by generate/%s, which says how: change that. DES as gates over any type \"vector\".\n"
           " */\n"
           "/* clang-format off */\n"
           "#include <stdint.h>\n"
           "\n/* How often the key bits stand there: %s. */\n"
           "#define KEY_COPIES %d\n",
           program, leaves_out ? "as they are, and inverted" : "as they are", leaves_out ? 2 : 1);
}

void print_key_offsets(bool leaves_out)
{
    printf("\n/* Which key vector each S-box input meets: %d * (place of the bit in the key part",
           OFFSET_SCALE);
    if (leaves_out)
        printf(", + %d for inverted", INVERTED);
    printf("). */\n");
    printf("static const uint16_t key_offsets[%d][%d] = {\n", ROUNDS, KEY_BITS);
    for (int round = 0; round < ROUNDS; round++) {
        printf("    {");
        for (int input = 0; input < KEY_BITS; input++)
            printf("%s%d",
                   input % 16 != 0 ? ", "
                   : input > 0     ? ",\n     "
                                   : "",
                   OFFSET_SCALE * key_place(round, input, leaves_out));
        printf("},\n");
    }
    printf("};\n");
}

void print_box_head(int box, int gates)
{
    printf("\n/* S%d: %d gates */\n", box + 1, gates);
    printf("static inline __attribute__((always_inline)) void box_%d(vector g0, vector g1, vector g2, vector "
           "g3,\n"
           "    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)\n{\n",
           box + 1);
}

void print_round(void)
{
    printf("\n#define KEY(input) (*(const vector *)(keys + offsets[input] * (sizeof(vector) / %d)))\n",
           OFFSET_SCALE);
    printf(
        "\nstatic inline __attribute__((always_inline)) void xor_round(vector *left, const vector *right,\n"
        "    const uint8_t *keys, const uint16_t *offsets)\n{\n");
    for (int box = 0; box < BOXES; box++) {
        printf("    box_%d(", box + 1);
        for (int i = 0; i < INPUTS; i++)
            printf("right[%d] ^ KEY(%d), ", expanded(box, i), box * INPUTS + i);
        for (int i = 0; i < OUTPUTS; i++)
            printf("&left[%d]%s", permuted(box, i), i + 1 < OUTPUTS ? ", " : ");\n");
    }
    printf("}\n");
}
