/* SPDX-License-Identifier: ISC
 *
 * Made by generate/ternary.c, which says how: change that. DES as gates over any type "vector".
 */
/* clang-format off */
#include <stdint.h>

/* How often the key bits stand there: as they are. */
#define KEY_COPIES 1

/* Which key vector each S-box input meets: 16 * (place of the bit in the key part). */
static const uint16_t key_offsets[16][48] = {
    {224, 848, 608, 960, 880, 368, 624, 1008, 96, 240, 336, 736, 80, 592, 480, 496,
     704, 992, 976, 112, 576, 464, 352, 752, 288, 448, 528, 800, 560, 64, 656, 416,
     48, 816, 272, 432, 944, 304, 544, 912, 144, 320, 688, 160, 176, 928, 784, 400},
    {96, 720, 480, 832, 752, 240, 496, 880, 976, 112, 208, 608, 960, 464, 352, 368,
     576, 864, 848, 992, 1008, 336, 224, 624, 160, 320, 400, 672, 432, 912, 528, 288,
     448, 688, 144, 304, 816, 176, 416, 784, 16, 192, 560, 32, 48, 800, 656, 272},
    {848, 464, 224, 576, 496, 992, 240, 624, 720, 864, 960, 352, 704, 208, 96, 112,
     880, 608, 592, 736, 752, 80, 976, 368, 944, 64, 144, 416, 176, 656, 272, 32,
     192, 432, 928, 48, 560, 448, 160, 528, 800, 912, 304, 816, 320, 544, 400, 16},
    {592, 208, 976, 880, 240, 736, 992, 368, 464, 608, 704, 96, 1008, 960, 848, 864,
     624, 352, 336, 480, 496, 832, 720, 112, 688, 784, 928, 160, 448, 400, 16, 816,
     912, 176, 672, 320, 304, 192, 944, 272, 544, 656, 48, 560, 64, 288, 144, 800},
    {336, 960, 720, 624, 992, 480, 736, 112, 208, 352, 1008, 848, 752, 704, 592, 608,
     368, 96, 80, 224, 240, 576, 464, 864, 432, 528, 672, 944, 192, 144, 800, 560,
     656, 448, 416, 64, 48, 912, 688, 16, 288, 400, 320, 304, 784, 32, 928, 544},
    {80, 704, 464, 368, 736, 224, 480, 864, 960, 96, 752, 592, 496, 1008, 336, 352,
     112, 848, 832, 976, 992, 880, 208, 608, 176, 272, 416, 688, 912, 928, 544, 304,
     400, 192, 160, 784, 320, 656, 432, 800, 32, 144, 64, 48, 528, 816, 672, 288},
    {832, 1008, 208, 112, 480, 976, 224, 608, 704, 848, 496, 336, 240, 752, 80, 96,
     864, 592, 576, 720, 736, 624, 960, 352, 448, 16, 160, 432, 656, 672, 288, 48,
     144, 912, 944, 528, 64, 400, 176, 544, 816, 928, 784, 320, 272, 560, 416, 32},
    {576, 752, 960, 864, 224, 720, 976, 352, 1008, 592, 240, 80, 992, 496, 832, 848,
     608, 336, 880, 464, 480, 368, 704, 96, 192, 800, 944, 176, 400, 416, 32, 320,
     928, 656, 688, 272, 784, 144, 448, 288, 560, 672, 528, 64, 16, 304, 160, 816},
    {1008, 624, 832, 736, 96, 592, 848, 224, 880, 464, 112, 960, 864, 368, 704, 720,
     480, 208, 752, 336, 352, 240, 576, 976, 64, 672, 816, 48, 272, 288, 944, 192,
     800, 528, 560, 144, 656, 16, 320, 160, 432, 544, 400, 912, 928, 176, 32, 688},
    {752, 368, 576, 480, 848, 336, 592, 976, 624, 208, 864, 704, 608, 112, 1008, 464,
     224, 960, 496, 80, 96, 992, 880, 720, 784, 416, 560, 320, 16, 32, 688, 912,
     544, 272, 304, 928, 400, 800, 64, 944, 176, 288, 144, 656, 672, 448, 816, 432},
    {496, 112, 880, 224, 592, 80, 336, 720, 368, 960, 608, 1008, 352, 864, 752, 208,
     976, 704, 240, 832, 848, 736, 624, 464, 528, 160, 304, 64, 800, 816, 432, 656,
     288, 16, 48, 672, 144, 544, 784, 688, 448, 32, 928, 400, 416, 192, 560, 176},
    {240, 864, 624, 976, 336, 832, 80, 464, 112, 704, 352, 752, 96, 608, 496, 960,
     720, 1008, 992, 576, 592, 480, 368, 208, 272, 944, 48, 784, 544, 560, 176, 400,
     32, 800, 320, 416, 928, 288, 528, 432, 192, 816, 672, 144, 160, 912, 304, 448},
    {992, 608, 368, 720, 80, 576, 832, 208, 864, 1008, 96, 496, 848, 352, 240, 704,
     464, 752, 736, 880, 336, 224, 112, 960, 16, 688, 320, 528, 288, 304, 448, 144,
     816, 544, 64, 160, 672, 32, 272, 176, 912, 560, 416, 928, 944, 656, 48, 192},
    {736, 352, 112, 464, 832, 880, 576, 960, 608, 752, 848, 240, 592, 96, 992, 1008,
     208, 496, 480, 624, 80, 976, 864, 704, 800, 432, 64, 272, 32, 48, 192, 928,
     560, 288, 784, 944, 416, 816, 16, 448, 656, 304, 160, 672, 688, 400, 320, 912},
    {480, 96, 864, 208, 576, 624, 880, 704, 352, 496, 592, 992, 336, 848, 736, 752,
     960, 240, 224, 368, 832, 720, 608, 1008, 544, 176, 784, 16, 816, 320, 912, 672,
     304, 32, 528, 688, 160, 560, 800, 192, 400, 48, 944, 416, 432, 144, 64, 656},
    {352, 976, 736, 80, 1008, 496, 752, 576, 224, 368, 464, 864, 208, 720, 608, 624,
     832, 112, 96, 240, 704, 592, 480, 880, 416, 48, 656, 928, 688, 192, 784, 544,
     176, 944, 400, 560, 32, 432, 672, 64, 272, 448, 816, 288, 304, 16, 912, 528},
};

