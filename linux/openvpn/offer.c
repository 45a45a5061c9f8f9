/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/offer.h"

#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/atomic.h"
#include "linux/openvpn/config_scan.h"
#include "linux/openvpn/offload_state.h"
#include "linux/openvpn/pushed.h"
#include "linux/plane/plane.h"
#include "linux/sys/calls.h"
#include "linux/sys/log.h"
#include "linux/sys/setting_rules.h"
#include "linux/sys/settings.h"
#include "linux/sys/std_fds.h"

#define REASON_MAX (CONFIG_TEXT_MAX + 160)

/* One per process: there is one openvpn in it, with one configuration. */
static struct {
    int argc; /* set once, before main(); likewise argv */
    char *const *argv;
    bool known;   /* atomic; a family was offered once */
    bool reads;   /* atomic; it opened a file that its command line names */
    bool tcp;     /* const once known; connections over TCP are taken over as well */
    bool settled; /* atomic; accepted, and openvpn has not read its configuration again since */
    struct config_scan conf; /* preload lock */
    const char *refused;     /* preload lock; why openvpn did not get what it asked for, or NULL */
    struct pushed pushed;    /* preload lock; what the server pushed last */
    bool rereads;            /* preload lock; offer_rereads() */
} offer;

/* Tunnels over TCP are left to openvpn unless the user asks for the experiment. */
static bool
wants_tcp(void)
{
    const char *value = setting_override(OVERRIDE_TCP);

    return value != NULL && strcmp(value, "1") == 0;
}

static void
pushed_reason(char *reason, size_t size)
{
    snprintf(reason, size, "%s the server pushes: %s",
             offer.pushed.refused ? "openvpn refuses to use offload with what"
                                  : "offload would ignore an option that",
             offer.pushed.option);
}

/* Whether openvpn would use offload although the configuration needs a data channel without it. The
 * preload lock held. */
static bool
left_to_openvpn(char *reason, size_t size)
{
    const struct config_scan *conf = &offer.conf;
    bool tcp = conf->tcp && !wants_tcp();
    /* Of another program an argument may look like the name of a configuration. */
    bool hidden = !conf->readable && dco_load(&offer.reads);

    if (tcp)
        snprintf(reason, size,
                 "the configuration uses TCP as transport, which OpenDCO leaves to openvpn");
    else if (conf->dropped[0])
        snprintf(reason, size, "offload would ignore an option: %s", conf->dropped);
    else if (offer.pushed.option[0])
        pushed_reason(reason, size);
    else if (hidden)
        snprintf(reason, size,
                 "OpenDCO cannot read the configuration%s%s, so it cannot tell whether offload "
                 "would ignore a part of it",
                 conf->unreadable[0] ? " file " : "", conf->unreadable);
    return tcp || conf->dropped[0] || offer.pushed.option[0] || hidden;
}

void
offer_set_args(int argc, char **argv)
{
    offer.argc = argc;
    offer.argv = argv;
}

bool
offer_known(void)
{
    return dco_load_acquire(&offer.known);
}

bool
offer_takes_tcp(void)
{
    return offer_known() && offer.tcp;
}

bool
offer_is_client(void)
{
    return offer.conf.client && !offer.conf.server;
}

bool
offer_floats(void)
{
    return config_scan_floats(&offer.conf);
}

struct plane_dev_options
offer_device_options(void)
{
    struct plane_dev_options options = offer.conf.device;

    options.block_ipv6 |= offer.pushed.block_ipv6;
    return options;
}

bool
offer_rereads(void)
{
    return offer.rereads;
}

bool
offer_has_route_metric(void)
{
    return offer.conf.metric;
}

bool
offer_is_openvpn(void)
{
    return offer.conf.vpn;
}

void
offer_file_opened(const char *path)
{
    for (int i = 1; i < offer.argc; i++)
        if (strcmp(offer.argv[i], path) == 0) {
            dco_store(&offer.reads, true);
            dco_store(&offer.settled, false);
        }
}

bool
offer_config_names(const char *path)
{
    const char *program;

    if (offer.argc < 2)
        return false;
    program = strrchr(offer.argv[0], '/');
    program = program != NULL ? program : offer.argv[0];
    return strstr(program, "openvpn") != NULL && config_scan_names(offer.argc, offer.argv, path);
}

/* After chroot() the files are out of reach, and the result of the last reading remains. */
static void
conf_refresh(void)
{
    struct config_scan now;

    config_scan_args(&now, offer.argc, offer.argv);
    if (now.readable || !offer.conf.readable)
        offer.conf = now;
    log_suppress_time(offer.conf.no_time);
}

