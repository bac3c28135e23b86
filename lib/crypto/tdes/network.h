/* SPDX-License-Identifier: ISC
 *
 * Made by generate/network.c, which says how: change that. DES as gates over any type "vector".
 */
/* clang-format off */
#include <stdint.h>

/* How often the key bits stand there: as they are, and inverted. */
#define KEY_COPIES 2

/* Which key vector each S-box input meets: 16 * (place of the bit in the key part, + 64 for inverted). */
static const uint16_t key_offsets[16][48] = {
    {224, 848, 608, 960, 880, 368, 624, 1008, 96, 240, 336, 736, 80, 592, 480, 496,
     704, 992, 976, 112, 576, 464, 352, 752, 288, 448, 528, 800, 560, 64, 656, 416,
     48, 816, 272, 432, 944, 304, 544, 912, 144, 320, 688, 160, 176, 928, 784, 400},
    {96, 1744, 1504, 832, 1776, 1264, 1520, 1904, 976, 112, 208, 1632, 960, 1488, 1376, 368,
     1600, 1888, 1872, 2016, 1008, 336, 224, 1648, 160, 1344, 1424, 672, 1456, 1936, 1552, 1312,
     448, 1712, 1168, 1328, 1840, 1200, 416, 1808, 1040, 1216, 1584, 1056, 1072, 800, 656, 1296},
    {848, 1488, 1248, 576, 1520, 2016, 1264, 1648, 720, 864, 960, 1376, 704, 1232, 1120, 112,
     1904, 1632, 1616, 1760, 752, 80, 976, 1392, 944, 1088, 1168, 416, 1200, 1680, 1296, 1056,
     192, 1456, 1952, 1072, 1584, 1472, 160, 1552, 1824, 1936, 1328, 1840, 1344, 544, 400, 1040},
    {592, 208, 976, 880, 240, 736, 992, 368, 464, 608, 704, 96, 1008, 960, 848, 864,
     624, 352, 336, 480, 496, 832, 720, 112, 688, 784, 928, 160, 448, 400, 16, 816,
     912, 176, 672, 320, 304, 192, 944, 272, 544, 656, 48, 560, 64, 288, 144, 800},
    {336, 960, 720, 624, 992, 480, 736, 112, 208, 352, 1008, 848, 752, 704, 592, 608,
     368, 96, 80, 224, 240, 576, 464, 864, 432, 528, 672, 944, 192, 144, 800, 560,
     656, 448, 416, 64, 48, 912, 688, 16, 288, 400, 320, 304, 784, 32, 928, 544},
    {80, 1728, 1488, 368, 1760, 1248, 1504, 1888, 960, 96, 752, 1616, 496, 2032, 1360, 352,
     1136, 1872, 1856, 2000, 992, 880, 208, 1632, 176, 1296, 1440, 688, 1936, 1952, 1568, 1328,
     400, 1216, 1184, 1808, 1344, 1680, 432, 1824, 1056, 1168, 1088, 1072, 1552, 816, 672, 1312},
    {832, 2032, 1232, 112, 1504, 2000, 1248, 1632, 704, 848, 496, 1360, 240, 1776, 1104, 96,
     1888, 1616, 1600, 1744, 736, 624, 960, 1376, 448, 1040, 1184, 432, 1680, 1696, 1312, 1072,
     144, 1936, 1968, 1552, 1088, 1424, 176, 1568, 1840, 1952, 1808, 1344, 1296, 560, 416, 1056},
    {576, 752, 960, 864, 224, 720, 976, 352, 1008, 592, 240, 80, 992, 496, 832, 848,
     608, 336, 880, 464, 480, 368, 704, 96, 192, 800, 944, 176, 400, 416, 32, 320,
     928, 656, 688, 272, 784, 144, 448, 288, 560, 672, 528, 64, 16, 304, 160, 816},
    {1008, 624, 832, 736, 96, 592, 848, 224, 880, 464, 112, 960, 864, 368, 704, 720,
     480, 208, 752, 336, 352, 240, 576, 976, 64, 672, 816, 48, 272, 288, 944, 192,
     800, 528, 560, 144, 656, 16, 320, 160, 432, 544, 400, 912, 928, 176, 32, 688},
    {752, 1392, 1600, 480, 1872, 1360, 1616, 2000, 624, 208, 864, 1728, 608, 1136, 2032, 464,
     1248, 1984, 1520, 1104, 96, 992, 880, 1744, 784, 1440, 1584, 320, 1040, 1056, 1712, 1936,
     544, 1296, 1328, 1952, 1424, 1824, 64, 1968, 1200, 1312, 1168, 1680, 1696, 448, 816, 1456},
    {496, 1136, 1904, 224, 1616, 1104, 1360, 1744, 368, 960, 608, 2032, 352, 1888, 1776, 208,
     2000, 1728, 1264, 1856, 848, 736, 624, 1488, 528, 1184, 1328, 64, 1824, 1840, 1456, 1680,
     288, 1040, 1072, 1696, 1168, 1568, 784, 1712, 1472, 1056, 1952, 1424, 1440, 192, 560, 1200},
    {240, 864, 624, 976, 336, 832, 80, 464, 112, 704, 352, 752, 96, 608, 496, 960,
     720, 1008, 992, 576, 592, 480, 368, 208, 272, 944, 48, 784, 544, 560, 176, 400,
     32, 800, 320, 416, 928, 288, 528, 432, 192, 816, 672, 144, 160, 912, 304, 448},
    {992, 608, 368, 720, 80, 576, 832, 208, 864, 1008, 96, 496, 848, 352, 240, 704,
     464, 752, 736, 880, 336, 224, 112, 960, 16, 688, 320, 528, 288, 304, 448, 144,
     816, 544, 64, 160, 672, 32, 272, 176, 912, 560, 416, 928, 944, 656, 48, 192},
    {736, 1376, 1136, 464, 1856, 1904, 1600, 1984, 608, 752, 848, 1264, 592, 1120, 2016, 1008,
     1232, 1520, 1504, 1648, 80, 976, 864, 1728, 800, 1456, 1088, 272, 1056, 1072, 1216, 1952,
     560, 1312, 1808, 1968, 1440, 1840, 16, 1472, 1680, 1328, 1184, 1696, 1712, 400, 320, 1936},
    {480, 1120, 1888, 208, 1600, 1648, 1904, 1728, 352, 496, 592, 2016, 336, 1872, 1760, 752,
     1984, 1264, 1248, 1392, 832, 720, 608, 2032, 544, 1200, 1808, 16, 1840, 1344, 1936, 1696,
     304, 1056, 1552, 1712, 1184, 1584, 800, 1216, 1424, 1072, 1968, 1440, 1456, 144, 64, 1680},
    {352, 976, 736, 80, 1008, 496, 752, 576, 224, 368, 464, 864, 208, 720, 608, 624,
     832, 112, 96, 240, 704, 592, 480, 880, 416, 48, 656, 928, 688, 192, 784, 544,
     176, 944, 400, 560, 32, 432, 672, 64, 272, 448, 816, 288, 304, 16, 912, 528},
};

