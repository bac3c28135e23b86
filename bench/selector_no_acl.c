/* SPDX-License-Identifier: ISC
 *
 * In place of selector_acl.c where DPDK isn't installed.
 */
#include "selector_engine.h"

const struct engine engine_acl = {.name = "librte_acl", .is_peer = true};
const struct engine engine_acl_cached = {.name = "librte_acl+cache", .is_peer = true};
