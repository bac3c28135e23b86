/* SPDX-License-Identifier: ISC
 *
 * The model of ClassBench (Taylor and Turner, "ClassBench: A Packet Classification Benchmark", INFOCOM 2005):
 * a rule is a pair of prefix lengths, a pair of port classes and a protocol, each drawn from a distribution
 * that differs between access lists (acl), firewalls (fw) and IP chains (ipc); addresses come from a binary
 * trie whose levels have one child or two, unevenly used. The distributions here are simplified from the
 * published ones: they have the shape of those families, they are not ClassBench's own seed files.
 *
 * IPv6 has no published family. An address of IPv4 becomes the bits 32 to 63 of one in 2001:db8::/32, and a
 * whole IPv4 address one IPv6 host.
 */
#include "classbench.h"

#include <math.h>
#include <stdlib.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

const char *const classbench_style_names[CLASSBENCH_STYLES] = {"acl", "fw", "ipc", "uniform"};

/* splitmix64 (Steele, Lea and Flood 2014): any seed will do */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct random {
    uint64_t state;
};

static uint64_t draw64(struct random *random)
{
    return mix(random->state += 0x9e3779b97f4a7c15u);
}

static uint32_t draw_below(struct random *random, uint32_t limit)
{
    return (uint32_t)((draw64(random) >> 32) * limit >> 32);
}

static double draw_unit(struct random *random)
{
    return (double)(draw64(random) >> 11) * 0x1p-53;
}

enum port_class { ANY_PORT, HIGH_PORT, LOW_PORT, PORT_RANGE, ONE_PORT };

struct weighted_pair {
    int8_t source, destination;
    float weight;
};

struct weighted_protocol {
    uint16_t protocol;
    float weight;
};

struct style {
    struct weighted_pair prefixes[20]; /* what is left over to 1 is two lengths from shortest_* to 32 */
    struct weighted_pair ports[12];
    struct weighted_protocol protocols[8];
    uint8_t shortest_source, shortest_destination;
    float one_child[2][4];   /* of the tries: likelihood by byte of the address that a level doesn't branch */
    float hosts_exponent[2]; /* distinct addresses grow like count to the power of this */
};

#define ANY SP_SELECTOR_PROTOCOL_ANY

static const struct style styles[3] = {
    [CLASSBENCH_ACL] =
        {
            {{32, 32, .48f},
             {24, 32, .10f},
             {16, 32, .06f},
             {23, 32, .05f},
             {27, 32, .05f},
             {0, 32, .04f},
             {32, 24, .06f},
             {32, 22, .03f},
             {31, 32, .025f},
             {32, 16, .02f},
             {24, 24, .02f},
             {30, 32, .015f},
             {24, 16, .01f},
             {28, 32, .015f}},
            {{ANY_PORT, ONE_PORT, .68f},
             {ANY_PORT, PORT_RANGE, .12f},
             {ANY_PORT, HIGH_PORT, .03f},
             {ANY_PORT, ANY_PORT, .17f}},
            {{6, .80f}, {17, .10f}, {ANY, .07f}, {1, .03f}},
            8,
            20,
            {{.9f, .95f, .95f, .35f}, {.45f, .85f, .9f, .9f}},
            {.65f, .90f},
        },
    [CLASSBENCH_FW] =
        {
            {{0, 32, .45f},
             {32, 0, .18f},
             {0, 0, .06f},
             {32, 32, .08f},
             {24, 0, .05f},
             {0, 24, .04f},
             {0, 28, .02f},
             {30, 0, .015f},
             {21, 0, .015f},
             {23, 0, .015f},
             {16, 0, .015f},
             {28, 32, .012f},
             {32, 28, .012f},
             {30, 32, .012f},
             {24, 32, .01f}},
            {{ANY_PORT, ANY_PORT, .18f},
             {HIGH_PORT, HIGH_PORT, .07f},
             {ANY_PORT, ONE_PORT, .44f},
             {ONE_PORT, ANY_PORT, .13f},
             {ANY_PORT, HIGH_PORT, .04f},
             {HIGH_PORT, ONE_PORT, .03f},
             {ONE_PORT, HIGH_PORT, .02f},
             {ONE_PORT, ONE_PORT, .02f},
             {ANY_PORT, PORT_RANGE, .04f},
             {PORT_RANGE, ANY_PORT, .02f},
             {PORT_RANGE, PORT_RANGE, .01f}},
            {{6, .57f}, {17, .32f}, {47, .05f}, {1, .04f}, {ANY, .02f}},
            8,
            8,
            {{.7f, .95f, .9f, .8f}, {.8f, .95f, .9f, .75f}},
            {.85f, .85f},
        },
    [CLASSBENCH_IPC] =
        {
            {{32, 32, .25f},
             {24, 24, .09f},
             {24, 32, .085f},
             {32, 24, .055f},
             {0, 32, .08f},
             {32, 0, .03f},
             {23, 24, .035f},
             {23, 32, .03f},
             {24, 16, .03f},
             {24, 0, .025f},
             {0, 24, .02f},
             {32, 26, .02f},
             {24, 26, .02f},
             {26, 24, .02f},
             {16, 24, .02f},
             {16, 32, .02f},
             {32, 16, .015f}},
            {{ANY_PORT, ANY_PORT, .15f},
             {ANY_PORT, HIGH_PORT, .09f},
             {ANY_PORT, PORT_RANGE, .04f},
             {PORT_RANGE, ANY_PORT, .03f},
             {ANY_PORT, ONE_PORT, .50f},
             {ONE_PORT, ANY_PORT, .16f},
             {ONE_PORT, ONE_PORT, .03f}},
            {{17, .41f}, {6, .30f}, {ANY, .25f}, {1, .02f}, {50, .01f}, {47, .01f}},
            8,
            8,
            {{.6f, .9f, .88f, .9f}, {.6f, .9f, .88f, .9f}},
            {.75f, .75f},
        },
};

