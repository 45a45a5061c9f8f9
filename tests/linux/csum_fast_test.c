/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/plane/csum_fast.h"

#include "packets.h"

/* Every implementation of this processor, at the end of an allocation so that the sanitizer sees a
 * read beyond it. */
TEST("every length and alignment agrees with a byte-wise sum")
{
    struct rng rng = test_rng();
    const char *name;
    dco_csum_fn *f;

    for (size_t len = 0; len <= 1600; len++) {
        uint8_t *data = malloc(len + 63);

        if (!data)
            abort();
        rng_bytes(&rng, data, len + 63);
        for (size_t shift = len % 7; shift < 64; shift += 7) {
            uint8_t *exact = malloc(len + shift + (len + shift == 0));
            uint16_t want = packet_sum(data, len);

            if (!exact)
                abort();
            memcpy(exact + shift, data, len);
            for (unsigned i = 0; (f = csum_nth(i, &name)) != NULL; i++)
                CHECK_THAT(f(exact + shift, len) == want, "%s: %zu bytes at offset %zu", name, len,
                           shift);
            free(exact);
        }
        free(data);
    }
}

TEST("sums of all zeros and of all ones are right")
{
    static uint8_t data[65600];
    const char *name;
    dco_csum_fn *f;

    for (unsigned i = 0; (f = csum_nth(i, &name)) != NULL; i++) {
        memset(data, 0, sizeof(data));
        CHECK_EQ(f(data, sizeof(data)), 0);
        memset(data, 0xff, sizeof(data));
        CHECK_EQ(f(data, sizeof(data)), 0xffff);
        CHECK_EQ(f(data, sizeof(data) - 1), packet_sum(data, sizeof(data) - 1));
    }
}

TEST("the fastest sum is the last of the table")
{
    const char *name;
    dco_csum_fn *f, *last = NULL;

    for (unsigned i = 0; (f = csum_nth(i, &name)) != NULL; i++) {
        printf("# %s\n", name);
        last = f;
    }
    CHECK(csum_nth(0, &name) == dco_csum);
    CHECK(csum_best() == last);
}
