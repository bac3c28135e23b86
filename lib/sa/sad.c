/* SPDX-License-Identifier: ISC
 *
 * The SAD (RFC 4301 4.4.2): which SAs there are, and how a packet finds its own.
 *
 * One writer, any number of readers that never wait. SAs hang in an array by number and in two chained hash
 * tables: by SPI and addresses for what comes in, by addresses and suite for what goes out. All three are
 * published pointer by pointer with user-space RCU, so a reader sees an SA whole or not at all; an SA that is
 * taken out of them is wiped only when every reader that may have found it has ended its burst.
 *
 * The hash has random factors: whoever chooses addresses and SPIs of SAs, without seeing where they go, can't
 * choose them to meet in one chain. It is multilinear rather than a keyed cryptographic one because each
 * packet that comes in pays for it: eleven multiplications that don't wait for each other. Capacity is fixed,
 * so that nothing is ever rehashed under readers.
 *
 * Sources: RFC 4301 4.4.2; D. Lemire and O. Kaser, "Strongly universal string hashing is fast", 2014.
 */
#include "sa/sad.h"

#include "core/arena.h"
#include "core/clock.h"
#include "core/misuse.h"
#include "sa/limits.h"
#include "sa/params.h"
#include "sa/state.h"
#include "sa/totals.h"
#include "wire/plain.h"

#define URCU_INLINE_SMALL_FUNCTIONS
#include <urcu-qsbr.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_MAX 1000000u
#define HASH_ADDRESS_WORDS 8 /* of both addresses */
#define PORT_COUNT 65536u

struct sp_sad {
    uint32_t capacity;
    _Atomic uint32_t count, holders;
    uint32_t bucket_mask;
    struct sp_sa **by_number, **inbound, **outbound;
    _Atomic uint32_t *encap_ports; /* SAs of each destination port; pages of ports without any aren't there */
    struct sp_sa **by_key;         /* those with combined mode ciphers, by fingerprint */
    uint32_t *free_numbers;        /* a stack: capacity - count of them */
    struct sp_arena *arena;
    struct sp_state *state;          /* NULL: what SAs use is not kept */
    struct sp_sad_totals gone, told; /* totals.c */
    uint64_t hash_factors[3 + HASH_ADDRESS_WORDS];
};

/* Multilinear hashing over 32-bit words: two keys that differ anywhere meet in a bucket no more often than
 * chance would have it. */
static uint32_t bucket_of(const struct sp_sad *sad, uint32_t first_word, const struct sp_address *source,
                          const struct sp_address *destination)
{
    const uint64_t *factors = sad->hash_factors;
    uint32_t words[HASH_ADDRESS_WORDS];
    uint64_t sum = factors[0] + factors[1] * first_word +
                   factors[2] * ((uint32_t)source->family << 8 | destination->family);

    memcpy(words, source->bytes, sizeof source->bytes);
    memcpy(words + HASH_ADDRESS_WORDS / 2, destination->bytes, sizeof destination->bytes);
    for (size_t i = 0; i < HASH_ADDRESS_WORDS; i++)
        sum += factors[3 + i] * words[i];
    return (uint32_t)(sum >> 32) & sad->bucket_mask;
}

static struct sp_sa **inbound_bucket(const struct sp_sad *sad, uint32_t spi, const struct sp_address *source,
                                     const struct sp_address *destination)
{
    return &sad->inbound[bucket_of(sad, spi, source, destination)];
}

static struct sp_sa **outbound_bucket(const struct sp_sad *sad, const struct sp_address *source,
                                      const struct sp_address *destination, enum sp_encryption encryption,
                                      enum sp_integrity integrity, enum sp_mode mode)
{
    uint32_t suite = (uint32_t)encryption << 16 | (uint32_t)integrity << 8 | (uint32_t)mode;
    return &sad->outbound[bucket_of(sad, suite, source, destination)];
}

static struct sp_sa **key_bucket(const struct sp_sad *sad, const char *fingerprint)
{
    return &sad->by_key[(uint32_t)strtoull(fingerprint, NULL, 16) & sad->bucket_mask];
}