static const uint16_t known_ports[] = {80,   443,  22,   25,   53,  1521, 123,  69,   514,  1433, 21,
                                       23,   161,  110,  143,  389, 445,  3306, 5432, 8080, 8443, 135,
                                       137,  139,  500,  4500, 179, 636,  993,  995,  2049, 3389, 5060,
                                       5061, 1701, 1812, 1813, 20,  67,   3268, 88};

#define PORTS_MAX 4096

/* What the rules of one set have in common. */
struct world {
    const struct style *style;
    struct random random;
    double one_child[2][32];
    uint64_t trie_seed[2];
    uint16_t ports[PORTS_MAX];
    uint16_t range_first[PORTS_MAX / 8], range_last[PORTS_MAX / 8];
    uint32_t ports_count, ranges_count;
};

/* Scales the likelihoods of branching so that the trie has about 2^bits leaves. */
static void shape_trie(const float one_child[4], double bits, double ret_one_child[32])
{
    double low = 0, high = 50;

    for (int step = 0; step < 50; step++) {
        double scale = (low + high) / 2, sum = 0;
        for (int level = 0; level < 32; level++)
            sum += log2(1 + fmin(1, (1 - one_child[level / 8]) * scale));
        if (sum < bits)
            low = scale;
        else
            high = scale;
    }
    for (int level = 0; level < 32; level++)
        ret_one_child[level] = 1 - fmin(1, (1 - one_child[level / 8]) * low);
}

/* Walks down the trie. A node's nature is a hash of its path, so the trie needs no memory. */
static uint32_t draw_address(struct world *world, int side)
{
    uint32_t address = 0;

    for (int level = 0; level < 32; level++) {
        uint64_t nature = mix(world->trie_seed[side] ^ (uint64_t)address << 8 ^ (uint64_t)level);
        uint32_t bit = nature & 1;
        bool is_branching = (double)(nature >> 40) * 0x1p-24 >= world->one_child[side][level];
        double skew = .75 * (double)(nature >> 8 & 0xffff) * 0x1p-16;
        if (is_branching && draw_unit(&world->random) > .5 + .5 * skew)
            bit ^= 1;
        address = address << 1 | bit;
    }
    return address;
}

