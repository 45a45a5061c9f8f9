/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor of every user-space tunnel: two TUN devices in two network namespaces, joined by read()
 * and write() of whatever super-packets the kernel gives. No UDP, no cipher, no checksum, no look
 * at the packets.
 *
 *   tunbridge NAMESPACE-A NAMESPACE-B DEVICE [CPU-A CPU-B]
 *
 * Namespaces are paths (/run/netns/x). One thread per direction; with CPUs named, the thread that
 * reads in A runs on CPU-A. Prints "ready" and runs until its standard input closes.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"

#define SUPER_BYTES (65536U + 256U)

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

struct direction {
    int from, to;
    int cpu; /* -1: any */
};

static int
open_tun(const char *namespace, const char *device)
{
    unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    int ns = open(namespace, O_RDONLY | O_CLOEXEC);
    int fd;

    if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
        die(namespace);
    close(ns);
    snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
        die(device);
    if (ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) < 0 &&
        ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
        die("TUNSETOFFLOAD");
    return fd;
}

static void *
move(void *arg)
{
    const struct direction *d = arg;
    uint8_t *buf = malloc(SUPER_BYTES);
    cpu_set_t set;

    CPU_ZERO(&set);
    if (d->cpu >= 0) {
        CPU_SET((unsigned)d->cpu, &set);
        pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
    }
    for (;;) {
        ssize_t n = read(d->from, buf, SUPER_BYTES);

        if (n < 0)
            continue; /* the device is not up yet */
        if (write(d->to, buf, (size_t)n) < 0 && errno != EIO && errno != ENOBUFS)
            die("write");
    }
    return NULL;
}

int
main(int argc, char **argv)
{
    struct direction d[2];
    pthread_t thread;
    int a, b;
    char c;

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: tunbridge NAMESPACE-A NAMESPACE-B DEVICE [CPU-A CPU-B]\n");
        return 2;
    }
    a = open_tun(argv[1], argv[3]);
    b = open_tun(argv[2], argv[3]);
    d[0] = (struct direction){a, b, argc == 6 ? (int)number(argv[4], 0, 1023, "CPU") : -1};
    d[1] = (struct direction){b, a, argc == 6 ? (int)number(argv[5], 0, 1023, "CPU") : -1};
    for (int i = 0; i < 2; i++)
        if (pthread_create(&thread, NULL, move, &d[i]) != 0)
            die("thread");
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        ;
    return 0;
}
