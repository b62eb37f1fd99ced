/* ESP in user space (RFC 4303): one SA of one direction, from an inner packet to octets and back.
 *
 * No I/O, no clock. A packet begins with the SPI; UDP encapsulation (RFC 3948) is the caller's. An SA keeps
 * its keys as octets, and its functions draw on the contexts that crypto shares.
 */
#ifndef ESP_ESP_H
#define ESP_ESP_H

#include "base/random.h"
#include "crypto/cipher.h"
#include "esp/replay.h"

enum {
    ESP_HEADER_LEN = 8,    /* SPI and the low half of the sequence number */
    ESP_MAX_OVERHEAD = 96, /* header, IV, padding, trailer and ICV of any suite; TFC padding comes on top */
    ESP_MAX_PACKET = 65535,
};

/* Next header values of what ESP carries. */
enum { ESP_NEXT_IPV4 = 4, ESP_NEXT_UDP = 17, ESP_NEXT_IPV6 = 41, ESP_NEXT_ICMPV6 = 58, ESP_NEXT_DUMMY = 59 };

struct esp_sender {
    uint32_t spi;
    bool esn;
    struct cipher_suite suite;
    struct cipher_keys keys;
    uint64_t sent;    /* the last sequence number used; 0: none */
    uint64_t iv_base; /* added to the sequence number to make the IV of a counter mode: a part of the IV space
                         that no other member uses under these keys (RFC 6311 3.4) */
};

struct esp_receiver {
    uint32_t spi;
    struct cipher_suite suite;
    struct cipher_keys keys;
    struct replay_window window; /* says, too, whether numbers are extended */
};

struct esp_payload {
    uint8_t next_header;
    struct octets inner;
    size_t tfc_padding;    /* octets of traffic flow confidentiality padding behind an inner IP packet */
    struct octets iv;      /* of the caller's choice; empty: as the suite wants it */
    struct octets trailer; /* wrong on purpose: stands in the place of Padding, Pad Length and Next Header, as
                              it is; empty: they are as they must be */
};

/* Uses up the next sequence number; false when the counter would wrap, which it never does (RFC 4303
 * 3.3.3). */
bool esp_next(struct esp_sender *sa, uint64_t *seq, struct error *err);

/* Moves the counter on by `delta` (RFC 6311 5.2); false, with nothing moved, when it would wrap. */
bool esp_jump(struct esp_sender *sa, uint64_t delta, struct error *err);

/* Seals under a number of the caller's choice; the counter stays. CBC draws its IV from `random`. */
bool esp_seal(const struct esp_sender *sa, uint64_t seq, const struct esp_payload *payload,
              struct random_source *random, uint8_t *out, size_t room, size_t *len, struct error *err);

enum esp_verdict {
    ESP_ACCEPTED,
    ESP_MALFORMED, /* too short, not whole blocks, or padding that is wrong; the error says which */
    ESP_OTHER_SPI,
    ESP_REPLAYED, /* seen before, below the window, or 0 */
    ESP_NOT_AUTHENTIC,
};

struct esp_opened {
    uint64_t seq; /* extended as the window says, also when the packet is refused as a replay */
    uint8_t next_header;
    struct octets inner; /* in `room`; TFC padding is still behind it */
};

/* `room` takes as many octets as the packet has. The window is marked only when the packet is accepted. */
enum esp_verdict esp_open(struct esp_receiver *sa, struct octets packet, uint8_t *room,
                          struct esp_opened *out, struct error *err);

/* The same for whoever is no end of the SA: under a number of the caller's choice, whatever was seen before.
 * The SPI is not looked at. */
struct esp_reader {
    const struct cipher_suite *suite;
    const struct cipher_keys *keys;
    bool esn;
};

enum esp_verdict esp_open_at(const struct esp_reader *sa, uint64_t seq, struct octets packet, uint8_t *room,
                             struct esp_opened *out, struct error *err);

/* SPI and the low half of the sequence number, without any key. */
bool esp_read_header(struct octets packet, uint32_t *spi, uint32_t *seq_low);

const char *esp_verdict_name(enum esp_verdict verdict);

#endif