/* S1: 21 gates */
static inline __attribute__((always_inline)) void box_1(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g3, g0, g2, 0x96);
    vector g7 = TERNARY(g2, g6, g5, 0xd2);
    vector g8 = TERNARY(g3, g0, g7, 0x8a);
    vector g9 = TERNARY(g5, g6, g8, 0x36);
    vector g10 = TERNARY(g1, g9, g8, 0x9a);
    vector g11 = TERNARY(g5, g8, g10, 0xc2);
    vector g12 = TERNARY(g0, g6, g4, 0x6c);
    vector g13 = TERNARY(g10, g12, g7, 0xd4);
    vector g14 = TERNARY(g6, g13, g11, 0x6a);
    vector g15 = TERNARY(g11, g1, g14, 0xd6);
    vector g16 = TERNARY(g11, g0, g9, 0xea);
    vector g17 = TERNARY(g15, g16, g13, 0x96);
    vector g18 = TERNARY(g4, g17, g10, 0xac);
    *out2 = TERNARY(*out2, g4, g18, 0x69);
    vector g19 = TERNARY(g4, g5, g7, 0x3c);
    vector g20 = TERNARY(g19, g16, g3, 0x58);
    *out0 = TERNARY(*out0, g15, g20, 0x69);
    vector g21 = TERNARY(g13, g2, g18, 0x4e);
    vector g22 = TERNARY(g17, g4, g21, 0xca);
    *out1 = TERNARY(*out1, g22, g11, 0x69);
    vector g23 = TERNARY(g22, g1, g20, 0x82);
    vector g24 = TERNARY(g23, g17, g6, 0xac);
    vector g25 = TERNARY(g0, g20, g4, 0xce);
    vector g26 = TERNARY(g22, g25, g14, 0x12);
    *out3 = TERNARY(*out3, g24, g26, 0x96);
}