static void create_world(struct world *world, const struct style *style, uint32_t count, uint64_t seed)
{
    *world = (struct world){.style = style, .random = {seed}};
    for (int side = 0; side < 2; side++) {
        shape_trie(style->one_child[side], fmax(4, style->hosts_exponent[side] * log2(count) + 2),
                   world->one_child[side]);
        world->trie_seed[side] = draw64(&world->random);
    }
    world->ports_count = (uint32_t)fmin(PORTS_MAX, COUNT_OF(known_ports) + 40 + 8 * sqrt(count));
    for (uint32_t i = 0; i < world->ports_count; i++)
        world->ports[i] =
            i < COUNT_OF(known_ports) ? known_ports[i] : (uint16_t)(1 + draw_below(&world->random, 65534));
    world->ranges_count = 12 + world->ports_count / 10;
    for (uint32_t i = 0; i < world->ranges_count; i++) {
        uint32_t first = 1 + draw_below(&world->random, 64000);
        uint32_t widths[] = {120, 120, 120, 4000, 65535}, width = widths[draw_below(&world->random, 5)];
        world->range_first[i] = (uint16_t)first;
        world->range_last[i] = (uint16_t)fmin(65535, first + 1 + draw_below(&world->random, width));
    }
}

static void draw_ports(struct world *world, int class, uint16_t *ret_first, uint16_t *ret_last)
{
    double favour = draw_unit(&world->random);
    uint32_t i;

    *ret_first = class == HIGH_PORT ? 1024 : 0;
    *ret_last = class == LOW_PORT ? 1023 : 65535;
    if (class == PORT_RANGE) {
        i = (uint32_t)(favour * favour * world->ranges_count);
        *ret_first = world->range_first[i];
        *ret_last = world->range_last[i];
    } else if (class == ONE_PORT) {
        bool is_known = draw_below(&world->random, 5) > 0;
        i = is_known ? (uint32_t)(favour * favour * favour * COUNT_OF(known_ports))
                     : draw_below(&world->random, world->ports_count);
        *ret_first = *ret_last = world->ports[i];
    }
}

static int pick(struct random *random, const struct weighted_pair *pairs, int count)
{
    double left = draw_unit(random);

    for (int i = 0; i < count; i++) {
        left -= pairs[i].weight;
        if (left < 0)
            return i;
    }
    return -1;
}

static uint16_t draw_protocol(struct world *world)
{
    const struct weighted_protocol *protocols = world->style->protocols;
    double left = draw_unit(&world->random);

    for (int i = 0; i < 8; i++) {
        left -= protocols[i].weight;
        if (left < 0)
            return protocols[i].protocol;
    }
    return protocols[0].protocol;
}

static void put_prefix(uint8_t family, uint32_t address, int length, struct sp_selector_address *ret_first,
                       struct sp_selector_address *ret_last)
{
    uint32_t host_mask = length == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - length)) - 1);

    if (family == 4) {
        *ret_first = (struct sp_selector_address){.low = address & ~host_mask};
        *ret_last = (struct sp_selector_address){.low = address | host_mask};
        return;
    }
    if (length == 0) { /* any */
        *ret_first = (struct sp_selector_address){0, 0};
        *ret_last = (struct sp_selector_address){UINT64_MAX, UINT64_MAX};
        return;
    }
    uint64_t network = UINT64_C(0x20010db8) << 32, host = mix(address) >> 48;
    bool is_host = length == 32;
    *ret_first = (struct sp_selector_address){network | (address & ~host_mask), is_host ? host : 0};
    *ret_last = (struct sp_selector_address){network | address | host_mask, is_host ? host : UINT64_MAX};
}

/* A score for the order: specific rules stand in front, mostly; where they don't, the first match matters. */
struct drawn {
    struct sp_selector_box box;
    double rank;
};

static struct drawn draw_rule(struct world *world, uint8_t family)
{
    const struct style *style = world->style;
    struct random *random = &world->random;
    struct sp_selector_box box = {.family = family, .protocol = draw_protocol(world)};
    int i = pick(random, style->prefixes, (int)COUNT_OF(style->prefixes));
    int source = i >= 0 ? style->prefixes[i].source
                        : style->shortest_source + (int)draw_below(random, 33u - style->shortest_source);
    int destination =
        i >= 0 ? style->prefixes[i].destination
               : style->shortest_destination + (int)draw_below(random, 33u - style->shortest_destination);

