/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/family.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>

const struct nl_family *const nl_families[NL_FAMILIES] = {&nl_dco_v2, &nl_ovpn};

static bool
same(const char *ours, const char *name, size_t len)
{
    len = strnlen(name, len);
    return strlen(ours) == len && memcmp(ours, name, len) == 0;
}

const struct nl_family *
nl_family_by_name(const char *name, size_t len)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (same(nl_families[i]->name, name, len))
            return nl_families[i];
    return NULL;
}

const struct nl_family *
nl_family_by_kind(const char *kind, size_t len)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (same(nl_families[i]->link_kind, kind, len))
            return nl_families[i];
    return NULL;
}

const struct nl_family *
nl_family_by_id(uint16_t family_id)
{
    for (unsigned i = 0; i < NL_FAMILIES; i++)
        if (nl_families[i]->family_id == family_id)
            return nl_families[i];
    return NULL;
}

unsigned
nl_family_index(const struct nl_family *family)
{
    unsigned i = 0;

    while (nl_families[i] != family)
        i++;
    return i;
}

/* ---- attributes ------------------------------------------------------------------------------ */

bool
nl_get_u32(const struct nlattr *attr, uint32_t *value)
{
    if (!attr)
        return false;
    *value = mnl_attr_get_u32(attr);
    return true;
}

/* The last attribute of this type, or NULL. */
static const struct nlattr *
attr_find(const void *attrs, size_t len, uint16_t type)
{
    const struct nlattr *attr = attrs, *found = NULL;
    int left = (int)len;

    for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
        if (mnl_attr_get_type(attr) == type)
            found = attr;
        left -= (int)MNL_ALIGN(attr->nla_len);
    }
    return found;
}

static bool
u32_find(const void *attrs, size_t len, uint16_t type, uint32_t *value)
{
    const struct nlattr *attr = attr_find(attrs, len, type);

    if (!attr || mnl_attr_get_payload_len(attr) != sizeof(*value))
        return false;
    *value = mnl_attr_get_u32(attr);
    return true;
}

bool
nl_nest_u32(const struct nlattr *nest, uint16_t type, uint32_t *value)
{
    return u32_find(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), type, value);
}

static const struct nl_peer_attr *
peer_attr_find(const struct nl_family *family, uint8_t command)
{
    for (unsigned i = 0; i < family->peer_attrs; i++)
        if (family->peer_attr_table[i].command == command)
            return &family->peer_attr_table[i];
    return NULL;
}

bool
nl_peer_ref_of(const struct nl_family *family, const struct nlmsghdr *nlh, struct nl_peer_ref *ref)
{
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
    const struct nl_peer_attr *peer_attr;
    const struct nlattr *nest;
    size_t len;

    if (nlh->nlmsg_type != family->family_id || nlh->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
        return false;
    peer_attr = peer_attr_find(family, genl->cmd);
    len = nlh->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
    nest = peer_attr ? attr_find(genl + 1, len, peer_attr->nest) : NULL;
    if (!nest)
        return false;
    ref->command = peer_attr->command;
    ref->removal = peer_attr->removal;
    return u32_find(genl + 1, len, NL_A_IFINDEX, &ref->ifindex) &&
           nl_nest_u32(nest, peer_attr->id, &ref->peer_id);
}

/* ---- messages -------------------------------------------------------------------------------- */

struct nlmsghdr *
nl_header_fill(const struct nl_family *family, void *buf, const struct nlmsghdr *request,
               uint32_t portid, uint8_t command, uint16_t flags)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

    nlh->nlmsg_type = family->family_id;
    nlh->nlmsg_flags = flags;
    nlh->nlmsg_seq = request ? request->nlmsg_seq : 0;
    nlh->nlmsg_pid = portid;
    genl->cmd = command;
    genl->version = family->version;
    return nlh;
}

const struct nl_family *
nl_notification_of(const void *data, size_t len)
{
    struct nlmsghdr nlh;

    if (len < sizeof(nlh))
        return NULL;
    memcpy(&nlh, data, sizeof(nlh));
    return nlh.nlmsg_seq == 0 && nlh.nlmsg_pid == 0 ? nl_family_by_id(nlh.nlmsg_type) : NULL;
}

/* ---- peers and keys -------------------------------------------------------------------------- */

int
nl_peer_new(const struct nl_call *c, uint32_t fd, struct dco_peer_new *req)
{
    int error = c->ops->transport_get(c->ops->arg, fd, c->ifindex, &req->transport);

    if (error)
        return error;
    if (c->ops->peer_locate)
        c->ops->peer_locate(c->ops->arg, req);
    error = dco_control_peer_new(c->peers, req, c->ops->now(c->ops->arg));
    if (error)
        c->ops->transport_put(c->ops->arg, req->transport);
    else if (c->ops->peer_made)
        c->ops->peer_made(c->ops->arg, req);
    return error;
}

int
nl_peer_get(const struct nl_call *c, const struct nlattr *nest)
{
    uint8_t buf[NL_PEER_REPLY_MAX] __attribute__((aligned(8))) = {0};
    struct dco_peer_info info;
    uint32_t id;
    int error = -EINVAL;

    if (nl_nest_u32(nest, NL_PEER_ID, &id))
        error = dco_control_peer_get(c->peers, id, &info);
    if (!error)
        c->sink->emit(c->sink->arg, buf, c->family->peer_fill(c, buf, &info, 0));
    return error;
}

int
nl_key_swap(const struct nl_call *c, const struct nlattr *nest)
{
    uint32_t id;

    return nl_nest_u32(nest, NL_PEER_ID, &id) ? dco_control_key_swap(c->peers, id) : -EINVAL;
}

