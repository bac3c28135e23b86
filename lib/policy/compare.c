/* SPDX-License-Identifier: ISC
 *
 * Two policies held against each other: the two ends of a conversation, or two versions for one host.
 *
 * All packets in question are divided among the rules of the first policy, and each part among those of the
 * second. What comes out is a partition of all packets in which every piece has one rule of each, so judging
 * the pieces judges every packet: nothing is sampled (Hari, Suri, Parulkar 2000 and Al-Shaer, Hamed 2004
 * classify pairs of rules; partitioning also finds what only several rules do together).
 */
#include "policy/changed.h"
#include "policy/differences.h"

#include "core/misuse.h"
#include "policy/model.h"

#include <stdlib.h>

/* What becomes of a piece of which both rules are known. */
typedef enum sp_status judge(void *context, const struct sp_piece *piece);

/* Divides query among both and has each piece judged. */
static enum sp_status divide_by_both(const struct sp_sieve *first, const struct sp_sieve *second,
                                     const struct sp_box *query, judge *judge_piece, void *context)
{
    struct sp_region outer = {0};
    enum sp_status status = sp_sieve_divide(first, query, &outer);
    for (size_t i = 0; i < outer.count && status == SP_OK; i++) {
        struct sp_region inner = {0};
        status = sp_sieve_divide(second, &outer.pieces[i].box, &inner);
        for (size_t k = 0; k < inner.count && status == SP_OK; k++) {
            const struct sp_piece piece = {
                .box = inner.pieces[k].box, .rule = outer.pieces[i].rule, .other = inner.pieces[k].rule};
            status = judge_piece(context, &piece);
        }
        sp_region_free(&inner);
    }
    sp_region_free(&outer);
    return status;
}

/* One way of a conversation. */
struct way {
    const struct sp_policy *sender, *receiver;
    struct sp_sieve sending, receiving;
    bool is_from_first;
    struct sp_region *found;
};

static enum sp_status note_down(struct way *way, const struct sp_box *box, const struct sp_piece *piece,
                                enum sp_difference_kind kind)
{
    const struct sp_piece found = {
        .box = *box,
        .rule = way->is_from_first ? piece->rule : piece->other,
        .other = way->is_from_first ? piece->other : piece->rule,
        .kind = kind,
    };
    return sp_region_add_piece(way->found, &found);
}

/* One end protects by the given rule, the other blocks. Packets that the rule only holds with a client's port
 * below 1024 don't occur, and are told apart. */
static enum sp_status judge_refusal(struct way *way, const struct sp_piece *piece,
                                    const struct sp_sieve *sieve, uint32_t rule)
{
    struct sp_region left = {0};
    enum sp_status status = sp_region_add(&left, &piece->box, rule);
    for (size_t i = 0; i < sieve->count && status == SP_OK; i++) {
        struct sp_box service = sieve->boxes[i].box;
        if (sieve->boxes[i].rule != rule)
            continue;
        sp_box_as_service(&service);
        for (size_t k = 0; k < left.count && status == SP_OK; k++) {
            struct sp_box common;
            if (sp_box_intersect(&left.pieces[k].box, &service, &common))
                status = note_down(way, &common, piece, SP_DIFFERENCE_REFUSED);
        }
        if (status == SP_OK)
            status = sp_region_subtract(&left, &service);
    }
    for (size_t k = 0; k < left.count && status == SP_OK; k++)
        status = note_down(way, &left.pieces[k].box, piece, SP_DIFFERENCE_CLIENT_PORT);
    sp_region_free(&left);
    return status;
}

static enum sp_status judge_protected(struct way *way, const struct sp_piece *piece,
                                      const struct sp_meaning *sender, const struct sp_meaning *receiver)
{
    if (!sp_meaning_meets(sender, receiver))
        return note_down(way, &piece->box, piece, SP_DIFFERENCE_PARAMETERS);
    if (!sp_meaning_lives_alike(sender, receiver))
        return note_down(way, &piece->box, piece, SP_DIFFERENCE_LIFETIME);
    return SP_OK;
}

/* The relation that ipsecctl(8) defines. piece: the sender's rule, the other is the receiver's. */
static enum sp_status judge_way(void *context, const struct sp_piece *piece)
{
    struct way *way = context;
    const struct sp_meaning sender = sp_meaning_of(way->sender, piece->rule);
    const struct sp_meaning receiver = sp_meaning_of(way->receiver, piece->other);
    if (sender.action == SP_ACTION_PROTECT && receiver.action == SP_ACTION_PROTECT)
        return judge_protected(way, piece, &sender, &receiver);
    if (sender.action == receiver.action)
        return SP_OK;
    if (sender.action == SP_ACTION_PROTECT && receiver.action == SP_ACTION_BYPASS)
        return note_down(way, &piece->box, piece, SP_DIFFERENCE_NOT_REQUIRED);
    if (sender.action == SP_ACTION_BYPASS && receiver.action == SP_ACTION_PROTECT)
        return note_down(way, &piece->box, piece, SP_DIFFERENCE_CLEAR);
    if (sender.action == SP_ACTION_PROTECT)
        return judge_refusal(way, piece, &way->sending, piece->rule);
    if (receiver.action == SP_ACTION_PROTECT)
        return judge_refusal(way, piece, &way->receiving, piece->other);
    return note_down(way, &piece->box, piece, SP_DIFFERENCE_DENIED);
}

