/* SPDX-License-Identifier: ISC
 *
 * Sallyport: policies that were written for other systems, and ours for them.
 *
 * An import gives text in sallyport.conf(5), to be read and kept by people. What can't be carried over is a
 * finding with its line, an error when the result would let through what the original didn't; nothing is left
 * out silently.
 */
#ifndef SALLYPORT_CONVERT_H
#define SALLYPORT_CONVERT_H

#include <sallyport/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_import_options {
    const char *policy;   /* which of the script's policies; NULL: the assigned one, or the only one */
    const char *encoding; /* a name that iconv(3) knows; NULL: detected */
};

struct sp_import_result {
    char *text;                /* the policy, NUL-terminated; sp_import_result_free() frees it */
    uint32_t netsh_commands;   /* netsh ipsec static commands that were read */
    uint32_t skipped_commands; /* those of other programs */
};

/* Reads a batch script of "netsh ipsec static" commands from path ("-": standard input), at most 4 MiB. On
 * SP_OK *ret_result is the caller's to free, and the report may hold warnings. SP_ERR_PARSE: the report holds
 * the errors; SP_ERR_IO: it holds why the file can't be read; SP_ERR_UNSUPPORTED: iconv doesn't know the
 * encoding; SP_ERR_LIMIT: the policy would have over 200,000 rules; SP_ERR_MEMORY. options may be NULL. */
SP_API enum sp_status sp_import_netsh(const char *path, const struct sp_import_options *options,
                                      struct sp_import_result *ret_result,
                                      struct sp_report *report) SP_MUST_USE;
/* The same from memory; name stands for the file in messages. */
SP_API enum sp_status sp_import_netsh_bytes(const void *bytes, size_t len_bytes, const char *name,
                                            const struct sp_import_options *options,
                                            struct sp_import_result *ret_result,
                                            struct sp_report *report) SP_MUST_USE;
/* Frees the text and nulls it; may be called twice. */
SP_API void sp_import_result_free(struct sp_import_result *result);

struct sp_openbsd_result {
    char *text;          /* the policy, NUL-terminated */
    char *keys;          /* the SAs, sallyport.keys(5), in locked memory; NULL: there are none */
    size_t keys_bytes;   /* there is no NUL behind them */
    uint32_t flow_count; /* flows and ike rules that were read */
    uint32_t sa_count;
};

/* Reads an OpenBSD ipsec.conf(5) from path ("-": standard input) and what it includes, at most 4 MiB a file.
 * On SP_OK *ret_result is the caller's to free, and the report may hold warnings; result->keys is secret: it
 * belongs in a file that nobody else can read. SP_ERR_PARSE: the report holds the errors; SP_ERR_IO: it holds
 * why a file can't be read; SP_ERR_LIMIT: there are more addresses, SAs or ways of protecting than can be
 * had; SP_ERR_MEMORY. No finding shows a key. */
SP_API enum sp_status sp_import_openbsd(const char *path, struct sp_openbsd_result *ret_result,
                                        struct sp_report *report) SP_MUST_USE;
/* The same from memory; name stands for the file in messages. Reads no file: an include is an error. The
 * bytes may hold keys, and wiping them is the caller's affair. */
SP_API enum sp_status sp_import_openbsd_bytes(const void *bytes, size_t len_bytes, const char *name,
                                              struct sp_openbsd_result *ret_result,
                                              struct sp_report *report) SP_MUST_USE;
/* Frees all, wiping the keys, and nulls it; may be called twice. */
SP_API void sp_openbsd_result_free(struct sp_openbsd_result *result);

/* A policy as a batch script of "netsh ipsec static" commands; name is the Windows policy's, NULL for one
 * that will do. On SP_OK *ret_text is the caller's to free(), and means the same: the script was imported
 * again and compared over all packets. SP_ERR_UNSUPPORTED: the report says which rules netsh can't have;
 * SP_ERR_LIMIT; SP_ERR_MEMORY. */
SP_API enum sp_status sp_export_netsh(const struct sp_policy *policy, const char *name, char **ret_text,
                                      struct sp_report *report) SP_MUST_USE;

struct sp_xfrm_result {
    char *text;   /* policies, NUL-terminated */
    char *states; /* SAs, in locked memory, without a NUL; NULL: none were asked for */
    size_t states_bytes;
    uint32_t policy_count, state_count;
};

/* A policy as lines for "ip -batch", and with keys, an SA file of sallyport.keys(5), the file's SAs too. On
 * SP_OK *ret_result is the caller's to free; result->states is secret. SP_ERR_UNSUPPORTED: the report says
 * which rules the kernel can't have by ip-xfrm(8), among them those that say "me" when me is unknown. Of keys
 * what sp_sad_load() answers. SP_ERR_LIMIT, SP_ERR_MEMORY. */
SP_API enum sp_status sp_export_xfrm(const struct sp_policy *policy, const struct sp_me *me, const char *keys,
                                     struct sp_xfrm_result *ret_result, struct sp_report *report) SP_MUST_USE;
/* Frees all, wiping the states, and nulls it; may be called twice. */
SP_API void sp_xfrm_result_free(struct sp_xfrm_result *result);

/* A policy as connections for strongSwan's swanctl.conf. On SP_OK *ret_text is the caller's to free(); the
 * report may hold warnings about rules that became stricter. SP_ERR_UNSUPPORTED: the report says which rules
 * can't be had, among them those that say "me" when me is unknown. SP_ERR_MEMORY. */
SP_API enum sp_status sp_export_swanctl(const struct sp_policy *policy, const struct sp_me *me,
                                        char **ret_text, struct sp_report *report) SP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
