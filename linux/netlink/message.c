/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/netlink/message.h"

static void
ip_split(const struct dco_ip *ip, struct dco_ip *v4, struct dco_ip *v6)
{
    static const struct dco_ip none;

    *v4 = ip->family == 4 ? *ip : none;
    *v6 = ip->family == 6 ? *ip : none;
}

void
nl_path_split(struct nl_message *m)
{
    ip_split(&m->remote.ip, &m->remote4, &m->remote6);
    ip_split(&m->local, &m->local4, &m->local6);
    if (m->remote.ip.family == 6)
        m->remote_scope = nl_number(m->remote.scope_id);
    if (m->remote.ip.family != 0)
        m->remote_port = nl_number(m->remote.port);
}
