/* SPDX-License-Identifier: ISC
 *
 * What the parts of the ipsec.conf import share: the text on its way to statements, and those on their way to
 * a policy and to SAs.
 *
 * scanner.c makes tokens of the bytes, with macros and includes resolved, statement.c statements of the
 * tokens, with values.c for addresses, protocols and ports, and keys.c for keys; flow.c and sa.c judge what
 * can be carried over, emit.c writes it, openbsd.c is the way through them.
 *
 * The files may hold keys: they are read into locked memory, keys are places in them and never copied, and no
 * message quotes a file that might have one.
 */
#ifndef SP_POLICY_OPENBSD_H
#define SP_POLICY_OPENBSD_H

#include "policy/diagnosis.h"
#include "policy/names.h"
#include "policy/secret_file.h"
#include "policy/storage.h"

#include <sallyport/convert.h>
#include <sallyport/policy.h>

#define SP_OPENBSD_FILE_BYTES ((size_t)4 << 20)
#define SP_OPENBSD_TEXT_BYTES ((size_t)16 << 20) /* all files, and again what macros stand for */
#define SP_OPENBSD_FILES 256u
#define SP_OPENBSD_DEPTH 16u
#define SP_OPENBSD_HOSTS 200000u /* in all lists */
#define SP_OPENBSD_SAS 10000u
#define SP_OPENBSD_COMPARISONS 50000000u /* of flows with SAs: a second or so */
#define SP_OPENBSD_WORD_BYTES 1024       /* the longest path, with the NUL */

struct sp_piece {
    const char *start;
    size_t len_bytes;
};

enum sp_openbsd_token_kind {
    SP_OPENBSD_END,
    SP_OPENBSD_NEWLINE,
    SP_OPENBSD_WORD,
    SP_OPENBSD_STRING,
    SP_OPENBSD_OPEN,
    SP_OPENBSD_CLOSE,
    SP_OPENBSD_COMMA,
    SP_OPENBSD_EQUALS,
    SP_OPENBSD_SLASH,
    SP_OPENBSD_BAD,
};

struct sp_openbsd_token {
    enum sp_openbsd_token_kind kind;
    struct sp_piece piece; /* of a string: what is between its quotes */
    struct sp_place place; /* of what came out of a macro: where the macro is used */
    bool is_expanded;
    const char *fault; /* of SP_OPENBSD_BAD */
};

struct sp_openbsd_file {
    struct sp_openbsd_file *next;
    struct sp_source source;
    struct sp_secret secret;
    uint32_t number; /* 0: the one that was named, then as they are included */
    bool is_open;    /* others may read it */
};

struct sp_openbsd_macro {
    struct sp_piece *pieces;
    size_t count;
};

struct sp_openbsd_scanner {
    struct sp_openbsd_file *file;
    const char *at, *end, *line_start;
    uint32_t line;
};

struct sp_openbsd_hosts {
    bool is_any;
    struct sp_address_range *ranges;
    uint32_t count;
};

enum sp_openbsd_kind { SP_OPENBSD_FLOW, SP_OPENBSD_IKE, SP_OPENBSD_SA, SP_OPENBSD_TCPMD5 };
enum sp_openbsd_type {
    SP_OPENBSD_TYPE_NONE,
    SP_OPENBSD_TYPE_REQUIRE,
    SP_OPENBSD_TYPE_USE,
    SP_OPENBSD_TYPE_ACQUIRE,
    SP_OPENBSD_TYPE_DONTACQ,
    SP_OPENBSD_TYPE_BYPASS,
    SP_OPENBSD_TYPE_DENY,
};

/* authkey and enckey: one for each direction. */
struct sp_openbsd_keys {
    bool is_file;
    struct sp_piece values[2];
    size_t count;
};

#define SP_OPENBSD_PROTOCOLS 16

struct sp_openbsd_statement {
    struct sp_openbsd_statement *next;
    struct sp_place place;
    uint32_t file_number;
    enum sp_openbsd_kind kind;
    const char *service; /* "esp", "ah", "ipcomp", "ipip" */
    bool has_direction, has_service;
    enum sp_direction direction;
    uint16_t protocols[SP_OPENBSD_PROTOCOLS];
    size_t protocol_count; /* 0: any */
    bool has_from, has_to, has_local, has_peer;
    struct sp_openbsd_hosts from, to, local, peer;
    uint16_t from_port, to_port;
    bool has_from_port, has_to_port;
    enum sp_openbsd_type type;
    bool is_transport;
    /* transforms of an SA, or of quick mode */
    struct sp_piece auth, enc;
    uint64_t lifetime_seconds;
    uint32_t spis[2];
    size_t spi_count;
    struct sp_openbsd_keys auth_keys, enc_keys;
    uint32_t action; /* of what protects: its place among the actions */
};

struct sp_openbsd_action {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    uint64_t lifetime_seconds;                /* 0: w2k */
    struct sp_address tunnel_from, tunnel_to; /* family 0: transport mode */
};

struct sp_openbsd_sa {
    const struct sp_openbsd_statement *statement;
    struct sp_address source, destination;
    uint32_t spi;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    bool is_tunnel;
    bool are_files[2];
    struct sp_piece keys[2]; /* encryption, integrity: hex digits, or a path */
};

#define SP_OPENBSD_ACTIONS 64

