/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/doorway/family.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "linux/doorway/config_hint.h"
#include "linux/doorway/door.h"
#include "linux/doorway/forwarding.h"
#include "linux/doorway/genl.h"
#include "linux/doorway/life.h"
#include "linux/doorway/real.h"
#include "linux/doorway/state_set.h"
#include "linux/doorway/stdio.h"
#include "linux/plane/log.h"
#include "linux/plane/plane.h"
#include "linux/plane/settings.h"

#define REASON_MAX (HINT_TEXT_MAX + 64)

static int main_argc;          /* set once, before main() */
static char *const *main_argv; /* set once */
static bool known;             /* atomic */
static bool settled; /* atomic; accepted, and the configuration was not read again since */
static struct config_hint hint; /* door lock */
static const char *refused;     /* why the process did not get what it asked for; door lock */

/* What openvpn would use offload for, and had better not; false: nothing. Door lock held. */
static bool
left_to_openvpn(char *reason, size_t size)
{
    const char *off = hint.server && hint.c2c ? forwarding_off(hint.inner4, hint.inner6) : NULL;

    if (hint.tcp)
        snprintf(reason, size, "the configuration uses TCP as transport, which is left to openvpn");
    else if (hint.dropped[0])
        snprintf(reason, size, "an option would have no effect with it: %s", hint.dropped);
    else if (off)
        snprintf(reason, size, "client-to-client would have no effect with it while %s is 0", off);
    return hint.tcp || hint.dropped[0] || off;
}

void
family_set_args(int argc, char **argv)
{
    main_argc = argc;
    main_argv = argv;
}

bool
family_known(void)
{
    return __atomic_load_n(&known, __ATOMIC_ACQUIRE);
}

bool
family_is_client(void)
{
    return hint.client && !hint.server;
}

bool
family_floats(void)
{
    return config_hint_floats(&hint);
}

bool
family_is_openvpn(void)
{
    return hint.vpn;
}

void
family_file_opened(const char *path)
{
    for (int i = 1; i < main_argc; i++)
        if (strcmp(main_argv[i], path) == 0)
            __atomic_store_n(&settled, false, __ATOMIC_RELAXED);
}

/* After chroot() the files are out of reach: what was seen before still holds. */
static void
hint_refresh(void)
{
    struct config_hint now;

    config_hint_scan(&now, main_argc, main_argv);
    if (now.readable || !hint.readable)
        hint = now;
    dco_log_suppress_time(hint.no_time);
}

/* Once: afterwards the plane may have threads and descriptors. */
static int
prepare(void)
{
    struct plane_config config;
    int error;

    stdio_reserve();
    settings_read(&config);
    plane_configure(&config);
    error = plane_prepare();
    if (error)
        return error;
    life_started();
    real_seal();
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
    hint_refresh();
    return left_to_openvpn(reason, size);
}

bool
family_ask(const char *name)
{
    char reason[REASON_MAX];
    int error;

    if (ruled_out(reason, sizeof(reason))) {
        state_inactive(reason);
        return false;
    }
    error = may_make_devices() ? 0 : -EPERM;
    if (!error && !family_known())
        error = prepare();
    refused = error ? prepare_error(error) : NULL;
    if (error) {
        state_inactive(refused);
        return false;
    }
    __atomic_store_n(&settled, true, __ATOMIC_RELAXED);
    state_active(name);
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
    else if (hint.option[0])
        snprintf(reason, size, "an option rules it out: %s", hint.option);
    else if (hint.dev[0] && if_nametoindex(hint.dev))
        snprintf(reason, size, "the device %s exists already, as one of another kind", hint.dev);
    else if (!hint.readable)
        snprintf(reason, size, "openvpn did not ask for it, and its configuration cannot be read");
    else
        snprintf(reason, size, "openvpn did not ask for it; its log may say why at verb 4");
}

void
family_tun_opened(void)
{
    char reason[REASON_MAX];

    door_lock();
    hint_refresh();
    if (hint.vpn) {
        likely_reason(reason, sizeof(reason));
        state_inactive(reason);
        life_answer();
    }
    door_unlock();
}

void
family_fork_child(void)
{
    __atomic_store_n(&known, false, __ATOMIC_RELEASE);
}