/* Runs once. Afterwards the plane may have threads and descriptors. */
static int
prepare(void)
{
    struct settings settings;
    int err;

    std_fds_reserve();
    settings_read(&settings);
    plane_configure(&settings);
    err = plane_prepare();
    if (err != 0)
        return err;
    sys_seal();
    offer.tcp = wants_tcp();
    dco_store_release(&offer.known, true);
    return 0;
}

static const char *
prepare_error(int err)
{
    switch (err) {
    case -ENOENT:
    case -ENODEV:
    case -ENXIO:
        return "there is no /dev/net/tun";
    case -EACCES:
        return "/dev/net/tun cannot be opened: permission denied";
    case -EPERM:
        return "CAP_NET_ADMIN is missing";
    case -EAGAIN:
        return "the task limit (TasksMax, LimitNPROC, ulimit -u) leaves no room for threads";
    case -EMFILE:
        return "the limit on open files (LimitNOFILE, ulimit -n) leaves no room";
    default:
        return strerror(-err);
    }
}

/* Whether this thread has the capability. It is the one that will make the device. */
static bool
is_capable(unsigned capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{0}};

    if (syscall(SYS_capget, &header, caps) < 0)
        return true; /* then what needs it fails with the error */
    return caps[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* Whether the configuration, as openvpn has read it, rules offload out. */
static bool
ruled_out(char *reason, size_t size)
{
    if (dco_load(&offer.settled))
        return false;
    conf_refresh();
    return left_to_openvpn(reason, size);
}

/* Whether openvpn survives SIGHUP, for which it needs what it could read at its start. */
static bool
may_restart(void)
{
    struct sigaction now;

    if (geteuid() != getauxval(AT_EUID) || (offer.conf.chroot && offload_state_is_active()))
        return false;
    conf_refresh();
    return offer.conf.readable && sigaction(SIGHUP, NULL, &now) == 0 && now.sa_handler != SIG_DFL &&
           now.sa_handler != SIG_IGN;
}

/* openvpn asks for a family again only after it has read its configuration again. */
static bool
pushed_restart(void)
{
    char reason[REASON_MAX];

    pushed_reason(reason, sizeof(reason));
    if (may_restart() && raise(SIGHUP) == 0) {
        dco_store(&offer.settled, false);
        offer.rereads = true;
        offload_state_inactive(reason);
        return true;
    }
    snprintf(reason + strlen(reason), sizeof(reason) - strlen(reason), "; restart openvpn");
    if (offer.pushed.refused)
        offload_state_inactive(reason);
    else
        log_line(LOG_LEVEL_WARN, "%s", reason);
    return false;
}

bool
offer_pushed(const char *text, size_t len)
{
    struct pushed now;

    if (!offer_is_client() || !pushed_parse(&now, &offer.conf, text, len))
        return false;
    if (now.partial) { /* the other part may have said more */
        now.block_ipv6 |= offer.pushed.block_ipv6;
        if (!now.option[0] && offer.pushed.option[0])
            return false;
    }
    offer.pushed = now;
    return now.option[0] && dco_load(&offer.settled) && pushed_restart();
}

bool
offer_ask(void)
{
    char reason[REASON_MAX];
    int err;

    offer.rereads = false;
    if (ruled_out(reason, sizeof(reason))) {
        offload_state_inactive(reason);
        return false;
    }
    err = is_capable(CAP_NET_ADMIN) ? 0 : -EPERM;
    if (err == 0 && !offer_known())
        err = prepare();
    offer.refused = err != 0 ? prepare_error(err) : NULL;
    if (err != 0) {
        offload_state_inactive(offer.refused);
        return false;
    }
    dco_store(&offer.settled, true);
    offload_state_offered();
    return true;
}

/* openvpn opened its own TUN device, and nothing that we see says why. */
static void
likely_reason(char *reason, size_t size)
{
    const struct config_scan *conf = &offer.conf;

    if (left_to_openvpn(reason, size))
        return;
    if (offer.refused != NULL) /* then openvpn did ask */
        snprintf(reason, size, "%s", offer.refused);
    else if (conf->option[0])
        snprintf(reason, size, "an option rules out offload: %s", conf->option);
    else if (conf->user && !is_capable(CAP_SETPCAP))
        snprintf(reason, size,
                 "the configuration has user, and openvpn lacks CAP_SETPCAP, without which it "
                 "cannot keep CAP_NET_ADMIN");
    else if (conf->dev[0] && if_nametoindex(conf->dev))
        snprintf(reason, size, "the device %s exists already and is of another kind", conf->dev);
    else
        snprintf(reason, size, "openvpn did not ask for offload; its log may say why at verb 4");
}

bool
offer_tun_opened(void)
{
    char reason[REASON_MAX];

    conf_refresh();
    if (!offer.conf.vpn)
        return false;
    likely_reason(reason, sizeof(reason));
    offload_state_inactive(reason);
    return true;
}

void
offer_fork_child(void)
{
    dco_store_release(&offer.known, false);
}
