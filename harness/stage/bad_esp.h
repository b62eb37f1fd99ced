/* ESP packets that no correct member sends: cut short, altered, or sealed rightly around what is no whole IP
 * packet. Each one has an echo request in it, as far as there is room for one, so that an answer tells on a
 * peer that took it. Calls of a case with NEED_ESP (stage/traffic.h).
 */
#ifndef STAGE_BAD_ESP_H
#define STAGE_BAD_ESP_H

#include "stage/traffic.h"

enum esp_flaw {
    /* what the peer cannot open */
    ESP_HEADER_CUT,   /* 7 octets: no whole header */
    ESP_BARE_HEADER,  /* a header, and nothing behind it */
    ESP_CUT_BY_ONE,   /* the last octet is missing */
    ESP_CUT_IN_TWO,   /* the second half is missing */
    ESP_WRONG_ICV,    /* the last bit of the ICV is another one */
    ESP_WRONG_TEXT,   /* one bit of the ciphertext is */
    ESP_WRONG_NUMBER, /* a far higher sequence number than it was sealed under */
    ESP_WRONG_SPI,    /* an SPI that no Child SA has */
    ESP_OVERSIZED,    /* thousands of octets of noise behind a right header */
    /* what opens, and is no whole IP packet */
    ESP_PAD_TOO_LONG,      /* a Pad Length beyond the beginning */
    ESP_NEXT_HEADER_OTHER, /* a Next Header that is for experiments (253) */
    ESP_NEXT_HEADER_DUMMY, /* of a dummy packet (59) */
    ESP_INNER_EMPTY,       /* nothing inside */
    ESP_INNER_CUT,         /* shorter than its IP header says */
    ESP_INNER_NOISE,
    ESP_FIRST_FRAGMENT, /* the other one never comes */
    ESP_LAST_FRAGMENT,
    /* what a peer may take */
    ESP_BAD_PADDING,        /* not 1, 2, 3: a receiver SHOULD look (RFC 4303 2.4) */
    ESP_NEXT_HEADER_FAMILY, /* that of the other version of IP */
};
enum { ESP_FLAWS = ESP_NEXT_HEADER_FAMILY + 1 };

const char *esp_flaw_text(enum esp_flaw flaw); /* "with a wrong ICV" */

/* May a peer answer it? */
bool esp_flaw_is_bearable(enum esp_flaw flaw);

/* In transport mode ESP carries no fragments (RFC 4301 4.1). */
bool esp_flaw_is_of_mode(enum esp_flaw flaw, bool transport_mode);

/* Sent once, on the oldest Child SA, under the member's next number; for check_no_echo and listen_for_echo.
 */
struct probed send_bad_esp(struct stage *stage, enum esp_flaw flaw);

#endif