    put_prefix(family, draw_address(world, 0), source, &box.source_first, &box.source_last);
    put_prefix(family, draw_address(world, 1), destination, &box.destination_first, &box.destination_last);
    box.has_ports = box.protocol == 6 || box.protocol == 17;
    i = box.has_ports ? pick(random, style->ports, (int)COUNT_OF(style->ports)) : -1;
    draw_ports(world, i < 0 ? ANY_PORT : style->ports[i].source, &box.source_port_first,
               &box.source_port_last);
    draw_ports(world, i < 0 ? ANY_PORT : style->ports[i].destination, &box.destination_port_first,
               &box.destination_port_last);
    uint32_t widths[] = {1u + box.source_port_last - box.source_port_first,
                         1u + box.destination_port_last - box.destination_port_first};
    box.has_ports = widths[0] < 65536 || widths[1] < 65536;
    box.is_bypass = draw_below(random, 3) == 0;
    double score =
        source + destination + (box.protocol == ANY ? 0 : 4) + 16 - log2(widths[0]) / 2 - log2(widths[1]) / 2;
    return (struct drawn){box, -(score + 16 * draw_unit(random))};
}

static int by_rank(const void *left, const void *right)
{
    const struct drawn *a = left, *b = right;

    return (a->rank > b->rank) - (a->rank < b->rank);
}

/* 0 to bits random bits wide, so that all magnitudes are as likely */
static uint64_t draw_magnitude(struct random *random, uint32_t bits)
{
    uint32_t shift = draw_below(random, bits + 1);

    return shift == 0 ? 0 : draw64(random) >> (64 - shift);
}

static uint64_t saturated(uint64_t first, uint64_t width, uint64_t most)
{
    return width > most - first ? most : first + width;
}

static void draw_range(struct random *random, uint8_t family, struct sp_selector_address *ret_first,
                       struct sp_selector_address *ret_last)
{
    uint64_t most = family == 4 ? UINT32_MAX : UINT64_MAX;
    uint64_t first = draw64(random) & most, width = draw_magnitude(random, family == 4 ? 32 : 64);

    if (family == 4) {
        *ret_first = (struct sp_selector_address){0, first};
        *ret_last = (struct sp_selector_address){0, saturated(first, width, most)};
        return;
    }
    bool is_wide = draw_below(random, 2) == 0;
    *ret_first = (struct sp_selector_address){first, draw64(random)};
    *ret_last = is_wide ? (struct sp_selector_address){saturated(first, width, most), UINT64_MAX}
                        : (struct sp_selector_address){first, saturated(ret_first->low, width, most)};
}

static struct sp_selector_box draw_uniform(struct random *random, uint8_t family)
{
    struct sp_selector_box box = {.family = family, .protocol = ANY, .has_ports = true};

    if (draw_below(random, 2))
        box.protocol = (uint16_t)draw_below(random, 20);
    draw_range(random, family, &box.source_first, &box.source_last);
    draw_range(random, family, &box.destination_first, &box.destination_last);
    box.source_port_first = (uint16_t)draw_magnitude(random, 16);
    box.destination_port_first = (uint16_t)draw_magnitude(random, 16);
    box.source_port_last = (uint16_t)saturated(box.source_port_first, draw_magnitude(random, 16), UINT16_MAX);
    box.destination_port_last =
        (uint16_t)saturated(box.destination_port_first, draw_magnitude(random, 16), UINT16_MAX);
    box.is_bypass = draw_below(random, 3) == 0;
    return box;
}

void classbench_boxes(enum classbench_style style, uint8_t family, uint32_t count, uint64_t seed,
                      struct sp_selector_box *ret_boxes)
{
    struct random random = {mix(seed) + count};

