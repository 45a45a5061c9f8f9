/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/offer.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux/openvpn/config_scan.h"
#include "linux/preload/vfd.h"
#include "linux/openvpn/forwarding.h"
#include "linux/preload/genl.h"
#include "linux/preload/lifecycle.h"
#include "linux/sys/calls.h"
#include "linux/openvpn/state_set.h"
#include "linux/preload/std_fds.h"
#include "linux/sys/log.h"
#include "linux/plane/plane.h"
#include "linux/sys/settings.h"

#define REASON_MAX (CONFIG_TEXT_MAX + 64)

static int main_argc;          /* set once, before main() */
static char *const *main_argv; /* set once */
static bool known;             /* atomic */
static bool settled; /* atomic; accepted, and the configuration was not read again since */
static struct config_scan conf; /* vfd lock */
static const char *refused;     /* why the process did not get what it asked for; vfd lock */

/* What openvpn would use offload for, and had better not; false: nothing. The vfd lock held. */
static bool
left_to_openvpn(char *reason, size_t size)
{
    const char *off = conf.server && conf.c2c ? forwarding_off(conf.inner4, conf.inner6) : NULL;

    if (conf.tcp)
        snprintf(reason, size, "the configuration uses TCP as transport, which is left to openvpn");
    else if (conf.dropped[0])
        snprintf(reason, size, "an option would have no effect with it: %s", conf.dropped);
    else if (off)
        snprintf(reason, size, "client-to-client would have no effect with it while %s is 0", off);
    return conf.tcp || conf.dropped[0] || off;
}

void
offer_set_args(int argc, char **argv)
{
    main_argc = argc;
    main_argv = argv;
}

bool
offer_known(void)
{
    return __atomic_load_n(&known, __ATOMIC_ACQUIRE);
}

bool
offer_is_client(void)
{
    return conf.client && !conf.server;
}

bool
offer_floats(void)
{
    return config_scan_floats(&conf);
}

bool
offer_is_openvpn(void)
{
    return conf.vpn;
}

void
offer_file_opened(const char *path)
{
    for (int i = 1; i < main_argc; i++)
        if (strcmp(main_argv[i], path) == 0)
            __atomic_store_n(&settled, false, __ATOMIC_RELAXED);
}

/* After chroot() the files are out of reach: what was seen before still holds. */
static void
conf_refresh(void)
{
    struct config_scan now;

    config_scan_scan(&now, main_argc, main_argv);
    if (now.readable || !conf.readable)
        conf = now;
    log_suppress_time(conf.no_time);
}

/* Once: afterwards the plane may have threads and descriptors. */
static int
prepare(void)
{
    struct settings settings;
    int error;

    stdio_reserve();
    settings_read(&settings);
    plane_configure(&(struct plane_config){.workers = settings.workers, .mss = settings.mss});
    error = plane_prepare();
    if (error)
        return error;
    lifecycle_started();
    sys_seal();
    __atomic_store_n(&known, true, __ATOMIC_RELEASE);
    return 0;
}

static const char *
prepare_error(int error)
{
    switch (error) {
    case -ENOENT:
    case -ENODEV:
    case -ENXIO:
        return "there is no /dev/net/tun";
    case -EACCES:
        return "/dev/net/tun may not be opened";
    case -EPERM:
        return "CAP_NET_ADMIN is missing";
    case -EAGAIN:
        return "the task limit (TasksMax, LimitNPROC, ulimit -u) leaves no room for threads";
    case -EMFILE:
        return "the limit on open files (LimitNOFILE, ulimit -n) leaves no room";
    default:
        return strerror(-error);
    }
}

/* Of the calling thread, which is the one that will make the device. */
static bool
may_make_devices(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{0}};

    if (syscall(SYS_capget, &header, caps) < 0)
        return true; /* then the attempt will tell */
    return caps[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* By the configuration, as openvpn has read it. */
static bool
ruled_out(char *reason, size_t size)
{
    if (__atomic_load_n(&settled, __ATOMIC_RELAXED))
        return false;
    conf_refresh();
    return left_to_openvpn(reason, size);
}

bool
offer_ask(const char *name)
{
    char reason[REASON_MAX];
    int error;

    if (ruled_out(reason, sizeof(reason))) {
        offload_state_inactive(reason);
        return false;
    }
    error = may_make_devices() ? 0 : -EPERM;
    if (!error && !offer_known())
        error = prepare();
    refused = error ? prepare_error(error) : NULL;
    if (error) {
        offload_state_inactive(refused);
        return false;
    }
    __atomic_store_n(&settled, true, __ATOMIC_RELAXED);
    offload_state_active(name);
    return true;
}

/* openvpn never says why it does not ask. */
static void
likely_reason(char *reason, size_t size)
{
    if (left_to_openvpn(reason, size))
        return;
    if (refused) /* then openvpn did ask */
        snprintf(reason, size, "%s", refused);
    else if (conf.option[0])
        snprintf(reason, size, "an option rules it out: %s", conf.option);
    else if (conf.dev[0] && if_nametoindex(conf.dev))
        snprintf(reason, size, "the device %s exists already, as one of another kind", conf.dev);
    else if (!conf.readable)
        snprintf(reason, size, "openvpn did not ask for it, and its configuration cannot be read");
    else
        snprintf(reason, size, "openvpn did not ask for it; its log may say why at verb 4");
}

void
offer_tun_opened(void)
{
    char reason[REASON_MAX];

    preload_lock();
    conf_refresh();
    if (conf.vpn) {
        likely_reason(reason, sizeof(reason));
        offload_state_inactive(reason);
        lifecycle_answer();
    }
    preload_unlock();
}

void
offer_fork_child(void)
{
    __atomic_store_n(&known, false, __ATOMIC_RELEASE);
}
