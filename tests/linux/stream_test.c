/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real plane with a peer over TCP. The far end sends frames cut at any byte, breaks rules, stops
 * reading and closes; openvpn's end of the pair must read its control frames and nothing else. If
 * this failed, a tunnel over TCP would hang, lose its place in the stream, or leave peers behind.
 */
#include "linux/plane/stream.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addresses.h"
#include "harness.h"
#include "linux/crypto/aead.h"
#include "linux/plane/dev_private.h"
#include "linux/plane/plane.h"
#include "linux/plane/stream_private.h"
#include "linux/sys/clock.h"

#define SECOND   1000000000ULL
#define INNER    100U
#define PEER     1U
#define WAIT_MS  60000
#define CONTROL  0x20 /* first byte of P_CONTROL_V1 */
#define DATAGRAM 1000U

static struct plane_dev *dev;
static struct plane_port *port;
static int far_fd = -1;      /* the far end of the connection */
static int openvpn_end = -1; /* of the pair */
static struct aead *far_key;
static uint32_t far_id; /* the last packet id that the far end has used */

static bool
ready(void)
{
    static int state = -1;
    struct settings settings = {.workers = 2};

    if (state >= 0)
        return state;
    state = 0;
    if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0)
        return false;
    CHECK(system("ip link set lo up") == 0);
    plane_configure(&settings);
    CHECK(plane_prepare() == 0);
    CHECK(plane_dev_new("tcp0", DCO_MODE_MP, &dev) == 0);
    CHECK(system("ip addr add 10.9.0.254/24 dev tcp0 && ip link set tcp0 up") == 0);
    state = 1;
    return true;
}

#define NEED_PLANE                                                                                 \
    if (!ready())                                                                                  \
        test_skip("no network namespace or no /dev/net/tun");

/* A connection, its peer and its key */

/* Sets far_fd; returns the near end. */
static int
connected(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), near;
    socklen_t len = sizeof(in);

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(listener, (struct sockaddr *)&in, sizeof(in)) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&in, &len) == 0);
    far_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(far_fd, (struct sockaddr *)&in, sizeof(in)) == 0);
    near = accept(listener, NULL, NULL);
    CHECK(near >= 0);
    close(listener);
    return near;
}

static void
key_add(void)
{
    uint8_t out[32] = {1}, in[32] = {2}, tail[8] = {3};
    static uint32_t generation;
    struct dco_key_new req = {.peer_id = PEER,
                              .cipher = DCO_CIPHER_AES_GCM,
                              .key_len = 32,
                              .tx_key = out,
                              .tx_tail = tail,
                              .rx_tail = tail};

    generation++;
    memcpy(out + 1, &generation, sizeof(generation));
    memcpy(in + 1, &generation, sizeof(generation));
    far_key = aead_new(DCO_CIPHER_AES_GCM, in, out, 32, tail, tail, 1);
    req.crypto = aead_new(DCO_CIPHER_AES_GCM, out, in, 32, tail, tail, plane_key_threads());
    CHECK_EQ(dco_control_key_new(dev->peers, &req, clock_now_ns()), 0);
    far_id = 0;
}