static enum sp_status compare_way(struct way *way, const struct sp_address *source,
                                  const struct sp_address *destination)
{
    const struct sp_me sender = {.addresses = source, .count = 1};
    const struct sp_me receiver = {.addresses = destination, .count = 1};
    struct sp_box query = sp_box_everything(source->family);
    query.first[SP_SOURCE] = query.last[SP_SOURCE] = sp_box_number(source);
    query.first[SP_DESTINATION] = query.last[SP_DESTINATION] = sp_box_number(destination);

    enum sp_status status = sp_sieve_create(&way->sending, way->sender, SP_OUTBOUND, &sender);
    if (status == SP_OK)
        status = sp_sieve_create(&way->receiving, way->receiver, SP_INBOUND, &receiver);
    if (status == SP_OK)
        status = divide_by_both(&way->sending, &way->receiving, &query, judge_way, way);
    sp_sieve_free(&way->sending);
    sp_sieve_free(&way->receiving);
    return status;
}

/* The result when all went well; else nothing is left of what was found. */
static enum sp_status finish(enum sp_status status, struct sp_region found[2], const struct sp_policy *first,
                             const struct sp_policy *second, struct sp_differences **ret_differences)
{
    if (status == SP_OK)
        return sp_differences_create(found, first, second, ret_differences);
    sp_region_free(&found[0]);
    sp_region_free(&found[1]);
    return status;
}

enum sp_status sp_policy_compare(const struct sp_policy *first, const struct sp_policy *second,
                                 const struct sp_address *first_address,
                                 const struct sp_address *second_address,
                                 struct sp_differences **ret_differences)
{
    SP_REQUIRE(first != NULL && second != NULL && first_address != NULL && second_address != NULL &&
               ret_differences != NULL);
    if (first_address->family != second_address->family ||
        sp_box_number(first_address) == sp_box_number(second_address))
        return SP_ERR_INVALID;
    struct sp_region found[2] = {{0}, {0}};
    struct way there = {
        .sender = first, .receiver = second, .is_from_first = true, .found = &found[SP_OUTBOUND]};
    struct way back = {.sender = second, .receiver = first, .found = &found[SP_INBOUND]};
    enum sp_status status = compare_way(&there, first_address, second_address);
    if (status == SP_OK)
        status = compare_way(&back, second_address, first_address);
    return finish(status, found, first, second, ret_differences);
}

struct versions {
    const struct sp_policy *first, *second;
    struct sp_region *found;
};

static enum sp_status judge_versions(void *context, const struct sp_piece *piece)
{
    const struct versions *versions = context;
    const struct sp_meaning first = sp_meaning_of(versions->first, piece->rule);
    const struct sp_meaning second = sp_meaning_of(versions->second, piece->other);
    if (sp_meaning_agrees(&first, &second) && sp_meaning_lives_alike(&first, &second))
        return SP_OK;
    struct sp_piece found = *piece;
    found.kind = SP_DIFFERENCE_MEANING;
    return sp_region_add_piece(versions->found, &found);
}

/* The part of all changed boxes that only box number `which` of them, or it first, holds. */
static enum sp_status diff_changed(struct versions *versions, const struct sp_sieve *first,
                                   const struct sp_sieve *second, const struct sp_sieve *changed,
                                   uint32_t which)
{
    struct sp_region parts = {0};
    enum sp_status status = sp_sieve_divide(changed, &changed->boxes[which].box, &parts);
    for (size_t i = 0; i < parts.count && status == SP_OK; i++) {
        if (parts.pieces[i].rule == which)
            status = divide_by_both(first, second, &parts.pieces[i].box, judge_versions, versions);
    }
    sp_region_free(&parts);
    return status;
}

/* Defaults that agree leave only what was changed to look at. */
static enum sp_status diff_rules(struct versions *versions, const struct sp_sieve *first,
                                 const struct sp_sieve *second)
{
    struct sp_sieve changed = {0};
    enum sp_status status =
        sp_changed_boxes(versions->first, first, versions->second, second, &changed.boxes, &changed.count);
    if (status == SP_OK)
        status = sp_box_index_create(&changed.index, changed.boxes, changed.count, NULL);
    for (uint32_t i = 0; i < changed.count && status == SP_OK; i++)
        status = diff_changed(versions, first, second, &changed, i);
    sp_sieve_free(&changed);
    return status;
}

static enum sp_status diff_everything(struct versions *versions, const struct sp_sieve *first,
                                      const struct sp_sieve *second)
{
    enum sp_status status = SP_OK;
    for (uint8_t family = 4; family <= 6 && status == SP_OK; family += 2) {
        const struct sp_box query = sp_box_everything(family);
        status = divide_by_both(first, second, &query, judge_versions, versions);
    }
    return status;
}

static enum sp_status diff_direction(struct versions *versions, enum sp_direction direction,
                                     const struct sp_me *me)
{
    struct sp_sieve first = {0}, second = {0};
    enum sp_status status = sp_sieve_create(&first, versions->first, direction, me);
    if (status == SP_OK)
        status = sp_sieve_create(&second, versions->second, direction, me);
    if (status == SP_OK && versions->first->fallback == versions->second->fallback)
        status = diff_rules(versions, &first, &second);
    else if (status == SP_OK)
        status = diff_everything(versions, &first, &second);
    sp_sieve_free(&first);
    sp_sieve_free(&second);
    return status;
}

enum sp_status sp_policy_diff(const struct sp_policy *first, const struct sp_policy *second,
                              const struct sp_me *me, struct sp_differences **ret_differences)
{
    SP_REQUIRE(first != NULL && second != NULL && me != NULL && ret_differences != NULL);
    struct sp_region found[2] = {{0}, {0}};
    enum sp_status status = SP_OK;
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND && status == SP_OK; direction++) {
        struct versions versions = {first, second, &found[direction]};
        status = diff_direction(&versions, (enum sp_direction)direction, me);
    }
    return finish(status, found, first, second, ret_differences);
}