struct sp_sa *sp_sad_by_number(const struct sp_sad *sad, uint32_t number)
{
    return number < sad->capacity ? rcu_dereference(sad->by_number[number]) : NULL;
}

struct sp_sa *sp_sad_find_inbound(const struct sp_sad *sad, uint32_t spi, const struct sp_address *source,
                                  const struct sp_address *destination)
{
    struct sp_sa *sa = rcu_dereference(*inbound_bucket(sad, spi, source, destination));
    while (sa != NULL && !(sa->spi == spi && sp_sa_is_between(sa, source, destination)))
        sa = rcu_dereference(sa->next_inbound);
    return sa;
}

/* Neither hard-expired nor out of sequence numbers (RFC 4303 3.3.3), for ever or until more are reserved. */
static bool is_usable(const struct sp_sa *sa)
{
    return atomic_load_explicit(&sa->state, memory_order_relaxed) != SP_SA_HARD_EXPIRED &&
           atomic_load_explicit(&sa->sequence_sent, memory_order_relaxed) <
               atomic_load_explicit(&sa->limits.sequence_limit, memory_order_relaxed);
}

struct sp_sa *sp_sad_find_outbound(const struct sp_sad *sad, const struct sp_address *source,
                                   const struct sp_address *destination, enum sp_encryption encryption,
                                   enum sp_integrity integrity, enum sp_mode mode, bool is_encapsulated,
                                   bool has_esn)
{
    struct sp_sa *dead = NULL; /* the newest of them */
    struct sp_sa *sa =
        rcu_dereference(*outbound_bucket(sad, source, destination, encryption, integrity, mode));
    for (; sa != NULL; sa = rcu_dereference(sa->next_outbound)) {
        if (sa->encryption != encryption || sa->integrity != integrity || sa->mode != mode ||
            sp_encap_is_on(&sa->encap) != is_encapsulated || sa->has_esn != has_esn ||
            !sp_sa_is_between(sa, source, destination) ||
            atomic_load_explicit(&sa->is_retired, memory_order_relaxed))
            continue;
        if (is_usable(sa))
            return sa; /* chains grow at their head: the first is the newest */
        if (dead == NULL)
            dead = sa;
    }
    return dead;
}

bool sp_sad_has_encap_port(const struct sp_sad *sad, uint16_t port)
{
    return atomic_load_explicit(&sad->encap_ports[port], memory_order_relaxed) != 0;
}

/* Wipes and frees what was never published or has no readers left. */
static void discard(struct sp_sad *sad, struct sp_sa *sa)
{
    if (sa->cipher_state != NULL)
        sp_arena_give(sad->arena, sa->cipher_state, sa->cipher->state_bytes);
    if (sa->hmac_state != NULL)
        sp_arena_give(sad->arena, sa->hmac_state, sa->hmac->state_bytes);
    free(sa);
}

/* IPv4 addresses are compared with all their 16 bytes. */
static struct sp_address normal(const struct sp_address *address)
{
    struct sp_address copy = *address;
    if (copy.family == 4)
        memset(copy.bytes + 4, 0, sizeof copy.bytes - 4);
    return copy;
}

/* Cuts a name that is too long, but not in the middle of a UTF-8 character: who prints it as JSON would fail.
 */
static void set_name(struct sp_sa *sa, const char *name)
{
    size_t len_bytes = strnlen(name, sizeof sa->name);
    if (len_bytes == sizeof sa->name) {
        len_bytes--;
        while (len_bytes > 0 && ((uint8_t)name[len_bytes] & 0xc0) == 0x80)
            len_bytes--;
    }
    memcpy(sa->name, name, len_bytes);
    sa->name[len_bytes] = '\0';
}

