/* IKEv2 messages: octets <-> structs (RFC 7296 section 3, RFC 7383 for SKF, RFC 6311 section 6).
 *
 * No keys, no I/O, no policy. All views point into the octets that were read; nothing here allocates.
 * The reader is strict: every length is checked, trailing octets inside a payload that its format does not
 * allow are errors, and the error names payload, offset and field (as the RFC's figure does: "SPI Size").
 * Reserved bits and octets are ignored when read, as RFC 7296 2.5 asks, and written as zero. What was written
 * is read back equal, and what was read and is written again gives the same octets but for reserved ones.
 */
#ifndef WIRE_IKE_H
#define WIRE_IKE_H

#include "base/error.h"
#include "base/octets.h"
#include "base/writer.h"
#include "base/registry.h"

enum {
    IKE_HEADER_LEN = 28,
    IKE_SPI_LEN = 8,
    IKE_VERSION = 0x20,
    IKE_PAYLOAD_HEADER_LEN = 4,
    IKE_MAX_PAYLOADS = 48, /* of one message; longer chains are refused */
    IKE_MAX_PROPOSALS = 16,
    IKE_MAX_TRANSFORMS = 64, /* of one proposal; strongSwan's default offer has more than 40 */
    IKE_MAX_SELECTORS = 16,
    IKE_MAX_MESSAGE = 65535,
};

enum ike_flags { IKE_FLAG_INITIATOR = 0x08, IKE_FLAG_VERSION = 0x10, IKE_FLAG_RESPONSE = 0x20 };

struct ike_header {
    uint8_t spi_i[IKE_SPI_LEN];
    uint8_t spi_r[IKE_SPI_LEN];
    uint8_t next_payload;
    uint8_t version;
    uint8_t exchange;
    uint8_t flags;
    uint32_t message_id;
    uint32_t length;
};

static inline bool ike_is_response(const struct ike_header *h)
{
    return (h->flags & IKE_FLAG_RESPONSE) != 0;
}

/* --- payload bodies ------------------------------------------------------------------------------ */

struct wire_transform {
    uint8_t type; /* enum transform_type */
    uint16_t id;
    uint16_t key_bits; /* Key Length attribute, 0: none; WIRE_KEY_BITS_UNKNOWN: never to be chosen */
};

/* Stands for an attribute that the suite does not know (or a Key Length of 0): a transform with it is one
 * that nobody here can choose (RFC 7296 3.3.6), but its proposal is well-formed. */
enum { WIRE_KEY_BITS_UNKNOWN = 0xffff };

struct wire_proposal {
    uint8_t number;
    uint8_t protocol;
    uint8_t spi_len; /* 0, 4 or 8 */
    uint8_t spi[8];
    uint8_t n_transforms;
    struct wire_transform transforms[IKE_MAX_TRANSFORMS];
};

struct wire_notify {
    uint8_t protocol;
    uint16_t type;
    struct octets spi;
    struct octets data;
};

struct wire_delete {
    uint8_t protocol;
    uint8_t spi_len;
    uint16_t count;
    struct octets spis; /* count * spi_len octets */
};

/* One traffic selector. Address octets in network order, `family` 4 or 6. */
struct wire_selector {
    uint8_t family;
    uint8_t ip_protocol; /* 0: any */
    uint16_t port_first, port_last;
    uint8_t first[16], last[16];
};

struct wire_selectors {
    uint8_t count;
    struct wire_selector list[IKE_MAX_SELECTORS];
};

struct ike_payload {
    uint8_t type; /* enum payload_type, or a number the suite does not know */
    bool critical;
    size_t offset;       /* of the payload header, from the start of what was read */
    uint8_t inner_first; /* SK and SKF: the type of the first payload inside */
    struct octets body;  /* after the generic header */
    union {              /* by `type`; those not named here have their body only */
        struct {
            uint16_t method;
            struct octets data;
        } ke;
        struct octets nonce;
        struct {
            uint8_t id_type;
            struct octets data;
        } id; /* IDI, IDR */
        struct {
            uint8_t method;
            struct octets data;
        } auth;
        struct {
            uint8_t encoding;
            struct octets data;
        } cert; /* CERT, CERTREQ */
        struct wire_notify notify;
        struct wire_delete del;
        struct octets vendor;
        struct {
            uint8_t cfg_type;
            struct octets attributes;
        } cp;
        struct {
            uint16_t number, total;
            struct octets data;
        } skf;
    };
};