    if (style == CLASSBENCH_UNIFORM) {
        for (uint32_t i = 0; i < count; i++) {
            ret_boxes[i] = draw_uniform(&random, family);
            ret_boxes[i].rule = i;
        }
        return;
    }
    struct world *world = malloc(sizeof *world);
    struct drawn *drawn = malloc((count + 1) * sizeof *drawn);
    if (world == NULL || drawn == NULL)
        abort();
    create_world(world, &styles[style], count, draw64(&random));
    for (uint32_t i = 0; i < count; i++)
        drawn[i] = draw_rule(world, family);
    qsort(drawn, count, sizeof *drawn, by_rank);
    for (uint32_t i = 0; i < count; i++) {
        ret_boxes[i] = drawn[i].box;
        ret_boxes[i].rule = i;
    }
    free(drawn);
    free(world);
}

static struct sp_selector_address draw_between(struct random *random, struct sp_selector_address first,
                                               struct sp_selector_address last)
{
    uint64_t high_width = last.high - first.high + 1, high = draw64(random), low = draw64(random);
    struct sp_selector_address drawn = {high, low};

    drawn.high = first.high + (high_width == 0 ? high : high % high_width);
    uint64_t low_first = drawn.high == first.high ? first.low : 0;
    uint64_t low_last = drawn.high == last.high ? last.low : UINT64_MAX, low_width = low_last - low_first + 1;
    drawn.low = low_first + (low_width == 0 ? low : low % low_width);
    return drawn;
}

static uint16_t draw_port(struct random *random, uint16_t first, uint16_t last)
{
    return (uint16_t)(first + draw_below(random, 1u + last - first));
}

static struct sp_selector_key draw_key(struct random *random, const struct sp_selector_box *boxes,
                                       uint32_t boxes_count, uint8_t family)
{
    static const uint8_t protocols[] = {6, 17, 6, 17, 6, 1};
    struct sp_selector_address last = {family == 4 ? 0 : UINT64_MAX, family == 4 ? UINT32_MAX : UINT64_MAX};
    struct sp_selector_box box = {.protocol = ANY,
                                  .source_port_last = 65535,
                                  .destination_port_last = 65535,
                                  .source_last = last,
                                  .destination_last = last};

    if (boxes_count > 0 && draw_below(random, 10) > 0)
        box = boxes[draw_below(random, boxes_count)];
    if (box.family == 0)
        box.source_last = box.destination_last = last;
    return (struct sp_selector_key){
        .family = family,
        .protocol = box.protocol == ANY ? protocols[draw_below(random, 6)] : (uint8_t)box.protocol,
        .source_port = draw_port(random, box.source_port_first, box.source_port_last),
        .destination_port = draw_port(random, box.destination_port_first, box.destination_port_last),
        .source = draw_between(random, box.source_first, box.source_last),
        .destination = draw_between(random, box.destination_first, box.destination_last),
    };
}

/* ClassBench's locality: Pareto weights of the flows, and Pareto runs of one flow (a = 1, b = 0.1). */
#define FLOWS 65536
#define RUN_MAX 16

static size_t flow_at(const double *sums, double at)
{
    size_t low = 0, high = FLOWS - 1;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (sums[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void classbench_trace(const struct sp_selector_box *boxes, uint32_t boxes_count, uint8_t family,
                      bool has_locality, uint64_t seed, struct sp_selector_key *ret_keys, size_t keys_count)
{
    struct random random = {mix(seed + 1)};

    if (!has_locality) {
        for (size_t i = 0; i < keys_count; i++)
            ret_keys[i] = draw_key(&random, boxes, boxes_count, family);
        return;
    }
    struct sp_selector_key *flows = malloc(FLOWS * sizeof *flows);
    double *sums = malloc(FLOWS * sizeof *sums), sum = 0;
    if (flows == NULL || sums == NULL)
        abort();
    for (size_t i = 0; i < FLOWS; i++) {
        flows[i] = draw_key(&random, boxes, boxes_count, family);
        sums[i] = sum += fmin(1e4, pow(1 - draw_unit(&random), -1 / 1.1));
    }
    for (size_t i = 0; i < keys_count;) {
        size_t flow = flow_at(sums, draw_unit(&random) * sum);
        int run = (int)fmin(RUN_MAX, ceil(.1 / (1 - draw_unit(&random))));
        while (run-- > 0 && i < keys_count)
            ret_keys[i++] = flows[flow];
    }
    free(sums);
    free(flows);
}