static void describe(struct sp_sa *sa, const struct sp_sa_params *params)
{
    struct sp_lifetime lifetime = params->lifetime;
    sa->spi = params->spi;
    sa->source = normal(&params->source);
    sa->destination = normal(&params->destination);
    sa->has_esn = params->has_esn;
    sa->limits.sequence_limit = sp_sa_sequence_max(sa);
    sa->limits.reserved_bytes = sa->limits.reserved_packets = UINT64_MAX;
    sa->mode = params->mode;
    sa->tunnel = params->tunnel;
    randombytes_buf(&sa->identification_start, sizeof sa->identification_start);
    sa->encryption = params->encryption;
    sa->integrity = params->integrity;
    sa->encap = params->encap;
    sa->has_own_lifetime = params->has_lifetime;
    sa->is_default_lifetime = !params->has_lifetime;
    sa->born_ns = sp_clock_now_ns();
    if (!params->has_lifetime)
        SP_REQUIRE(sp_lifetime_preset("w2k", &lifetime) == SP_OK);
    sp_sa_set_lifetime(sa, &lifetime);
    if (params->name != NULL)
        set_name(sa, params->name);
    sp_replay_init(&sa->replay, params->replay_window_packets != 0 ? params->replay_window_packets
                                                                   : SP_REPLAY_WINDOW_DEFAULT);
}

static enum sp_status set_keys(struct sp_sad *sad, struct sp_sa *sa, const struct sp_sa_params *params)
{
    sa->cipher = sp_cipher_ops(params->encryption);
    sa->hmac = sp_hmac_ops(params->integrity);
    if (sa->hmac->state_bytes > 0) {
        sa->hmac_state = sp_arena_take(sad->arena, sa->hmac->state_bytes);
        if (sa->hmac_state == NULL)
            return SP_ERR_MEMORY;
        sa->hmac->expand(sa->hmac_state, params->integrity_key, params->integrity_key_bytes);
    }
    sp_sa_fingerprint(params, sa->fingerprint);
    if (sa->cipher->state_bytes == 0)
        return SP_OK;
    sa->cipher_state = sp_arena_take(sad->arena, sa->cipher->state_bytes);
    if (sa->cipher_state == NULL)
        return SP_ERR_MEMORY;
    sa->cipher->expand(sa->cipher_state, params->encryption_key);
    randombytes_buf(&sa->iv_start, sizeof sa->iv_start); /* why: lib/esp/seal.c, write_iv() */
    return SP_OK;
}

/* Whatever makes an SA's packets differ from the usual ones must make this false. */
static bool is_plain(const struct sp_sa *sa)
{
    return !sa->has_esn && sa->mode == SP_MODE_TRANSPORT && sa->source.family == 4 &&
           sa->destination.family == 4 && sa->cipher->cbc_seal != NULL && !sp_encap_is_on(&sa->encap);
}

static void set_plain(struct sp_sa *sa)
{
    if (!is_plain(sa))
        return;
    sa->plain = (struct sp_sa_plain){
        .addresses = sp_plain_addresses(sa->source.bytes, sa->destination.bytes),
        .iv_bytes = (uint8_t)sa->cipher->iv_bytes,
        .align_bytes = (uint8_t)sa->cipher->block_bytes,
        .icv_bytes = (uint8_t)sa->hmac->icv_bytes,
        .is_plain = true,
    };
}

static void publish(struct sp_sad *sad, struct sp_sa *sa)
{
    struct sp_sa **in = inbound_bucket(sad, sa->spi, &sa->source, &sa->destination);
    struct sp_sa **out =
        outbound_bucket(sad, &sa->source, &sa->destination, sa->encryption, sa->integrity, sa->mode);
    uint32_t count = atomic_load(&sad->count);
    sa->number = sad->free_numbers[sad->capacity - count - 1];
    sa->next_inbound = *in;
    sa->next_outbound = *out;
    rcu_assign_pointer(*in, sa);
    rcu_assign_pointer(*out, sa);
    rcu_assign_pointer(sad->by_number[sa->number], sa);
    if (sp_encap_is_on(&sa->encap))
        atomic_fetch_add(&sad->encap_ports[sa->encap.destination_port], 1);
    if (sa->cipher->is_combined) {
        struct sp_sa **same = key_bucket(sad, sa->fingerprint);
        sa->next_same_key = *same;
        *same = sa;
    }
    atomic_store(&sad->count, count + 1);
}

static void say(char *reason, const char *sentence)
{
    if (reason != NULL)
        snprintf(reason, SP_REASON_BYTES, "%s", sentence);
}