/* S1: 54 gates */
static inline __attribute__((always_inline)) void box_1(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g2 & g4;
    vector g7 = g6 ^ g0;
    vector g8 = g2 | g4;
    vector g9 = g5 & g8;
    vector g10 = g7 ^ g9;
    vector g11 = g2 ^ g7;
    vector g12 = g11 & g9;
    vector g13 = g1 | g12;
    vector g14 = g10 ^ g13;
    vector g15 = g6 | g14;
    vector g16 = g15 & ~g5;
    vector g17 = g4 ^ g16;
    vector g18 = g17 & ~g11;
    vector g19 = g1 | g18;
    vector g20 = g17 ^ g19;
    vector g21 = g3 | g20;
    vector g22 = g14 ^ g21;
    *out3 ^= g22;
    vector g23 = g12 | g3;
    vector g24 = g23 ^ g11;
    vector g25 = g0 & ~g3;
    vector g26 = g25 ^ g17;
    vector g27 = g4 & g26;
    vector g28 = g24 ^ g27;
    vector g29 = g4 & g21;
    vector g30 = g29 ^ g2;
    vector g31 = g6 ^ g28;
    vector g32 = g31 | g25;
    vector g33 = g5 | g32;
    vector g34 = g30 ^ g33;
    vector g35 = g1 | g34;
    vector g36 = g28 ^ g35;
    *out1 ^= g36;
    vector g37 = g24 & ~g5;
    vector g38 = g37 ^ g2;
    vector g39 = g3 & ~g34;
    vector g40 = g39 | g32;
    vector g41 = g40 & ~g4;
    vector g42 = g38 ^ g41;
    vector g43 = g17 & ~g10;
    vector g44 = g24 ^ g36;
    vector g45 = g44 ^ g2;
    vector g46 = g3 | g45;
    vector g47 = g43 ^ g46;
    vector g48 = g47 & ~g1;
    vector g49 = g42 ^ g48;
    *out2 ^= g49;
    vector g50 = g9 ^ g46;
    vector g51 = g50 & ~g37;
    vector g52 = g17 | g34;
    vector g53 = g1 & g52;
    vector g54 = g51 ^ g53;
    vector g55 = g45 & ~g27;
    vector g56 = g23 | g34;
    vector g57 = g55 ^ g56;
    vector g58 = g0 | g57;
    vector g59 = g54 ^ g58;
    *out0 ^= g59;
}