/* S2: 22 gates */
static inline __attribute__((always_inline)) void box_2(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g4, g5, g0, 0xd8);
    vector g7 = TERNARY(g1, g4, g6, 0x38);
    vector g8 = TERNARY(g7, g3, g5, 0x8c);
    vector g9 = TERNARY(g7, g2, g8, 0x9c);
    vector g10 = TERNARY(g9, g3, g6, 0x6c);
    vector g11 = TERNARY(g1, g8, g10, 0x12);
    vector g12 = TERNARY(g2, g7, g5, 0x96);
    vector g13 = TERNARY(g0, g12, g2, 0xb4);
    vector g14 = TERNARY(g11, g13, g4, 0xc6);
    vector g15 = TERNARY(g5, g2, g1, 0x94);
    vector g16 = TERNARY(g7, g15, g12, 0x1e);
    vector g17 = TERNARY(g5, g6, g16, 0xf4);
    vector g18 = TERNARY(g8, g1, g17, 0xb0);
    *out1 = TERNARY(*out1, g14, g18, 0x69);
    vector g19 = TERNARY(g15, g12, g1, 0xbe);
    vector g20 = TERNARY(g16, g15, g0, 0x4e);
    vector g21 = TERNARY(g19, g3, g20, 0x6a);
    *out0 = TERNARY(*out0, g4, g21, 0x69);
    vector g22 = TERNARY(g0, g9, g1, 0x12);
    vector g23 = TERNARY(g19, g17, g22, 0x72);
    vector g24 = TERNARY(g21, g23, g8, 0x96);
    *out3 = TERNARY(*out3, g24, g13, 0x69);
    vector g25 = TERNARY(g4, g14, g10, 0x78);
    vector g26 = TERNARY(g11, g13, g3, 0xc1);
    vector g27 = TERNARY(g25, g26, g24, 0x4b);
    *out2 = TERNARY(*out2, g15, g27, 0x69);
}

/* S3: 22 gates */
static inline __attribute__((always_inline)) void box_3(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g1, g4, g0, 0x9c);
    vector g7 = TERNARY(g4, g1, g3, 0xc6);
    vector g8 = TERNARY(g2, g4, g1, 0x36);
    vector g9 = TERNARY(g7, g8, g2, 0xd2);
    vector g10 = TERNARY(g0, g5, g9, 0x96);
    vector g11 = TERNARY(g9, g10, g8, 0xd6);
    vector g12 = TERNARY(g6, g11, g5, 0x4e);
    vector g13 = TERNARY(g0, g3, g4, 0x70);
    vector g14 = TERNARY(g5, g9, g4, 0x60);
    vector g15 = TERNARY(g8, g11, g14, 0xce);
    vector g16 = TERNARY(g1, g15, g6, 0x6a);
    vector g17 = TERNARY(g2, g13, g16, 0x95);
    vector g18 = TERNARY(g12, g3, g17, 0xb4);
    *out2 = TERNARY(*out2, g18, g2, 0x69);
    vector g19 = TERNARY(g17, g10, g6, 0x2c);
    vector g20 = TERNARY(g11, g19, g13, 0x8a);
    *out3 = TERNARY(*out3, g20, g10, 0x96);
    vector g21 = TERNARY(g0, g6, g18, 0xf6);
    vector g22 = TERNARY(g2, g10, g21, 0x38);
    vector g23 = TERNARY(g3, g22, g14, 0x6c);
    *out1 = TERNARY(*out1, g23, g3, 0x96);
    vector g24 = TERNARY(g16, g3, g10, 0x76);
    vector g25 = TERNARY(g24, g9, g8, 0x96);
    vector g26 = TERNARY(g10, g18, g7, 0xbc);
    vector g27 = TERNARY(g1, g25, g26, 0xc2);
    *out0 = TERNARY(*out0, g2, g27, 0x69);
}

