/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that speaks the ABI and installs a key that a test can look for in its memory:
 *
 *     known_key DEVICE     then commands on standard input, each answered by a line
 *
 *     key     a peer and its key                    swap    a second key, which becomes the first
 *     delete  the second key slot is emptied        remove  the peer is removed
 *
 * Key byte i is known_byte(i); of the swapped key its complement, of a later peer's ^ 0x33. The
 * program itself forgets them: they are made where the message is built, which is wiped.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_LEN 32

static unsigned char message[1024] __attribute__((aligned(8)));
static unsigned char answer[65536] __attribute__((aligned(8)));
static uint32_t device;
static uint16_t family;
static int genl, route;

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static unsigned char
known_byte(unsigned i)
{
    return (unsigned char)(0x5a ^ (i * 37 + 11));
}

static int
netlink_open(int protocol)
{
    struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

    if (fd < 0 || bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0)
        fail("netlink");
    return fd;
}

static struct nlmsghdr *
start(uint16_t type, uint16_t flags)
{
    static uint32_t sequence;
    struct nlmsghdr *nlh;

    memset(message, 0, sizeof(message));
    nlh = mnl_nlmsg_put_header(message);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    nlh->nlmsg_seq = ++sequence;
    return nlh;
}

static struct nlmsghdr *
command(uint16_t type, uint8_t cmd)
{
    struct nlmsghdr *nlh = start(type, 0);
    struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));

    g->cmd = cmd;
    g->version = 1;
    if (type == family && family)
        mnl_attr_put_u32(nlh, 1, device);
    return nlh;
}

static int
id_attr(const struct nlattr *attr, void *arg)
{
    if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
        *(uint16_t *)arg = mnl_attr_get_u16(attr);
    return MNL_CB_OK;
}

/* Sends it and waits for its acknowledgement; the request is wiped. */
static void
ask(int fd, struct nlmsghdr *nlh, const char *what)
{
    struct nlmsgerr *err;
    struct nlmsghdr *heard = (void *)answer;

    if (send(fd, nlh, nlh->nlmsg_len, 0) < 0)
        fail(what);
    explicit_bzero(message, sizeof(message));
    do {
        if (recv(fd, answer, sizeof(answer), 0) < (ssize_t)sizeof(*heard))
            fail(what);
        if (heard->nlmsg_type == GENL_ID_CTRL)
            mnl_attr_parse(heard, sizeof(struct genlmsghdr), id_attr, &family);
    } while (heard->nlmsg_type != NLMSG_ERROR);
    err = mnl_nlmsg_get_payload(heard);
    if (err->error != 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(-err->error));
        exit(1);
    }
    explicit_bzero(answer, 1024);
}

static void
family_find(void)
{
    struct nlmsghdr *nlh = command(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

    mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "ovpn-dco-v2");
    ask(genl, nlh, "the family");
}

static void
device_make(const char *name)
{
    struct nlmsghdr *nlh = start(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
    struct nlattr *info;

    ifi->ifi_family = AF_PACKET;
    mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
    info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
    mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "ovpn-dco");
    mnl_attr_nest_end(nlh, info);
    ask(route, nlh, "the device");
    device = if_nametoindex(name);
}

static void
peer_make(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in remote = any;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct nlmsghdr *nlh;
    struct nlattr *nest;

    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
        fail("the port");
    remote.sin_port = htons(9); /* discard */
    nlh = command(family, 1);
    nest = mnl_attr_nest_start(nlh, 2);
    mnl_attr_put_u32(nlh, 1, 7);
    mnl_attr_put(nlh, 2, sizeof(remote), &remote);
    mnl_attr_put_u32(nlh, 3, (uint32_t)fd);
    mnl_attr_nest_end(nlh, nest);
    ask(genl, nlh, "the peer");
}

/* Writes the key into the message directly, so that there is no other copy. */
static void
put_direction(struct nlmsghdr *nlh, uint16_t type, unsigned char mask)
{
    static const unsigned char tail[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const unsigned char nothing[KEY_LEN];
    struct nlattr *nest = mnl_attr_nest_start(nlh, type);
    unsigned char *key = (unsigned char *)mnl_nlmsg_get_payload_tail(nlh) + MNL_ATTR_HDRLEN;

    mnl_attr_put(nlh, 1, KEY_LEN, nothing);
    for (unsigned i = 0; i < KEY_LEN; i++)
        key[i] = known_byte(i) ^ mask;
    mnl_attr_put(nlh, 2, sizeof(tail), tail);
    mnl_attr_nest_end(nlh, nest);
}

static void
key_make(uint8_t slot, uint8_t id, unsigned char mask)
{
    struct nlmsghdr *nlh = command(family, 4);
    struct nlattr *nest = mnl_attr_nest_start(nlh, 5);

    mnl_attr_put_u32(nlh, 1, 7);
    mnl_attr_put_u8(nlh, 2, slot);
    mnl_attr_put_u8(nlh, 3, id);
    mnl_attr_put_u16(nlh, 4, 1); /* AES-GCM */
    put_direction(nlh, 5, mask);
    put_direction(nlh, 6, mask);
    mnl_attr_nest_end(nlh, nest);
    ask(genl, nlh, "the key");
}

/* A command that names the peer and perhaps a slot. */
static void
about_peer(uint8_t cmd, uint16_t nest_type, uint16_t id_type, bool with_slot)
{
    struct nlmsghdr *nlh = command(family, cmd);
    struct nlattr *nest = mnl_attr_nest_start(nlh, nest_type);

    mnl_attr_put_u32(nlh, id_type, 7);
    if (with_slot)
        mnl_attr_put_u8(nlh, 2, 1);
    mnl_attr_nest_end(nlh, nest);
    ask(genl, nlh, "a command");
}

static void
obey(const char *line)
{
    static unsigned char mask;

    if (strcmp(line, "key\n") == 0) {
        peer_make();
        key_make(0, 0, mask);
        mask = 0x33; /* no key is installed twice */
    } else if (strcmp(line, "swap\n") == 0) {
        key_make(1, 1, 0xff);
        about_peer(5, 6, 1, false);
    } else if (strcmp(line, "delete\n") == 0) {
        about_peer(6, 7, 1, true);
    } else if (strcmp(line, "remove\n") == 0) {
        about_peer(3, 4, 2, false);
    } else {
        puts("no such command");
        return;
    }
    puts("done");
}

int
main(int argc, char **argv)
{
    char line[32];

    if (argc != 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    genl = netlink_open(NETLINK_GENERIC);
    route = netlink_open(NETLINK_ROUTE);
    family_find();
    device_make(argv[1]);
    puts("ready");
    while (fgets(line, sizeof(line), stdin) != NULL)
        obey(line);
    return 0;
}
