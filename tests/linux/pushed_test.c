/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client takes from a PUSH_REPLY. If this failed, a client would restart for ever or lose an
 * option in silence; or it would give up offload for an option that its own configuration ignores.
 */
#include "linux/openvpn/pushed.h"

#include "harness.h"

static struct pushed pushed;

static bool
parse(const char *config, const char *text)
{
    struct config_scan conf = {0};

    config_scan_text(&conf, config, strlen(config));
    return pushed_parse(&pushed, &conf, text, strlen(text) + 1); /* openvpn sends the NUL, too */
}

static const struct {
    const char *config, *text, *option;
    bool refused, block_ipv6;
} cases[] = {
    {"", "PUSH_REPLY,topology subnet,ping 10,peer-id 0,cipher AES-256-GCM", "", false, false},
    {"", "PUSH_REPLY,comp-lzo no,peer-id 0", "comp-lzo no", true, false},
    {"", "PUSH_REPLY,peer-id 0,compress stub", "compress stub", true, false},
    {"", "PUSH_REPLY,peer-id 0, compress", "compress", true, false},
    {"", "PUSH_REPLY,peer-id 0,compress stub-v2,compress migrate", "", false, false},
    {"", "PUSH_REPLY,shaper 125000,peer-id 0,comp-lzo no", "shaper 125000", false, false},
    {"", "PUSH_REPLY,block-ipv6,peer-id 0", "", false, true},
    {"route-nopull\n", "PUSH_REPLY,block-ipv6,peer-id 0", "", false, false},
    {"pull-filter ignore block\n", "PUSH_REPLY,block-ipv6,peer-id 0", "", false, false},
    {"pull-filter ignore \"comp-lzo\"\n", "PUSH_REPLY,comp-lzo no,peer-id 0", "", false, false},
    {"pull-filter accept \"shaper 1\"\npull-filter ignore shaper\n",
     "PUSH_REPLY,shaper 200000,peer-id 0", "", false, false},
    {"pull-filter accept \"shaper 1\"\npull-filter ignore shaper\n",
     "PUSH_REPLY,shaper 125000,peer-id 0", "shaper 125000", false, false},
    {"", "PUSH_REPLY,route 10.0.0.0 255.0.0.0", "no peer-id", true, false},
    {"", "PUSH_REPLY,route 10.0.0.0 255.0.0.0,push-continuation 2", "", false, false},
    {"", "PUSH_REPLY,,,peer-id 0,,", "", false, false},
    {"", "PUSH_REPLY,shaper \x01\xff,peer-id 0", "shaper ??", false, false},
};

TEST("replies")
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(parse(cases[i].config, cases[i].text));
        CHECK_THAT(strcmp(pushed.option, cases[i].option) == 0 &&
                       pushed.refused == cases[i].refused &&
                       pushed.block_ipv6 == cases[i].block_ipv6,
                   "case %zu: \"%s\" refused %d block %d", i, pushed.option, pushed.refused,
                   pushed.block_ipv6);
    }
}

TEST("other messages are not looked at")
{
    CHECK(!parse("", "PUSH_REQUEST"));
    CHECK(!parse("", "PUSH_REPLY"));
    CHECK(!parse("", "AUTH_FAILED,comp-lzo no"));
    CHECK(!parse("", ""));
}

TEST("a message that is cut off, and filters without end, do no harm")
{
    static char many[100000], text[] = "PUSH_REPLY,shaper 1,peer-id 0";
    struct config_scan conf;
    size_t used = 0;

    for (unsigned i = 0; i < 1000; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used, "pull-filter ignore x%u\n", i);
    config_scan_text(&conf, many, used);
    CHECK_EQ(conf.filters, CONFIG_FILTERS_MAX);
    for (size_t len = 0; len < sizeof(text); len++)
        (void)pushed_parse(&pushed, &conf, text, len);
    CHECK_STR(pushed.option, "shaper 1");
}