/* S4: 14 gates */
static inline __attribute__((always_inline)) void box_4(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g2, g3, g4, 0xbd);
    vector g7 = TERNARY(g2, g4, g1, 0x96);
    vector g8 = TERNARY(g1, g0, g2, 0x96);
    vector g9 = TERNARY(g6, g7, g8, 0xc7);
    vector g10 = TERNARY(g9, g8, g1, 0x92);
    vector g11 = TERNARY(g3, g4, g10, 0x96);
    vector g12 = TERNARY(g11, g1, g3, 0xac);
    vector g13 = TERNARY(g6, g8, g7, 0xc2);
    vector g14 = TERNARY(g10, g7, g13, 0x91);
    vector g15 = TERNARY(g9, g3, g14, 0x2d);
    vector g16 = TERNARY(g12, g15, g5, 0xd2);
    vector g17 = TERNARY(g16, g14, g2, 0xc3);
    *out2 = TERNARY(*out2, g17, g15, 0x69);
    *out3 = TERNARY(*out3, g5, g17, 0x69);
    vector g18 = TERNARY(g14, g5, g11, 0x6a);
    *out1 = TERNARY(*out1, g18, g17, 0x69);
    vector g19 = TERNARY(g18, g15, g16, 0x96);
    *out0 = TERNARY(*out0, g19, g5, 0x96);
}

/* S5: 25 gates */
static inline __attribute__((always_inline)) void box_5(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g2, g4, g5, 0xb6);
    vector g7 = TERNARY(g6, g3, g5, 0xe2);
    vector g8 = TERNARY(g7, g4, g2, 0xda);
    vector g9 = TERNARY(g8, g3, g2, 0x68);
    vector g10 = TERNARY(g8, g9, g6, 0xe8);
    vector g11 = TERNARY(g10, g1, g8, 0x2e);
    vector g12 = TERNARY(g4, g2, g0, 0xb6);
    vector g13 = TERNARY(g12, g5, g1, 0x96);
    vector g14 = TERNARY(g13, g3, g2, 0x16);
    vector g15 = TERNARY(g14, g2, g5, 0xa8);
    vector g16 = TERNARY(g5, g1, g15, 0x94);
    vector g17 = TERNARY(g4, g10, g16, 0xba);
    vector g18 = TERNARY(g14, g16, g10, 0x86);
    vector g19 = TERNARY(g17, g18, g8, 0x96);
    vector g20 = TERNARY(g11, g0, g19, 0xe2);
    vector g21 = TERNARY(g15, g4, g14, 0xed);
    vector g22 = TERNARY(g1, g19, g21, 0xa6);
    *out0 = TERNARY(*out0, g20, g22, 0x3c);
    vector g23 = TERNARY(g14, g19, g9, 0xfe);
    vector g24 = TERNARY(g23, g13, g11, 0x96);
    vector g25 = TERNARY(g24, g0, g18, 0xe2);
    vector g26 = TERNARY(g22, g20, g6, 0x96);
    vector g27 = TERNARY(g26, g3, g13, 0x47);
    *out1 = TERNARY(*out1, g27, g12, 0x3c);
    *out3 = TERNARY(*out3, g25, g27, 0x3c);
    vector g28 = TERNARY(g1, g0, g25, 0xe4);
    vector g29 = TERNARY(g25, g4, g20, 0x56);
    vector g30 = TERNARY(g21, g28, g29, 0x62);
    *out2 = TERNARY(*out2, g30, g27, 0x69);
}