/* An IV that comes twice under a key gives away the XOR of both texts and lets anybody forge (SP 800-38D
 * appendix A), so a key is one SA's, which counts its IVs. */
static bool has_key_already(const struct sp_sad *sad, const struct sp_sa_params *params)
{
    char fingerprint[17];

    if (!sp_cipher_ops(params->encryption)->is_combined)
        return false;
    sp_sa_fingerprint(params, fingerprint);
    const struct sp_sa *sa = *key_bucket(sad, fingerprint);
    while (sa != NULL && strcmp(sa->fingerprint, fingerprint) != 0)
        sa = sa->next_same_key;
    return sa != NULL;
}

static enum sp_status check_place(const struct sp_sad *sad, const struct sp_sa_params *params, char *reason)
{
    struct sp_address source = normal(&params->source), destination = normal(&params->destination);
    if (sp_sad_find_inbound(sad, params->spi, &source, &destination) != NULL) {
        char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES];
        if (reason != NULL)
            snprintf(reason, SP_REASON_BYTES,
                     "there already is an SA with SPI %u from %s to %s; choose another SPI", params->spi,
                     sp_address_format(&source, from), sp_address_format(&destination, to));
        return SP_ERR_EXISTS;
    }
    if (has_key_already(sad, params)) {
        say(reason,
            "another SA has this AES-GCM key, and two SAs with one key could seal two packets alike, which "
            "reveals them; make a key for each SA");
        return SP_ERR_WEAK_KEY;
    }
    if (atomic_load(&sad->count) == sad->capacity) {
        if (reason != NULL)
            snprintf(reason, SP_REASON_BYTES, "the SAD is full: it holds %u SAs", sad->capacity);
        return SP_ERR_LIMIT;
    }
    return SP_OK;
}

enum sp_status sp_sad_add(struct sp_sad *sad, const struct sp_sa_params *params, uint32_t *ret_number,
                          char *reason)
{
    SP_REQUIRE(sad != NULL && params != NULL && ret_number != NULL);
    enum sp_status status = sp_sa_params_check(params, reason);
    if (status == SP_OK)
        status = check_place(sad, params, reason);
    if (status != SP_OK)
        return status;

    struct sp_sa *sa = aligned_alloc(alignof(struct sp_sa), sizeof *sa);
    if (sa == NULL) {
        say(reason, "there is no memory for another SA");
        return SP_ERR_MEMORY;
    }
    memset(sa, 0, sizeof *sa);
    describe(sa, params);
    status = set_keys(sad, sa, params);
    if (status != SP_OK) {
        say(reason, "there is no locked memory for another SA's keys; raise the limit (ulimit -l)");
        discard(sad, sa);
        return status;
    }
    if (sad->state != NULL && sp_state_adopt(sad->state, sa) != SP_OK) {
        say(reason, "the state has no place for another SA: remove SAs first");
        discard(sad, sa);
        return SP_ERR_LIMIT;
    }
    set_plain(sa);
    publish(sad, sa);
    sad->gone.key_additions++;
    *ret_number = sa->number;
    return SP_OK;
}

enum sp_status sp_sad_remove(struct sp_sad *sad, uint32_t number)
{
    SP_REQUIRE(sad != NULL);
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    if (sa == NULL)
        return SP_ERR_NOT_FOUND;

    struct sp_sa **link = inbound_bucket(sad, sa->spi, &sa->source, &sa->destination);
    while (*link != sa)
        link = &(*link)->next_inbound;
    rcu_assign_pointer(*link, sa->next_inbound);

    link = outbound_bucket(sad, &sa->source, &sa->destination, sa->encryption, sa->integrity, sa->mode);
    while (*link != sa)
        link = &(*link)->next_outbound;
    rcu_assign_pointer(*link, sa->next_outbound);

