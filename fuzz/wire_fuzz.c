/* SPDX-License-Identifier: BSD-2-Clause */
/* Input: a datagram. Writing the parsed header again must give the same bytes. */
#include <stdlib.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dco_wire_hdr hdr;
    uint8_t again[DCO_HDR_LEN];
    enum dco_wire_kind kind = dco_wire_parse(data, size, &hdr);

    if ((kind == DCO_WIRE_DATA) != (size >= DCO_OVERHEAD && data[0] >> 3 == DCO_OPCODE_DATA_V2))
        abort();
    if (kind != DCO_WIRE_DATA)
        return 0;
    dco_wire_write_hdr(again, hdr.key_id, hdr.peer_id, hdr.packet_id);
    if (memcmp(again, data, DCO_HDR_LEN) != 0)
        abort();
    return 0;
}