/* S2: 48 gates */
static inline __attribute__((always_inline)) void box_2(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g0 ^ g4;
    vector g7 = g1 & ~g5;
    vector g8 = g6 ^ g7;
    vector g9 = g8 & g0;
    vector g10 = g7 & ~g9;
    vector g11 = g3 | g10;
    vector g12 = g8 ^ g11;
    vector g13 = g5 & ~g1;
    vector g14 = g13 | g10;
    vector g15 = g4 & g5;
    vector g16 = g3 & g15;
    vector g17 = g14 ^ g16;
    vector g18 = g17 & ~g2;
    vector g19 = g12 ^ g18;
    *out1 ^= g19;
    vector g20 = g3 | g9;
    vector g21 = g20 & ~g4;
    vector g22 = g14 ^ g21;
    vector g23 = g4 | g8;
    vector g24 = g2 & g23;
    vector g25 = g22 ^ g24;
    vector g26 = g16 ^ g23;
    vector g27 = g26 & ~g19;
    vector g28 = g15 ^ g17;
    vector g29 = g2 | g28;
    vector g30 = g27 ^ g29;
    vector g31 = g1 | g30;
    vector g32 = g25 ^ g31;
    *out3 ^= g32;
    vector g33 = g3 ^ g17;
    vector g34 = g33 ^ g30;
    vector g35 = g16 ^ g19;
    vector g36 = g1 & g35;
    vector g37 = g34 ^ g36;
    vector g38 = g24 & g28;
    vector g39 = g38 ^ g35;
    vector g40 = g0 | g39;
    vector g41 = g37 ^ g40;
    *out0 ^= g41;
    vector g42 = g40 | g4;
    vector g43 = g42 & ~g33;
    vector g44 = g42 & g12;
    vector g45 = g44 ^ g32;
    vector g46 = g45 & ~g2;
    vector g47 = g43 ^ g46;
    vector g48 = g31 & ~g22;
    vector g49 = g48 ^ g37;
    vector g50 = g43 & ~g0;
    vector g51 = g49 ^ g50;
    vector g52 = g51 & ~g5;
    vector g53 = g47 ^ g52;
    *out2 ^= g53;
}

