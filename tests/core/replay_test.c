/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replay window: a numbered table of edge values, and random traces beside a model that
 * remembers every id ever accepted.
 */
#include "replay.h"

#include "harness.h"

#define W      DCO_REPLAY_WINDOW
#define SECOND 1000000000ULL
#define OK     DCO_DROP_NONE
#define REPLAY DCO_DROP_RX_REPLAY
#define LATE   DCO_DROP_RX_LATE
#define ZERO   DCO_DROP_RX_ID_ZERO

TEST("replay: edge values")
{
    static const struct {
        int line;
        uint32_t id;
        enum dco_drop want;
    } step[] = {
        {1, 0, ZERO},
        {2, 1, OK},
        {3, 1, REPLAY},
        {4, 0, ZERO},
        {5, 9, OK},
        {6, 8, OK},
        {7, 7, OK},
        {8, 7, REPLAY},
        {9, 2, OK},
        {10, W, OK},
        {11, W, REPLAY},
        {12, 1, REPLAY}, /* the oldest id of the window */
        {13, W + 1, OK}, /* pushes 1 out */
        {14, 1, LATE},
        {15, 2, REPLAY},
        {16, 3, OK},
        {17, 3, REPLAY},
        {18, 2 * W, OK},
        {19, W + 1, REPLAY},
        {20, W, LATE},
        {21, W + 2, OK},
        {22, 3 * W, OK},     /* one window further: everything forgotten, nothing accepted twice */
        {23, 2 * W + 1, OK}, /* the oldest that fits */
        {24, 2 * W, LATE},
        {25, 3 * W, REPLAY},
        {26, 100 * W, OK}, /* a jump */
        {27, 3 * W, LATE},
        {28, 99 * W, LATE},
        {29, 99 * W + 1, OK},
        {30, 99 * W + 1, REPLAY},
        {31, 100 * W - 1, OK},
        {32, 0x7fffffff, OK},
        {33, 0x80000000, OK},
        {34, 0x7fffffff, REPLAY},
        {35, 0xffffffff, OK},
        {36, 0xffffffff, REPLAY},
        {37, 0, ZERO},
        {38, 1, LATE}, /* no wrap */
        {39, 0xfffffffe, OK},
        {40, 0xffffffff - W + 1, OK},
        {41, 0xffffffff - W, LATE},
    };
    struct dco_replay r;

    dco_replay_init(&r);
    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++) {
        enum dco_drop got = dco_replay_accept(&r, step[i].id, 5);

        CHECK_THAT(got == step[i].want, "step %d, id %" PRIu32 ": %s", step[i].line, step[i].id,
                   dco_drop_name(got));
    }
}

TEST("replay: any first id")
{
    static const uint32_t first[] = {1, 2, 63, 64, 65, W - 1, W, W + 1, 0x80000000, 0xffffffff};

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        struct dco_replay r;

        dco_replay_init(&r);
        CHECK(dco_replay_accept(&r, first[i], 0) == OK);
        CHECK(dco_replay_accept(&r, first[i], 0) == REPLAY);
        if (first[i] > 1)
            CHECK(dco_replay_accept(&r, first[i] - 1, 0) == OK);
    }
}

/* A lost id must not hold the window back, however long the gap stays. */
TEST("replay: a gap does not stall the window")
{
    struct dco_replay r;

    dco_replay_init(&r);
    CHECK(dco_replay_accept(&r, 1, 0) == OK);
    for (uint32_t id = 3; id < 10 * W; id++)
        CHECK(dco_replay_accept(&r, id, 0) == OK);
    CHECK(dco_replay_accept(&r, 2, 0) == LATE);
}