static int
key_dir_read(const struct nlattr *nest, const uint8_t **key, size_t *key_len, const uint8_t **tail)
{
    const struct nlattr *tb[NL_KEY_DIR_TAIL + 1];

    netlink_parse_nest(nest, NL_KEY_DIR_TAIL, tb);
    if (!tb[NL_KEY_DIR_KEY] || !tb[NL_KEY_DIR_TAIL])
        return -EINVAL;
    *key = mnl_attr_get_payload(tb[NL_KEY_DIR_KEY]);
    *key_len = mnl_attr_get_payload_len(tb[NL_KEY_DIR_KEY]);
    *tail = mnl_attr_get_payload(tb[NL_KEY_DIR_TAIL]);
    return 0;
}

static bool
key_len_ok(enum dco_cipher cipher, size_t len)
{
    if (cipher == DCO_CIPHER_CHACHA20_POLY1305)
        return len == 32;
    return len == 16 || len == 24 || len == 32;
}

/* openvpn takes any refusal of a key for the end of its own world, with all its clients in it. */
static bool
removal_unheard(const struct nl_call *c, uint32_t peer_id)
{
    return c->ops->removal_unheard && c->ops->removal_unheard(c->ops->arg, c->ifindex, peer_id);
}

static int
key_install(const struct nl_call *c, struct dco_key_new *req, const struct nl_key *key)
{
    int error;

    req->key_len = (uint16_t)key->len;
    req->tx_key = key->tx;
    req->tx_tail = key->tx_tail;
    req->rx_tail = key->rx_tail;
    error = c->ops->crypto_new(c->ops->arg, key, &req->crypto);
    if (error)
        return error;
    error = dco_control_key_new(c->peers, req, c->ops->now(c->ops->arg));
    if (!error)
        return 0;
    c->ops->crypto_free(c->ops->arg, req->crypto);
    return error == -ENOENT && removal_unheard(c, req->peer_id) ? 0 : error;
}

int
nl_key_new(const struct nl_call *c, struct dco_key_new *req, const struct nlattr *encrypt,
           const struct nlattr *decrypt)
{
    struct nl_key key = {.cipher = req->cipher};
    struct dco_peer_info info;
    size_t rx_len;
    int error;

    if (key_dir_read(encrypt, &key.tx, &key.len, &key.tx_tail) ||
        key_dir_read(decrypt, &key.rx, &rx_len, &key.rx_tail))
        return -EINVAL;
    error = dco_control_peer_get(c->peers, req->peer_id, &info);
    if (error)
        return removal_unheard(c, req->peer_id) ? 0 : error;
    if (key.len != rx_len || !key_len_ok(key.cipher, key.len))
        return -EINVAL;
    return key_install(c, req, &key);
}

/* ---- the way of a request -------------------------------------------------------------------- */

static void
dump_peers(const struct nl_call *c)
{
    uint8_t buf[NETLINK_DATAGRAM_MAX] __attribute__((aligned(8)));
    struct dco_peer_info info;
    size_t len = 0;
    uint32_t from = 0;

    while (dco_control_peer_next(c->peers, from, &info) == 0) {
        if (sizeof(buf) - len < NL_PEER_REPLY_MAX) {
            c->sink->emit(c->sink->arg, buf, len);
            len = 0;
        }
        memset(buf + len, 0, NL_PEER_REPLY_MAX); /* libmnl leaves padding as it finds it */
        len += c->family->peer_fill(c, buf + len, &info, NLM_F_MULTI);
        if (info.id == UINT32_MAX)
            break;
        from = info.id + 1;
    }
    if (len)
        c->sink->emit(c->sink->arg, buf, len);
}

static int
device_find(struct nl_call *c, const struct nlattr *ifindex)
{
    if (!nl_get_u32(ifindex, &c->ifindex))
        return -EINVAL;
    return c->ops->device(c->ops->arg, c->family->link_kind, c->ifindex, &c->peers);
}

static void
run_dump(struct nl_call *c, const struct nlattr **tb)
{
    int error = device_find(c, tb[NL_A_IFINDEX]);

    if (!error)
        dump_peers(c);
    netlink_done(c->sink, c->request, error);
}

static int
run_do(struct nl_call *c, const struct nl_command *command, const struct nlattr **tb)
{
    int error = device_find(c, tb[NL_A_IFINDEX]);

    if (error)
        return error;
    if (!tb[command->nest])
        return -EINVAL;
    return command->run(c, tb[command->nest]);
}

static const struct nl_command *
command_find(const struct nl_family *family, uint8_t number, bool dump)
{
    const struct nl_command *command;

    if (number >= family->commands)
        return NULL;
    command = &family->command[number];
    return command->run && (!dump || command->dump) ? command : NULL;
}

void
nl_request(const struct nl_family *family, const struct nl_ops *ops,
           const struct netlink_sink *sink, const struct nlmsghdr *request)
{
    struct nl_call c = {.family = family, .ops = ops, .sink = sink, .request = request};
    const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);
    const struct nlattr *tb[NL_MAXATTR + 1];
    const struct nl_command *command;
    bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    int error;

    if (!netlink_is_request(sink, request))
        return;
    if (request->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN) {
        netlink_ack(sink, request, -EINVAL, true);
        return;
    }
    command = command_find(family, genl->cmd, dump);
    if (!command) {
        netlink_ack(sink, request, -EOPNOTSUPP, true);
        return;
    }
    error = netlink_parse(genl + 1, request->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN,
                          command->policy, family->maxattr, tb);
    if (!error && dump) {
        run_dump(&c, tb);
        return;
    }
    if (!error)
        error = run_do(&c, command, tb);
    if (error == -ENOMEM) /* openvpn would exit, with all its clients */
        error = -ENOSPC;
    netlink_ack(sink, request, error, !command->secret);
}