/* S3: 49 gates */
static inline __attribute__((always_inline)) void box_3(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g1 ^ g2;
    vector g7 = g6 ^ g5;
    vector g8 = g7 & g1;
    vector g9 = g5 & ~g8;
    vector g10 = g3 | g9;
    vector g11 = g7 ^ g10;
    vector g12 = g10 & ~g0;
    vector g13 = g11 ^ g12;
    vector g14 = g3 ^ g8;
    vector g15 = g14 ^ g2;
    vector g16 = g0 | g15;
    vector g17 = g8 ^ g16;
    vector g18 = g17 & ~g4;
    vector g19 = g13 ^ g18;
    *out3 ^= g19;
    vector g20 = g4 ^ g7;
    vector g21 = g3 & g18;
    vector g22 = g20 ^ g21;
    vector g23 = g4 & ~g15;
    vector g24 = g2 | g22;
    vector g25 = g23 ^ g24;
    vector g26 = g25 & ~g1;
    vector g27 = g22 ^ g26;
    vector g28 = g19 & ~g20;
    vector g29 = g28 | g5;
    vector g30 = g29 & ~g15;
    vector g31 = g30 | g18;
    vector g32 = g1 & g31;
    vector g33 = g29 ^ g32;
    vector g34 = g0 | g33;
    vector g35 = g27 ^ g34;
    *out2 ^= g35;
    vector g36 = g0 ^ g20;
    vector g37 = g35 & ~g30;
    vector g38 = g37 & ~g1;
    vector g39 = g36 ^ g38;
    vector g40 = g16 | g19;
    vector g41 = g2 ^ g35;
    vector g42 = g41 & ~g19;
    vector g43 = g1 | g42;
    vector g44 = g40 ^ g43;
    vector g45 = g3 | g44;
    vector g46 = g39 ^ g45;
    *out0 ^= g46;
    vector g47 = g20 | g30;
    vector g48 = g47 ^ g25;
    vector g49 = g25 | g43;
    vector g50 = g35 & g6;
    vector g51 = g50 & ~g4;
    vector g52 = g49 ^ g51;
    vector g53 = g52 & ~g0;
    vector g54 = g48 ^ g53;
    *out1 ^= g54;
}

/* S4: 40 gates */
static inline __attribute__((always_inline)) void box_4(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g0 ^ g2;
    vector g7 = g0 & g2;
    vector g8 = g7 ^ g3;
    vector g9 = g8 & ~g4;
    vector g10 = g6 ^ g9;
    vector g11 = g0 | g4;
    vector g12 = g11 & ~g7;
    vector g13 = g12 & ~g3;
    vector g14 = g2 ^ g13;
    vector g15 = g1 & g14;
    vector g16 = g10 ^ g15;
    vector g17 = g6 | g3;
    vector g18 = g17 & ~g2;
    vector g19 = g4 & g18;
    vector g20 = g17 ^ g19;
    vector g21 = g2 ^ g4;
    vector g22 = g21 & ~g8;
    vector g23 = g1 | g22;
    vector g24 = g20 ^ g23;
    vector g25 = g5 & g24;
    vector g26 = g16 ^ g25;
    *out3 ^= g26;
    vector g27 = g21 & ~g13;
    vector g28 = g9 | g24;
    vector g29 = g27 ^ g28;
    vector g30 = g10 & ~g19;
    vector g31 = g30 ^ g14;
    vector g32 = g31 & ~g1;
    vector g33 = g29 ^ g32;
    vector g34 = g6 | g19;
    vector g35 = g34 ^ g28;
    vector g36 = g6 & g11;
    vector g37 = g36 ^ g30;
    vector g38 = g1 & g37;
    vector g39 = g35 ^ g38;
    vector g40 = g5 | g39;
    vector g41 = g33 ^ g40;
    *out0 ^= g41;
    vector g42 = g39 ^ g41;
    vector g43 = g42 ^ g5;
    *out1 ^= g43;
    vector g44 = g24 ^ g26;
    vector g45 = g44 ^ g5;
    *out2 ^= g45;
}