struct sp_openbsd {
    struct sp_diagnosis diagnosis;
    struct sp_storage *storage;
    struct sp_openbsd_file *files;
    uint32_t file_count;
    size_t text_bytes, expanded_bytes;
    bool may_include;
    bool is_secret; /* some file may hold a key */
    uint64_t order;

    struct sp_openbsd_scanner scanners[SP_OPENBSD_DEPTH];
    size_t depth;
    const struct sp_openbsd_macro *macro; /* that is being expanded, or NULL */
    size_t macro_piece;
    const char *macro_at, *macro_end;
    struct sp_place macro_place;
    struct sp_names macro_names;
    struct sp_openbsd_macro *macros;
    size_t macro_count, macro_capacity;
    struct sp_openbsd_token token; /* the one that is looked at */

    struct sp_address_range *ranges; /* of the list at hand */
    size_t range_count, range_capacity, host_count;
    struct sp_piece *pieces; /* of the macro at hand */
    size_t piece_capacity;

    struct sp_openbsd_statement *first, *last;
    uint32_t statement_count;
    struct sp_openbsd_action actions[SP_OPENBSD_ACTIONS];
    uint32_t action_count;
    struct sp_openbsd_sa *sas;
    size_t sa_count, sa_capacity;
    size_t comparisons;
};

#define sp_openbsd_error(import, place, ...) sp_diagnose_error(&(import)->diagnosis, place, __VA_ARGS__)
#define sp_openbsd_warn(import, place, ...)                                                                  \
    sp_diagnose(&(import)->diagnosis, SP_SEVERITY_WARNING, SP_ERR_UNSUPPORTED, place, __VA_ARGS__)
/* False, and remembered. */
bool sp_openbsd_no_memory(struct sp_openbsd *import);

/* Takes the file over and goes on with its text. */
void sp_openbsd_enter(struct sp_openbsd *import, struct sp_openbsd_file *file);
/* An include: false after an error. */
bool sp_openbsd_include(struct sp_openbsd *import, const struct sp_openbsd_token *path);
void sp_openbsd_next(struct sp_openbsd *import);
bool sp_openbsd_is_at(const struct sp_openbsd *import, const char *word);
bool sp_openbsd_is_at_end(const struct sp_openbsd *import);
bool sp_piece_is(struct sp_piece piece, const char *word);
/* What a string means, NUL-terminated; false when it is longer than size_bytes allows or holds a NUL. */
bool sp_piece_text(struct sp_piece piece, char *text, size_t size_bytes) SP_MUST_USE;
/* The token for a message; nothing of it when a file may hold keys. */
#define SP_OPENBSD_SHOWN_BYTES 48
const char *sp_openbsd_token_text(const struct sp_openbsd *import, char text[SP_OPENBSD_SHOWN_BYTES]);
/* The token isn't what it should be: says so, and is false. */
bool sp_openbsd_unexpected(struct sp_openbsd *import, const char *what);
/* A word or a string. */
bool sp_openbsd_is_value(const struct sp_openbsd *import);

/* NAME = VALUE, from behind the '='. */
bool sp_openbsd_define(struct sp_openbsd *import, struct sp_piece name);

/* All statements to import->first; faults are in the diagnosis. */
void sp_openbsd_read(struct sp_openbsd *import);

/* Each reads a value at the token, and says what is wrong with it. */
bool sp_openbsd_hosts_read(struct sp_openbsd *import, struct sp_openbsd_hosts *ret_hosts);
bool sp_openbsd_protocols_read(struct sp_openbsd *import, struct sp_openbsd_statement *statement);
bool sp_openbsd_port_read(struct sp_openbsd *import, uint16_t *ret_port);
bool sp_openbsd_spis_read(struct sp_openbsd *import, struct sp_openbsd_statement *statement);
bool sp_openbsd_keys_read(struct sp_openbsd *import, struct sp_openbsd_keys *ret_keys);
bool sp_openbsd_seconds_read(struct sp_openbsd *import, uint64_t *ret_seconds);

/* Transforms by the names that ipsec.conf has for them. */
bool sp_openbsd_encryption(struct sp_piece name, enum sp_encryption *ret_encryption);
bool sp_openbsd_integrity(struct sp_piece name, enum sp_integrity *ret_integrity);
/* What a statement's enc and auth come to; enc must be there. Without auth it is SHA-256, or the cipher's
 * own. False: not one of our suites. */
bool sp_openbsd_suite(const struct sp_openbsd_statement *statement, enum sp_encryption *ret_encryption,
                      enum sp_integrity *ret_integrity);

/* Judges one statement: SAs to import->sas. */
void sp_openbsd_take_sa(struct sp_openbsd *import, const struct sp_openbsd_statement *statement);
/* After all SAs are known: the action of a flow or ike rule that protects. */
void sp_openbsd_take_flow(struct sp_openbsd *import, struct sp_openbsd_statement *statement);
bool sp_openbsd_is_protected(const struct sp_openbsd_statement *statement);

enum sp_status sp_openbsd_emit(struct sp_openbsd *import, char **ret_text) SP_MUST_USE;
/* The SAs in locked memory; NULL when there are none. */
enum sp_status sp_openbsd_emit_keys(struct sp_openbsd *import, char **ret_keys,
                                    size_t *ret_len_bytes) SP_MUST_USE;

#endif
