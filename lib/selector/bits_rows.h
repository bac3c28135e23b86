/* SPDX-License-Identifier: ISC
 *
 * The rows of one dimension of the bit vectors (bits.c), and how they are built.
 */
#ifndef SP_SELECTOR_BITS_ROWS_H
#define SP_SELECTOR_BITS_ROWS_H

#include "selector/dimension.h"
#include "selector/selector.h"

#define SP_BITS_CHUNK 256 /* bits: one AVX2 register */
#define SP_BITS_DENSE_CHUNKS_MAX 4

enum sp_bits_dimension {
    SP_BITS_SOURCE,
    SP_BITS_DESTINATION,
    SP_BITS_SOURCE_PORT,
    SP_BITS_DESTINATION_PORT,
    SP_BITS_PROTOCOL,
};
#define SP_BITS_DIMENSIONS 5

struct sp_bits_chunk {
    uint64_t words[SP_BITS_CHUNK / 64];
};

struct sp_bits_row {
    uint64_t filled; /* the chunks that have a bit set; they follow each other from first_chunk on */
    uint32_t first_chunk;
};

struct sp_bits_rows {
    struct sp_dimension dimension; /* its classes are the rows' numbers */
    struct sp_bits_row *rows;
    struct sp_bits_chunk *chunks; /* of up to SP_BITS_DENSE_CHUNKS_MAX a row, all are there */
    uint32_t rows_count, rows_capacity, chunks_count, chunks_capacity;
};

/* SP_ERR_MEMORY, and then rows still has to be destroyed. */
enum sp_status sp_bits_rows_build(struct sp_bits_rows *rows, enum sp_bits_dimension dimension,
                                  const struct sp_selector_box *boxes, uint32_t count,
                                  bool is_ipv6) SP_MUST_USE;
void sp_bits_rows_destroy(struct sp_bits_rows *rows);
size_t sp_bits_rows_bytes(const struct sp_bits_rows *rows);

#endif