/* S5: 53 gates */
static inline __attribute__((always_inline)) void box_5(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g2 ^ g3;
    vector g7 = g6 ^ g1;
    vector g8 = g7 ^ g4;
    vector g9 = g6 & g4;
    vector g10 = g0 & ~g9;
    vector g11 = g8 ^ g10;
    vector g12 = g11 ^ g5;
    vector g13 = g2 ^ g5;
    vector g14 = g13 | g11;
    vector g15 = g14 ^ g4;
    vector g16 = g2 | g5;
    vector g17 = g16 & g12;
    vector g18 = g0 | g17;
    vector g19 = g15 ^ g18;
    vector g20 = g19 & ~g3;
    vector g21 = g12 ^ g20;
    *out1 ^= g21;
    vector g22 = g0 ^ g5;
    vector g23 = g22 & g16;
    vector g24 = g3 | g7;
    vector g25 = g23 ^ g24;
    vector g26 = g21 | g25;
    vector g27 = g26 & g14;
    vector g28 = g27 & ~g4;
    vector g29 = g25 ^ g28;
    vector g30 = g8 & g0;
    vector g31 = g2 | g30;
    vector g32 = g10 ^ g31;
    vector g33 = g32 & ~g1;
    vector g34 = g29 ^ g33;
    *out3 ^= g34;
    vector g35 = g3 | g5;
    vector g36 = g35 ^ g30;
    vector g37 = g1 & g28;
    vector g38 = g36 ^ g37;
    vector g39 = g14 & ~g19;
    vector g40 = g4 | g25;
    vector g41 = g39 ^ g40;
    vector g42 = g9 | g14;
    vector g43 = g42 & ~g2;
    vector g44 = g41 ^ g43;
    vector g45 = g0 | g44;
    vector g46 = g38 ^ g45;
    *out2 ^= g46;
    vector g47 = g44 | g4;
    vector g48 = g47 & ~g39;
    vector g49 = g21 ^ g46;
    vector g50 = g0 & g49;
    vector g51 = g48 ^ g50;
    vector g52 = g11 ^ g34;
    vector g53 = g24 & ~g28;
    vector g54 = g53 ^ g35;
    vector g55 = g0 | g54;
    vector g56 = g52 ^ g55;
    vector g57 = g1 | g56;
    vector g58 = g51 ^ g57;
    *out0 ^= g58;
}

/* S6: 51 gates */
static inline __attribute__((always_inline)) void box_6(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g5 & g0;
    vector g7 = g6 ^ g1;
    vector g8 = g7 & g1;
    vector g9 = g8 ^ g0;
    vector g10 = g2 | g9;
    vector g11 = g7 ^ g10;
    vector g12 = g2 & g0;
    vector g13 = g4 | g12;
    vector g14 = g11 ^ g13;
    vector g15 = g8 | g4;
    vector g16 = g4 & ~g9;
    vector g17 = g2 & g14;
    vector g18 = g16 ^ g17;
    vector g19 = g18 & ~g5;
    vector g20 = g15 ^ g19;
    vector g21 = g3 & g20;
    vector g22 = g14 ^ g21;
    *out3 ^= g22;
    vector g23 = g2 ^ g14;
    vector g24 = g5 & ~g0;
    vector g25 = g23 ^ g24;
    vector g26 = g4 & g9;
    vector g27 = g26 & ~g24;
    vector g28 = g3 | g27;
    vector g29 = g25 ^ g28;
    vector g30 = g15 | g23;
    vector g31 = g30 & g22;
    vector g32 = g31 & ~g1;
    vector g33 = g29 ^ g32;
    *out2 ^= g33;
    vector g34 = g3 ^ g20;
    vector g35 = g7 & ~g28;
    vector g36 = g35 ^ g26;
    vector g37 = g5 & g36;
    vector g38 = g34 ^ g37;
    vector g39 = g16 | g28;
    vector g40 = g3 ^ g30;
    vector g41 = g40 ^ g31;
    vector g42 = g5 & g41;
    vector g43 = g39 ^ g42;
    vector g44 = g2 | g43;
    vector g45 = g38 ^ g44;
    *out0 ^= g45;
    vector g46 = g31 & ~g45;
    vector g47 = g46 ^ g29;
    vector g48 = g16 ^ g45;
    vector g49 = g48 & g44;
    vector g50 = g3 & g49;
    vector g51 = g47 ^ g50;
    vector g52 = g20 & ~g48;
    vector g53 = g14 & ~g19;
    vector g54 = g52 ^ g53;
    vector g55 = g1 | g54;
    vector g56 = g51 ^ g55;
    *out1 ^= g56;
}