    if (sa->cipher->is_combined) {
        link = key_bucket(sad, sa->fingerprint);
        while (*link != sa)
            link = &(*link)->next_same_key;
        *link = sa->next_same_key;
    }
    rcu_assign_pointer(sad->by_number[number], NULL);
    if (sp_encap_is_on(&sa->encap))
        atomic_fetch_sub(&sad->encap_ports[sa->encap.destination_port], 1);
    synchronize_rcu();
    if (sad->state != NULL)
        sp_state_retire(sad->state, sa);
    sad->gone.key_deletions++;
    sp_sad_totals_add(&sad->gone, sa);
    discard(sad, sa);
    uint32_t count = atomic_load(&sad->count) - 1;
    sad->free_numbers[sad->capacity - count - 1] = number;
    atomic_store(&sad->count, count);
    return SP_OK;
}

static bool allocate_tables(struct sp_sad *sad)
{
    uint32_t buckets = 1;
    while (buckets < sad->capacity)
        buckets *= 2;
    sad->bucket_mask = buckets - 1;
    sad->by_number = calloc(sad->capacity, sizeof(struct sp_sa *));
    sad->inbound = calloc(buckets, sizeof(struct sp_sa *));
    sad->outbound = calloc(buckets, sizeof(struct sp_sa *));
    sad->by_key = calloc(buckets, sizeof(struct sp_sa *));
    sad->encap_ports = calloc(PORT_COUNT, sizeof *sad->encap_ports);
    sad->free_numbers = calloc(sad->capacity, sizeof *sad->free_numbers);
    return sad->by_number != NULL && sad->inbound != NULL && sad->outbound != NULL && sad->by_key != NULL &&
           sad->free_numbers != NULL && sad->encap_ports != NULL;
}

static void free_tables(struct sp_sad *sad)
{
    free(sad->by_number);
    free(sad->inbound);
    free(sad->outbound);
    free(sad->by_key);
    free(sad->encap_ports);
    free(sad->free_numbers);
    sp_arena_destroy(&sad->arena);
    free(sad);
}

enum sp_status sp_sad_create(uint32_t capacity, struct sp_sad **ret_sad)
{
    SP_REQUIRE(ret_sad != NULL);
    if (capacity == 0 || capacity > CAPACITY_MAX)
        return SP_ERR_INVALID;
    struct sp_sad *sad = sodium_init() < 0 ? NULL : calloc(1, sizeof *sad);
    if (sad == NULL)
        return SP_ERR_MEMORY;
    sad->capacity = capacity;
    randombytes_buf(sad->hash_factors, sizeof sad->hash_factors);
    if (!allocate_tables(sad) || sp_arena_create(&sad->arena) != SP_OK) {
        free_tables(sad);
        return SP_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < capacity; i++)
        sad->free_numbers[i] = capacity - 1 - i; /* the lowest on top */
    *ret_sad = sad;
    return SP_OK;
}

void sp_sad_destroy(struct sp_sad **sad)
{
    SP_REQUIRE(sad != NULL);
    if (*sad == NULL)
        return;
    SP_REQUIRE(atomic_load(&(*sad)->holders) == 0 && (*sad)->state == NULL);
    for (uint32_t i = 0; i < (*sad)->capacity; i++)
        if ((*sad)->by_number[i] != NULL)
            discard(*sad, (*sad)->by_number[i]);
    free_tables(*sad);
    *sad = NULL;
}

void sp_sad_set_state(struct sp_sad *sad, struct sp_state *state)
{
    sad->state = state;
}

struct sp_sad_totals *sp_sad_totals_gone(struct sp_sad *sad)
{
    return &sad->gone;
}

struct sp_sad_totals *sp_sad_totals_told(struct sp_sad *sad)
{
    return &sad->told;
}

void sp_sad_hold(struct sp_sad *sad)
{
    atomic_fetch_add(&sad->holders, 1);
}

void sp_sad_release(struct sp_sad *sad)
{
    SP_REQUIRE(atomic_fetch_sub(&sad->holders, 1) > 0);
}

uint32_t sp_sad_capacity(const struct sp_sad *sad)
{
    SP_REQUIRE(sad != NULL);
    return sad->capacity;
}

uint32_t sp_sad_count(const struct sp_sad *sad)
{
    SP_REQUIRE(sad != NULL);
    return atomic_load(&sad->count);
}