TEST("replay: thirty idle seconds close the past")
{
    struct dco_replay r;

    dco_replay_init(&r);
    CHECK(dco_replay_accept(&r, 10, 0) == OK);
    CHECK(dco_replay_accept(&r, 9, 30 * SECOND - 1) == OK); /* each accepted id starts it anew */
    CHECK(dco_replay_accept(&r, 8, 60 * SECOND - 2) == OK);
    CHECK(dco_replay_accept(&r, 7, 90 * SECOND - 2) == LATE); /* exactly thirty seconds */
    CHECK(dco_replay_accept(&r, 8, 90 * SECOND) == REPLAY);
    CHECK(dco_replay_accept(&r, 10, 90 * SECOND) == REPLAY);
    CHECK(dco_replay_accept(&r, 20, 91 * SECOND) == OK);
    CHECK(dco_replay_accept(&r, 11, 91 * SECOND) == OK); /* above the floor */
    CHECK(dco_replay_accept(&r, 6, 91 * SECOND) == LATE);
    CHECK(dco_replay_accept(&r, 5, 0) == LATE); /* a clock read a little earlier elsewhere */
}

/* Refused ids change nothing: not the window, not the time. */
TEST("replay: a refused id leaves no trace")
{
    struct dco_replay r, before;
    static const uint32_t refused[] = {0, 1, 2, 3, 5000};

    dco_replay_init(&r);
    CHECK(dco_replay_accept(&r, 1, 0) == OK);
    CHECK(dco_replay_accept(&r, 5000, 1) == OK);
    before = r;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK(dco_replay_accept(&r, refused[i], 2) != OK);
        CHECK_MEM(&r, &before, sizeof(r));
    }
}

/* The model: a byte per id, and the rules as the header states them. */
#define MODEL_IDS 400000U

struct model {
    uint8_t *accepted;
    uint32_t highest, floor;
    uint64_t expire;
};

static enum dco_drop
model_accept(struct model *m, uint32_t id, uint64_t now)
{
    if (id == 0)
        return ZERO;
    if (now >= m->expire)
        m->floor = m->highest;
    if (id + W <= m->highest)
        return LATE;
    if (m->accepted[id])
        return REPLAY;
    if (id <= m->floor)
        return LATE;
    m->accepted[id] = 1;
    m->highest = id > m->highest ? id : m->highest;
    m->expire = now + DCO_REPLAY_EXPIRE_NS;
    return OK;
}

static uint32_t
next_id(struct rng *rng, uint32_t highest)
{
    uint32_t back = rng_below(rng, 100), id;

    if (back < 50)
        id = highest + 1;
    else if (back < 70)
        id = highest + 1 + rng_below(rng, 8);
    else if (back < 90)
        id = highest - rng_below(rng, 64);
    else if (back < 97)
        id = highest - rng_below(rng, 2 * W);
    else if (back < 99)
        id = highest + rng_below(rng, W + 2);
    else
        id = highest + rng_below(rng, 3 * W);
    return id > highest + 3 * W ? rng_below(rng, 3) : id; /* the subtraction passed zero */
}

static void
trace(struct rng *rng, struct model *m)
{
    struct dco_replay r;
    uint64_t now = rng_next(rng) % SECOND;
    unsigned n = 0;

    dco_replay_init(&r);
    memset(m->accepted, 0, MODEL_IDS);
    m->highest = m->floor = 0;
    m->expire = 0;
    while (m->highest + 4 * W < MODEL_IDS && n++ < 60000) {
        uint32_t id = next_id(rng, m->highest);
        enum dco_drop want, got;

        now += rng_chance(rng, 1) && rng_chance(rng, 10)
                   ? 29 * SECOND + rng_next(rng) % (2 * SECOND)
                   : rng_next(rng) % 1000000;
        want = model_accept(m, id, now);
        got = dco_replay_accept(&r, id, now);
        CHECK_THAT(got == want, "packet %u, id %" PRIu32 ": %s not %s", n, id, dco_drop_name(got),
                   dco_drop_name(want));
    }
}

TEST("replay: random traces beside the model")
{
    struct rng rng = test_rng();
    struct model m = {.accepted = malloc(MODEL_IDS)};

    for (unsigned i = 0; i < test_rounds(20); i++)
        trace(&rng, &m);
    free(m.accepted);
}