/* S7: 48 gates */
static inline __attribute__((always_inline)) void box_7(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g3 ^ g4;
    vector g7 = g3 & ~g4;
    vector g8 = g7 ^ g1;
    vector g9 = g2 | g8;
    vector g10 = g6 ^ g9;
    vector g11 = g10 ^ g0;
    vector g12 = g1 & g7;
    vector g13 = g5 & ~g12;
    vector g14 = g2 ^ g6;
    vector g15 = g14 & g8;
    vector g16 = g0 & g15;
    vector g17 = g13 ^ g16;
    vector g18 = g5 & g17;
    vector g19 = g11 ^ g18;
    *out3 ^= g19;
    vector g20 = g3 & ~g1;
    vector g21 = g20 ^ g14;
    vector g22 = g8 ^ g20;
    vector g23 = g22 & g2;
    vector g24 = g5 | g23;
    vector g25 = g21 ^ g24;
    vector g26 = g7 | g25;
    vector g27 = g6 | g17;
    vector g28 = g26 ^ g27;
    vector g29 = g8 ^ g25;
    vector g30 = g2 | g29;
    vector g31 = g28 ^ g30;
    vector g32 = g0 & g31;
    vector g33 = g25 ^ g32;
    *out0 ^= g33;
    vector g34 = g3 & ~g2;
    vector g35 = g5 & ~g34;
    vector g36 = g1 & g35;
    vector g37 = g25 ^ g36;
    vector g38 = g9 ^ g24;
    vector g39 = g13 ^ g37;
    vector g40 = g39 ^ g1;
    vector g41 = g3 & g40;
    vector g42 = g38 ^ g41;
    vector g43 = g0 | g42;
    vector g44 = g37 ^ g43;
    *out1 ^= g44;
    vector g45 = g23 ^ g42;
    vector g46 = g12 ^ g33;
    vector g47 = g46 ^ g8;
    vector g48 = g47 & ~g5;
    vector g49 = g45 ^ g48;
    vector g50 = g13 & ~g2;
    vector g51 = g50 | g42;
    vector g52 = g51 & ~g0;
    vector g53 = g49 ^ g52;
    *out2 ^= g53;
}

/* S8: 48 gates */
static inline __attribute__((always_inline)) void box_8(vector g0, vector g1, vector g2, vector g3,
    vector g4, vector g5, vector *out0, vector *out1, vector *out2, vector *out3)
{
    vector g6 = g0 ^ g4;
    vector g7 = g1 & ~g2;
    vector g8 = g6 ^ g7;
    vector g9 = g4 | g7;
    vector g10 = g0 ^ g2;
    vector g11 = g10 & ~g8;
    vector g12 = g1 | g11;
    vector g13 = g9 ^ g12;
    vector g14 = g13 & ~g3;
    vector g15 = g8 ^ g14;
    vector g16 = g11 | g3;
    vector g17 = g2 & g4;
    vector g18 = g0 | g13;
    vector g19 = g17 ^ g18;
    vector g20 = g19 & ~g1;
    vector g21 = g16 ^ g20;
    vector g22 = g21 & ~g5;
    vector g23 = g15 ^ g22;
    *out3 ^= g23;
    vector g24 = g8 | g20;
    vector g25 = g2 & ~g13;
    vector g26 = g24 ^ g25;
    vector g27 = g0 | g4;
    vector g28 = g3 & g27;
    vector g29 = g26 ^ g28;
    vector g30 = g15 & ~g16;
    vector g31 = g9 ^ g15;
    vector g32 = g0 & g31;
    vector g33 = g30 ^ g32;
    vector g34 = g5 & g33;
    vector g35 = g29 ^ g34;
    *out2 ^= g35;
    vector g36 = g4 & ~g11;
    vector g37 = g36 ^ g29;
    vector g38 = g15 ^ g37;
    vector g39 = g38 & g33;
    vector g40 = g5 | g39;
    vector g41 = g37 ^ g40;
    vector g42 = g15 ^ g21;
    vector g43 = g42 & ~g1;
    vector g44 = g0 | g43;
    vector g45 = g41 ^ g44;
    *out1 ^= g45;
    vector g46 = g0 ^ g20;
    vector g47 = g46 ^ g39;
    vector g48 = g13 ^ g26;
    vector g49 = g48 ^ g46;
    vector g50 = g3 | g49;
    vector g51 = g47 ^ g50;
    vector g52 = g5 | g51;
    vector g53 = g42 ^ g52;
    *out0 ^= g53;
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