/* S6: 23 gates */
static inline __attribute__((always_inline)) void box_6(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g0, g4, g3, 0x96);
    vector g7 = TERNARY(g1, g4, g6, 0x78);
    vector g8 = TERNARY(g2, g7, g6, 0xac);
    vector g9 = TERNARY(g8, g4, g7, 0xd4);
    vector g10 = TERNARY(g3, g9, g6, 0x98);
    vector g11 = TERNARY(g8, g10, g6, 0xd6);
    vector g12 = TERNARY(g9, g11, g2, 0x34);
    vector g13 = TERNARY(g2, g12, g11, 0x5c);
    vector g14 = TERNARY(g8, g5, g13, 0xb8);
    vector g15 = TERNARY(g10, g13, g5, 0x67);
    vector g16 = TERNARY(g1, g15, g12, 0xb8);
    vector g17 = TERNARY(g4, g16, g0, 0xca);
    *out0 = TERNARY(*out0, g14, g17, 0xc3);
    vector g18 = TERNARY(g10, g2, g1, 0x46);
    vector g19 = TERNARY(g11, g7, g15, 0x69);
    vector g20 = TERNARY(g18, g19, g15, 0x70);
    vector g21 = TERNARY(g20, g0, g1, 0x6d);
    vector g22 = TERNARY(g18, g6, g21, 0x78);
    vector g23 = TERNARY(g22, g17, g5, 0x1e);
    vector g24 = TERNARY(g20, g17, g8, 0x1e);
    vector g25 = TERNARY(g24, g19, g0, 0xd8);
    *out3 = TERNARY(*out3, g25, g2, 0x3c);
    vector g26 = TERNARY(g23, g25, g12, 0xb4);
    *out2 = TERNARY(*out2, g1, g26, 0x96);
    vector g27 = TERNARY(g4, g2, g3, 0x53);
    vector g28 = TERNARY(g27, g5, g11, 0xce);
    *out1 = TERNARY(*out1, g22, g28, 0x69);
}

/* S7: 23 gates */
static inline __attribute__((always_inline)) void box_7(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g1, g3, g4, 0xb4);
    vector g7 = TERNARY(g2, g6, g3, 0xa6);
    vector g8 = TERNARY(g1, g4, g7, 0x62);
    vector g9 = TERNARY(g7, g0, g4, 0x96);
    vector g10 = TERNARY(g6, g8, g9, 0x2c);
    vector g11 = TERNARY(g10, g5, g9, 0xa6);
    *out3 = TERNARY(*out3, g2, g11, 0x96);
    vector g12 = TERNARY(g0, g6, g7, 0xd2);
    vector g13 = TERNARY(g5, g2, g12, 0x2c);
    vector g14 = TERNARY(g1, g13, g7, 0xbe);
    vector g15 = TERNARY(g11, g12, g3, 0x1b);
    vector g16 = TERNARY(g5, g14, g15, 0xc4);
    vector g17 = TERNARY(g16, g0, g2, 0x62);
    vector g18 = TERNARY(g17, g12, g11, 0x38);
    vector g19 = TERNARY(g5, g11, g18, 0x90);
    vector g20 = TERNARY(g16, g9, g18, 0x3c);
    vector g21 = TERNARY(g13, g10, g0, 0x3c);
    vector g22 = TERNARY(g21, g9, g15, 0x26);
    vector g23 = TERNARY(g22, g18, g4, 0x68);
    vector g24 = TERNARY(g1, g21, g23, 0x3a);
    *out0 = TERNARY(*out0, g24, g11, 0x96);
    vector g25 = TERNARY(g20, g0, g24, 0xa6);
    vector g26 = TERNARY(g25, g20, g3, 0x4e);
    *out1 = TERNARY(*out1, g26, g24, 0xc3);
    vector g27 = TERNARY(g7, g21, g6, 0xe0);
    vector g28 = TERNARY(g26, g27, g24, 0x96);
    *out2 = TERNARY(*out2, g19, g28, 0x96);
}