struct ike_payloads {
    size_t count;
    struct ike_payload list[IKE_MAX_PAYLOADS];
};

/* --- reading ------------------------------------------------------------------------------------- */

/* Checks the header alone: the length field must be what is there (`datagram` without the non-ESP marker).
 * The version is not judged. `out` is filled in whenever 28 octets are there, also when false is returned. */
bool ike_read_header(struct octets datagram, struct ike_header *out, struct error *err);

/* Is it of the IKE SA with these SPIs? */
bool ike_header_has_spis(const struct ike_header *h, const uint8_t *spi_i, const uint8_t *spi_r);

/* Walks a chain of payloads and decodes each. SK or SKF must be the last of its chain; what is
 * inside is read by a second call once it is decrypted. A payload of an unknown type is kept with its body.
 * SA, TSi, TSr, SK and EAP are kept with their body, too. After an error `out` holds those before it.
 */
bool ike_read_payloads(uint8_t first_type, struct octets chain, struct ike_payloads *out, struct error *err);

/* Decodes a payload of type SA: at most `max` proposals. */
bool ike_read_proposals(struct octets body, struct wire_proposal *out, size_t max, size_t *count,
                        struct error *err);
bool ike_read_selectors(struct octets body, struct wire_selectors *out, struct error *err);

/* The first payload of that type, the first notify of that type; NULL: none. */
const struct ike_payload *ike_find(const struct ike_payloads *in, uint8_t type);
const struct wire_notify *ike_find_notify(const struct ike_payloads *in, uint16_t type);

/* --- which payloads a message may carry (RFC 7296 appendix C, as a table) ------------------------ */

/* `inside_sk`: the chain was inside SK. Refuses a payload that must not appear there, a missing one, one too
 * often, and a critical payload of a type that the suite does not know. Notifies, V and unknown non-critical
 * payloads are free. A response that carries an error notify need not have the payloads of success. */
bool ike_check_legal(uint8_t exchange, bool response, bool inside_sk, const struct ike_payloads *payloads,
                     struct error *err);

/* --- writing ------------------------------------------------------------------------------------- */

/* Writes a chain of payloads; each payload's type is patched into the one before it, the first type is
 * `first` at the end. Begin and end may also be used by hand for a broken body: payload_begin returns the
 * offset of the payload's header in the writer. The writers police nothing; what cannot be encoded (an SPI of
 * 300 octets, a payload of 70000) sets the writer's `full`. */
struct payload_writer {
    struct writer *w;
    uint8_t first;   /* PAYLOAD_NONE while empty */
    size_t previous; /* offset of the last payload header */
    bool any;
};

struct payload_writer payloads_into(struct writer *w);
size_t payload_begin(struct payload_writer *p, uint8_t type, bool critical);
void payload_end(struct payload_writer *p, size_t begun);

/* As it was read, or filled in by hand: by its type's members, those without any by `body`. A Next Payload of
 * SK and SKF is `inner_first`. The others below are shorthands for this one. */
void write_payload(struct payload_writer *p, const struct ike_payload *payload);

void write_payload_raw(struct payload_writer *p, uint8_t type, bool critical, struct octets body);
void write_payload_sa(struct payload_writer *p, const struct wire_proposal *proposals, size_t count);
void write_payload_ke(struct payload_writer *p, uint16_t method, struct octets data);
void write_payload_nonce(struct payload_writer *p, struct octets nonce);
void write_payload_id(struct payload_writer *p, uint8_t payload_type, uint8_t id_type, struct octets data);
void write_payload_auth(struct payload_writer *p, uint8_t method, struct octets data);
void write_payload_cert(struct payload_writer *p, uint8_t payload_type, uint8_t encoding, struct octets data);
void write_payload_notify(struct payload_writer *p, const struct wire_notify *n);
void write_payload_delete(struct payload_writer *p, uint8_t protocol, uint8_t spi_len, uint16_t count,
                          struct octets spis);
void write_payload_selectors(struct payload_writer *p, uint8_t payload_type, const struct wire_selectors *s);

/* Writes 28 octets as they stand; the length is patched by ike_finish_message. */
void write_ike_header(struct writer *w, const struct ike_header *h);

/* Patches first payload type and total length into a header written at `start`. */
void ike_finish_message(struct writer *w, size_t start, uint8_t first_payload);

#endif
