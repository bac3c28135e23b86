/* SPDX-License-Identifier: ISC
 *
 * Policies from texts, addresses and flows from words, files in a folder of the test's own.
 */
#ifndef UNIT_POLICY_FIXTURE_H
#define UNIT_POLICY_FIXTURE_H

#include <sallyport/policy.h>

#if defined(__SANITIZE_ADDRESS__)
#define SP_HAS_ASAN 1
#elif defined(__has_feature)
#define SP_HAS_ASAN __has_feature(address_sanitizer)
#else
#define SP_HAS_ASAN 0
#endif

/* The text must be good. The caller destroys the policy. */
struct sp_policy *policy_of(const char *text);
/* What the call answers; ret_report may be NULL. On SP_OK the policy is destroyed again. */
enum sp_status status_of(const char *text, size_t len_bytes, struct sp_report **ret_report);
/* The canonical text; free() it. */
char *print_of(const struct sp_policy *policy);

struct sp_address address_of(const char *text);
/* "out tcp 192.0.2.1 40000 192.0.2.2 80"; the protocol may be a number. ICMP has its type
 * and code where ports are, or a type above 255 that means it isn't known. */
struct sp_flow flow_of(const char *text);

/* A folder that is removed, with the files in it, by remove_folder(). */
void make_folder(void);
void remove_folder(void);
/* A path in the folder; static storage, four at a time. */
const char *in_folder(const char *name);
/* Writes a file of this mode; returns its path as in_folder(). */
const char *write_file(const char *name, const char *text, size_t len_bytes, unsigned mode);

/* xorshift64: the same numbers for the same seed everywhere. */
uint64_t draw(uint64_t *state);

#endif
