/* SPDX-License-Identifier: ISC
 *
 * Tables: aligned columns for a person at a terminal, tab-separated values for anything else.
 */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct table;

/* headings: separated by '|'; one that starts with '>' heads a column of numbers, aligned right. */
struct table *table_create(const char *headings);
void table_destroy(struct table **table);

/* The next cell, row by row from the left. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_add_number(struct table *table, uint64_t number);
size_t table_rows(const struct table *table);

/* Aligned, or tab-separated. Headings come first in both. */
void table_print(const struct table *table, FILE *out, bool is_aligned);

#endif
