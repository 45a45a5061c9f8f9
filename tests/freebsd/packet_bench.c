/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * packet_bench tx|rx BYTES COUNT: sends or receives so many packets with crypto left out. For
 * count-instructions, which takes the difference of two runs and looks at the module's and the
 * core's own functions only.
 */
#include "tunnel.h"

int
main(int argc, char **argv)
{
    static struct world_datagram d;
    static uint8_t pkt[2000];
    struct tunnel t;
    int len, count;

    if (argc != 4)
        return 2;
    len = atoi(argv[2]);
    count = atoi(argv[3]);
    world_start();
    tunnel_up(&t, "AES-256-GCM");
    world_crypto_null = true;
    inner_packet(pkt, "198.51.100.1", VPN, len);
    if (argv[1][0] == 't') {
        while (count-- > 0)
            CHECK_EQ(world_transmit(t.ifp, pkt, len, NULL, NULL), 0);
    } else {
        inner_packet(pkt, VPN, "198.51.100.1", len);
        far_address(&d, CLIENT, 5000, SERVER, 1194);
        far_seal(&d, &t.far, t.peer.id, 1, pkt, len);
        memcpy(d.data + 24, pkt, (size_t)len); /* as if it had been opened */
        for (uint32_t id = 1; count-- > 0; id++) {
            d.data[4] = (uint8_t)(id >> 24);
            d.data[5] = (uint8_t)(id >> 16);
            d.data[6] = (uint8_t)(id >> 8);
            d.data[7] = (uint8_t)id;
            CHECK(world_receive(t.fd, &d, NULL));
        }
    }
    CHECK_EQ(user_stat(t.ifp, "lost_data", "in") + user_stat(t.ifp, "lost_data", "out"), 0);
    return 0;
}