static void
begin(const struct dco_frame_meter *read)
{
    struct dco_peer_new req = {.id = PEER, .tx_id = PEER, .vpn4 = ip4(10, 9, 0, PEER)};
    int pair[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    openvpn_end = pair[1];
    CHECK_EQ(plane_stream_new(connected(), pair[0], read, &port), 0);
    CHECK_EQ(plane_port_bind_dev(port, dev), 0);
    req.transport = plane_port_get(port);
    plane_port_peer_locate(port, &req);
    CHECK_EQ(dco_control_peer_new(dev->peers, &req, clock_now_ns()), 0);
    plane_port_peer_made(port, &req);
    key_add();
}

static void
begin_fresh(void)
{
    const struct dco_frame_meter nothing = {0};

    begin(&nothing);
}

/* The next event, which must be the removal of the peer. */
static void
removed(enum dco_del_reason reason)
{
    uint64_t end = clock_now_ns() + WAIT_MS * (SECOND / 1000);
    struct plane_dev *of;
    struct dco_event event;

    while (!plane_event_take(&of, &event)) {
        CHECK(clock_now_ns() < end);
        usleep(1000);
    }
    CHECK(of == dev && event.kind == DCO_EVENT_DEL && event.peer_id == PEER);
    CHECK_EQ(event.del_reason, reason);
}

static void
end(void)
{
    struct plane_dev *of;
    struct dco_event event;

    plane_port_close(port);
    plane_port_put(port);
    (void)dco_control_peer_del(dev->peers, PEER, DCO_DEL_USERSPACE);
    while (plane_event_take(&of, &event))
        ;
    close(openvpn_end);
    if (far_fd >= 0)
        close(far_fd);
    aead_free(far_key);
}

static struct dco_peer_stats
stats(void)
{
    struct dco_peer_info info;

    CHECK_EQ(dco_control_peer_get(dev->peers, PEER, &info), 0);
    return info.stats;
}

/* Frames */

/* A data frame whose inner packet comes from the peer's address. */
static size_t
data_frame(uint8_t *at)
{
    static const uint8_t head[] = {0x45, 0, 0, INNER, 0, 0, 0, 0, 64, 253};
    uint8_t *pkt = at + DCO_FRAME_HDR, *inner = pkt + DCO_OVERHEAD;
    struct aead_op op = {.pkt = pkt, .in = inner, .len = INNER};
    uint32_t sum = 0;

    memset(pkt, 0, DCO_OVERHEAD + INNER);
    memcpy(inner, head, sizeof(head));
    memcpy(inner + 12, (const uint8_t[]){10, 9, 0, PEER, 10, 9, 0, 254}, 8);
    for (int i = 0; i < 20; i += 2)
        sum += (uint32_t)inner[i] << 8 | inner[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    inner[10] = (uint8_t)(~sum >> 8);
    inner[11] = (uint8_t)~sum;
    dco_frame_write_hdr(at, DCO_OVERHEAD + INNER);
    dco_wire_write_hdr(pkt, 0, PEER, ++far_id);
    aead_seal(far_key, 0, &op, 1);
    return DCO_FRAME_HDR + DCO_OVERHEAD + INNER;
}

/* A control frame of len bytes that holds its number. */
static size_t
control_frame(uint8_t *at, uint32_t len, uint32_t number)
{
    dco_frame_write_hdr(at, len);
    memset(at + DCO_FRAME_HDR, 0x5a, len);
    at[DCO_FRAME_HDR] = CONTROL;
    memcpy(at + DCO_FRAME_HDR + 1, &number, sizeof(number));
    return DCO_FRAME_HDR + len;
}

static void
send_all(const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(far_fd, data, len, MSG_NOSIGNAL);

        CHECK(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

/* Exactly len bytes; they must come. */
static void
read_all(int fd, uint8_t *data, size_t len)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};

    while (len > 0) {
        ssize_t n;

        CHECK_EQ(poll(&pfd, 1, WAIT_MS), 1);
        n = recv(fd, data, len, 0);
        CHECK(n > 0);
        data += n;
        len -= (size_t)n;
    }
}

/* Reads one frame; returns its length without the length. */
static uint32_t
read_frame(int fd, uint8_t *pkt)
{
    uint8_t hdr[DCO_FRAME_HDR];
    uint32_t len;

    read_all(fd, hdr, sizeof(hdr));
    len = (uint32_t)hdr[0] << 8 | hdr[1];
    CHECK(len > 0);
    read_all(fd, pkt, len);
    return len;
}

static void
read_control(int fd, uint32_t len, uint32_t number)
{
    uint8_t pkt[DCO_FRAME_MAX], want[DCO_FRAME_MAX];
    uint32_t got;

    do /* the kernel answers data of an unknown protocol through the tunnel */
        got = read_frame(fd, pkt);
    while (fd == far_fd && pkt[0] != CONTROL);
    CHECK_EQ(got, len);
    (void)control_frame(want, len, number);
    CHECK(memcmp(pkt, want + DCO_FRAME_HDR, len) == 0);
}

static void
received(uint64_t packets)
{
    for (uint64_t end = clock_now_ns() + WAIT_MS * (SECOND / 1000);
         stats().link_rx_packets < packets;) {
        CHECK(clock_now_ns() < end);
        usleep(1000);
    }
    CHECK_EQ(stats().link_rx_packets, packets);
    CHECK_EQ(stats().vpn_rx_packets, packets);
}

/* Tests */

TEST("stream: frames cut at every byte")
{
    static uint8_t bytes[64 * DCO_FRAME_MAX];
    struct rng rng = test_rng();
    size_t len = 0;
    uint32_t controls = 0, datas = 0;

    NEED_PLANE
    begin_fresh();
    for (unsigned i = 0; i < 200; i++) {
        if (i % 3 != 0) {
            len += data_frame(bytes + len);
            datas++;
        } else {
            len += control_frame(bytes + len, i == 60 ? 40000 : 14, controls++);
        }
    }
    for (size_t at = 0; at < len;) {
        size_t piece = at < 600 ? 1 : 1 + rng_below(&rng, 3000);

        piece = piece < len - at ? piece : len - at;
        send_all(bytes + at, piece);
        at += piece;
    }
    controls = 0;
    for (unsigned i = 0; i < 200; i += 3)
        read_control(openvpn_end, i == 60 ? 40000 : 14, controls++);
    received(datas);
    end();
}

/* The hang of openvpn issue 794: a control packet that was there, and nobody woke up for it. */
TEST("stream: ten thousand control packets there and back beside data")
{
    uint8_t frames[4096];

    NEED_PLANE
    begin_fresh();
    for (uint32_t i = 0; i < 10000; i++) {
        size_t len = i % 2 == 0 ? data_frame(frames) : 0;

        len += control_frame(frames + len, 60, i);
        if (i % 3 == 0)
            len += data_frame(frames + len);
        send_all(frames, len);
        read_control(openvpn_end, 60, i);
        len = control_frame(frames, 70, i);
        CHECK_EQ(plane_stream_write(port, frames, len), (ssize_t)len);
        read_control(far_fd, 70, i);
    }
    end();
}

TEST("stream: what the connection does not take waits, and leaves in order")
{
    struct stream *s;
    uint8_t frame[3000];
    uint32_t sent = 0, bytes = 0;
    ssize_t n = 0;

    NEED_PLANE
    begin_fresh();
    s = stream_of(port);
    while (n >= 0 && sent < 100000) {
        size_t len = control_frame(frame, 2000 + sent % 900, sent);

        n = plane_stream_write(port, frame, len);
        sent += n >= 0;
    }
    CHECK_EQ(n, -EAGAIN);
    CHECK(!stream_takes(s));
    for (uint32_t i = 0; i < sent; i++, bytes += 2000)
        read_control(far_fd, 2000 + i % 900, i);
    CHECK(bytes > STREAM_QUEUE_MAX);
    for (uint64_t end = clock_now_ns() + WAIT_MS * (SECOND / 1000); dco_load(&s->waiting) > 0;)
        CHECK(clock_now_ns() < end);
    n = plane_stream_write(port, frame, control_frame(frame, 10, 1));
    CHECK_EQ(n, 12);
    read_control(far_fd, 10, 1);
    dco_lock_acquire(&s->lock);
    CHECK(s->queue == NULL && !s->armed); /* an idle stream has no buffer */
    dco_lock_release(&s->lock);
    end();
}

/* The far end reads slowly while both workers and openvpn send. */
TEST("stream: ids ascend, and no frame is cut by another")
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    uint32_t last = 0, datas = 0, controls = 0, number = 0;
    static uint8_t text[DATAGRAM], pkt[DCO_FRAME_MAX], frame[2000];
    int udp;

    NEED_PLANE
    udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    begin_fresh();
    to.sin_addr.s_addr = htonl(0x0a090000 | PEER);
    for (unsigned i = 0; i < 3000; i++) {
        (void)sendto(udp, text, sizeof(text), 0, (struct sockaddr *)&to, sizeof(to));
        if (i % 10 == 0 && plane_stream_write(port, frame, control_frame(frame, 900, number)) > 0)
            number++;
    }
    for (uint64_t end = clock_now_ns() + WAIT_MS * (SECOND / 1000); stats().link_tx_packets < 50;)
        CHECK(clock_now_ns() < end);
    CHECK(plane_stream_write(port, frame, control_frame(frame, 901, number)) > 0);
    for (uint32_t len = 0; len != 901;) {
        struct aead_op op = {.pkt = pkt};

        len = read_frame(far_fd, pkt);
        if (pkt[0] == CONTROL) {
            CHECK(memcmp(pkt + 1, &controls, sizeof(controls)) == 0);
            controls++;
            continue;
        }
        op.len = len - DCO_OVERHEAD;
        aead_open(far_key, 0, &op, 1);
        CHECK(op.ok);
        CHECK_THAT(dco_read32(pkt + 4) == last + 1, "id %u after %u", dco_read32(pkt + 4), last);
        last++;
        datas++;
    }
    CHECK_EQ(controls, number + 1);
    CHECK(datas >= 50);
    close(udp);
    end();
}

TEST("stream: openvpn gets the rest of the frame that it had begun")
{
    static uint8_t bytes[4 * DCO_FRAME_MAX], got[DCO_FRAME_MAX];
    struct dco_frame_meter m = {0};
    size_t len;

    NEED_PLANE
    /* half of a control frame, and one byte of the length of another */
    len = control_frame(bytes, 500, 1);
    dco_frame_meter_took(&m, bytes, 200);
    begin(&m);
    len += control_frame(bytes + len, 60, 2);
    len += data_frame(bytes + len);
    send_all(bytes + 200, len - 200);
    read_all(openvpn_end, got, 302);
    CHECK(memcmp(got, bytes + 200, 302) == 0);
    read_control(openvpn_end, 60, 2);
    received(1);
    end();

    memset(&m, 0, sizeof(m));
    len = control_frame(bytes, 300, 3);
    dco_frame_meter_took(&m, bytes, 1);
    begin(&m);
    len += data_frame(bytes + len);
    send_all(bytes + 1, 1);
    send_all(bytes + 2, len - 2);
    read_all(openvpn_end, got, 301);
    CHECK(memcmp(got, bytes + 1, 301) == 0);
    received(1);
    end();
}

/* How openvpn's end of the pair ends: behind one control frame. */
static void
openvpn_reads_end(void)
{
    uint8_t byte;

    read_control(openvpn_end, 60, 9);
    CHECK_EQ(recv(openvpn_end, &byte, 1, 0), 0);
}

TEST("stream: every end removes the peer, with its reason")
{
    static const struct {
        const char *bytes;
        size_t len;
        enum dco_del_reason reason;
    } garbage[] = {
        {"\0\0", 2, DCO_DEL_TRANSPORT_ERROR},
        {"\0\0\0\5hello", 9, DCO_DEL_TRANSPORT_ERROR},
        {"\0\3\060ab", 5, DCO_DEL_TRANSPORT_ERROR},        /* P_DATA_V1 */
        {"\377\377\110", 3, DCO_DEL_TRANSPORT_DISCONNECT}, /* cut off by the end */
        {"", 0, DCO_DEL_TRANSPORT_DISCONNECT},
    };
    uint8_t frame[100];

    NEED_PLANE
    for (unsigned i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        begin_fresh();
        send_all(frame, control_frame(frame, 60, 9));
        send_all((const uint8_t *)garbage[i].bytes, garbage[i].len);
        CHECK(shutdown(far_fd, SHUT_WR) == 0);
        removed(garbage[i].reason);
        openvpn_reads_end();
        CHECK_EQ(plane_stream_take_error(port),
                 garbage[i].reason == DCO_DEL_TRANSPORT_ERROR ? ECONNRESET : 0);
        CHECK_EQ(plane_stream_write(port, frame, control_frame(frame, 60, 9)), -EPIPE);
        end();
    }
}

TEST("stream: a reset is openvpn's to read, once")
{
    struct linger now = {.l_onoff = 1};
    uint8_t frame[100];

    NEED_PLANE
    begin_fresh();
    send_all(frame, control_frame(frame, 60, 9));
    read_control(openvpn_end, 60, 9);
    CHECK(setsockopt(far_fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    close(far_fd);
    far_fd = -1;
    removed(DCO_DEL_TRANSPORT_DISCONNECT);
    CHECK_EQ(recv(openvpn_end, frame, 1, 0), 0);
    CHECK_EQ(plane_stream_take_error(port), ECONNRESET);
    CHECK_EQ(plane_stream_take_error(port), 0);
    end();
}

TEST("stream: openvpn's close ends peer and connection, and sends what it had said")
{
    uint8_t frame[100];

    NEED_PLANE
    begin_fresh();
    CHECK(plane_stream_write(port, frame, control_frame(frame, 60, 9)) > 0);
    plane_port_close(port);
    removed(DCO_DEL_TRANSPORT_DISCONNECT);
    read_control(far_fd, 60, 9);
    CHECK_EQ(recv(far_fd, frame, 1, 0), 0);
    CHECK_EQ(plane_stream_write(port, frame, control_frame(frame, 60, 9)), -EPIPE);
    end();
}

static unsigned
descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

TEST("stream: a thousand connections leave nothing behind")
{
    unsigned before;

    NEED_PLANE
    before = descriptors();
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t frames[600];

        begin_fresh();
        if (i % 2 == 0)
            send_all(frames, data_frame(frames) - i % 100);
        end();
    }
    CHECK_EQ(descriptors(), before);
    CHECK_EQ(dco_peers_count(dev->peers), 0);
}
