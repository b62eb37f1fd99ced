/* An ESP packet as it was seen on the wire, and the Child SAs that a record knows. */
#ifndef STAGE_PACKET_ESP_H
#define STAGE_PACKET_ESP_H

#include "esp/esp.h"
#include "evidence/esp_keys.h"
#include "stage/packet.h"
#include "wire/inner.h"

/* An SA of one direction. */
struct watched_esp {
    struct esp_keys keys;
    bool of_peer; /* the peer sends on it */
    bool transport_mode;
    struct wire_selectors ts_source, ts_destination;
    uint8_t ike_spi_i[IKE_SPI_LEN]; /* of the IKE SA that it is under */
    bool replay_sync;               /* IPSEC_REPLAY_COUNTER_SYNC was agreed on there */
    uint64_t highest;               /* that opened so far: extended numbers are told by it */
    /* Packets that the record had when the cluster took the SA up, and gave it up; SIZE_MAX: it has not. */
    size_t up_at, gone_at;
};

struct packet_esp {
    uint32_t spi, seq_low;
    const struct esp_keys *keys; /* NULL: no SA has this SPI */
    bool opened;                 /* then: */
    uint64_t seq;
    uint64_t highest; /* that opened on its SA before it */
    uint8_t next_header;
    bool readable; /* an echo or a UDP datagram: */
    struct inner_packet inner;
    const struct watched_esp *sa; /* where there are keys */
    char error[160];              /* why it is not opened, or not readable */
    uint8_t octets[];             /* of the packet inside */
};

/* Opens the packet with the SA that has its SPI, whatever was seen on it before. NULL: memory is out. */
struct packet_esp *packet_esp_read(const struct datagram *d, struct watched_esp *const *sas, size_t n_sas,
                                   bool from_peer);

/* Does this IKE message propose, or choose, a Child SA with this SPI? */
bool packet_offers(const struct wire_packet *p, uint32_t spi);

/* "ESP c0ffee01 7: ICMP echo request 198.51.100.1 > 198.51.100.2, id 3, number 4" */
void packet_esp_describe(const struct packet_esp *p, char *out, size_t size);

#endif
