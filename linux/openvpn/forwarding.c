/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/forwarding.h"

#include <fcntl.h>
#include <sys/types.h>

#include "linux/sys/calls.h"

/* For IPv4 a new device gets the value of "default"; IPv6 looks at "all" for every packet. One
 * table per process: `off` keeps the last value read, for when the files are out of reach. Preload
 * lock. */
static struct {
    const char *path, *name;
    bool off;
} switches[] = {
    {"/proc/sys/net/ipv4/conf/default/forwarding", "net.ipv4.ip_forward", false},
    {"/proc/sys/net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding", false},
};

static bool
is_off(unsigned i)
{
    int fd = sys()->open(switches[i].path, O_RDONLY | O_CLOEXEC);
    char c;

    if (fd < 0)
        return switches[i].off;
    if (sys()->read(fd, &c, 1) == 1)
        switches[i].off = c == '0';
    sys()->close(fd);
    return switches[i].off;
}

const char *
forwarding_off(bool v4, bool v6)
{
    if (v4 && is_off(0))
        return switches[0].name;
    return v6 && is_off(1) ? switches[1].name : NULL;
}