/* S8: 21 gates */
static inline __attribute__((always_inline)) void box_8(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = TERNARY(g1, g2, g3, 0x6e);
    vector g7 = TERNARY(g4, g1, g6, 0x96);
    vector g8 = TERNARY(g4, g2, g1, 0xa6);
    vector g9 = TERNARY(g6, g7, g8, 0x70);
    vector g10 = TERNARY(g7, g5, g8, 0x74);
    vector g11 = TERNARY(g7, g10, g6, 0x62);
    vector g12 = TERNARY(g3, g11, g6, 0xf4);
    vector g13 = TERNARY(g12, g2, g1, 0x10);
    vector g14 = TERNARY(g4, g5, g13, 0x6c);
    vector g15 = TERNARY(g1, g9, g14, 0x9a);
    vector g16 = TERNARY(g15, g10, g0, 0xd8);
    *out1 = TERNARY(*out1, g16, g3, 0x69);
    vector g17 = TERNARY(g13, g4, g5, 0xb6);
    vector g18 = TERNARY(g16, g3, g1, 0x12);
    vector g19 = TERNARY(g0, g18, g7, 0x96);
    vector g20 = TERNARY(g17, g19, g10, 0xac);
    vector g21 = TERNARY(g12, g20, g15, 0x96);
    *out0 = TERNARY(*out0, g21, g16, 0x69);
    vector g22 = TERNARY(g0, g4, g3, 0x94);
    vector g23 = TERNARY(g22, g11, g5, 0x70);
    vector g24 = TERNARY(g21, g9, g23, 0x96);
    vector g25 = TERNARY(g14, g19, g24, 0x3a);
    *out3 = TERNARY(*out3, g25, g4, 0xc3);
    vector g26 = TERNARY(g25, g22, g24, 0x96);
    *out2 = TERNARY(*out2, g26, g8, 0x96);
}

#define KEY(input) (*(const vector *)(keys + offsets[input] * (sizeof(vector) / 16)))

static inline __attribute__((always_inline)) void xor_round(vector *left, const vector *right,
    const uint8_t *keys, const uint16_t *offsets)
{
    box_1(right[31] ^ KEY(0), right[0] ^ KEY(1), right[1] ^ KEY(2), right[2] ^ KEY(3), right[3] ^ KEY(4), right[4] ^ KEY(5), &left[8], &left[16], &left[22], &left[30]);
    box_2(right[3] ^ KEY(6), right[4] ^ KEY(7), right[5] ^ KEY(8), right[6] ^ KEY(9), right[7] ^ KEY(10), right[8] ^ KEY(11), &left[12], &left[27], &left[1], &left[17]);
    box_3(right[7] ^ KEY(12), right[8] ^ KEY(13), right[9] ^ KEY(14), right[10] ^ KEY(15), right[11] ^ KEY(16), right[12] ^ KEY(17), &left[23], &left[15], &left[29], &left[5]);
    box_4(right[11] ^ KEY(18), right[12] ^ KEY(19), right[13] ^ KEY(20), right[14] ^ KEY(21), right[15] ^ KEY(22), right[16] ^ KEY(23), &left[25], &left[19], &left[9], &left[0]);
    box_5(right[15] ^ KEY(24), right[16] ^ KEY(25), right[17] ^ KEY(26), right[18] ^ KEY(27), right[19] ^ KEY(28), right[20] ^ KEY(29), &left[7], &left[13], &left[24], &left[2]);
    box_6(right[19] ^ KEY(30), right[20] ^ KEY(31), right[21] ^ KEY(32), right[22] ^ KEY(33), right[23] ^ KEY(34), right[24] ^ KEY(35), &left[3], &left[28], &left[10], &left[18]);
    box_7(right[23] ^ KEY(36), right[24] ^ KEY(37), right[25] ^ KEY(38), right[26] ^ KEY(39), right[27] ^ KEY(40), right[28] ^ KEY(41), &left[31], &left[11], &left[21], &left[6]);
    box_8(right[27] ^ KEY(42), right[28] ^ KEY(43), right[29] ^ KEY(44), right[30] ^ KEY(45), right[31] ^ KEY(46), right[0] ^ KEY(47), &left[4], &left[26], &left[14], &left[20]);
}
