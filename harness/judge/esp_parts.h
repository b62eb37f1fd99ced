/* ESP in the judge, from inside: what is kept of each SA of one direction. Private to harness/judge. */
#ifndef JUDGE_ESP_PARTS_H
#define JUDGE_ESP_PARTS_H

#include "esp/esp.h"
#include "judge/judge_parts.h"

enum {
    ESP_RECENT = 256, /* numbers, and IVs, that are remembered one by one; a power of two */
    ESP_RANGES = 16,  /* of IVs that are counted */
    ESP_MEMBERS = 4,
    ESP_STEPS = 4, /* that one SA may put on a ladder */
};

/* --- initialization vectors (esp_ivs.c) ---------------------------------------------------------------- */

struct iv_use {
    uint64_t iv; /* of more than 8 octets: a hash */
    uint64_t digest;
    struct judge_frame frame;
    unsigned member;
    bool used;
};

/* A counter uses IVs in a row: so all of them are known, however many. */
struct iv_range {
    uint64_t first, last;
    struct judge_frame frame; /* of the last */
    unsigned member;
};

struct esp_ivs {
    struct iv_use recent[ESP_RECENT];
    struct iv_range ranges[ESP_RANGES];
    unsigned n_ranges, newest;
};

/* Under which this IV was used before in another packet; false: under none that is remembered. `counts`: it
 * is a counter. `is_new`: the packet is surely no copy of an old one. */
bool esp_ivs_used(const struct esp_ivs *ivs, const struct iv_use *use, bool counts, bool is_new,
                  struct iv_use *before);
void esp_ivs_add(struct esp_ivs *ivs, const struct iv_use *use, bool counts);

/* --- an SA --------------------------------------------------------------------------------------------- */

struct esp_seen {
    uint64_t seq, digest;
    int64_t at_us;
    struct judge_frame frame;
    unsigned member;
};

/* Who sends on it: the members of a cluster have an address each, or take one over from each other. */
struct esp_member {
    struct endpoint at;
    uint64_t highest;
    struct judge_frame frame; /* of the highest */
};

/* What is hashed to find one of many with the same SPI. */
struct esp_place {
    uint64_t key;
    uint8_t from[16], to[16], family;
};

struct esp_unit {
    struct judge_esp *esp;
    struct ledger ledger;
    uint64_t key; /* SPI and side */
    UT_hash_handle hh;
    struct esp_unit *same_key; /* an older one, between the same ends or others */
    struct esp_place place;    /* where it was last, if there are several on its SPI and no other one was */
    bool is_placed;
    UT_hash_handle by_place;
    struct esp_unit *next_child; /* of the same IKE SA */
    struct ike_unit *unit;       /* the IKE SA that agreed on it, or one between the same ends; NULL: none */
    const struct esp_keys *keys; /* that opened the last packet; NULL: none did */
    bool has_keys;               /* there are some for this SPI */
    bool knows_esn;
    bool has_suite;
    struct cipher_suite suite;       /* as it was agreed, or of its keys */
    bool knows_mode, transport_mode; /* as it was agreed */
    bool has_selectors;
    struct wire_selectors ts_source, ts_destination;
    int64_t agreed_us;
    int64_t gone_us; /* when it was deleted; INT64_MAX: it was not */
    struct judge_frame gone;
    struct esp_seen *recent; /* by number; NULL until the first packet */
    struct esp_ivs *ivs;     /* NULL: nothing is known of its IVs */
    struct esp_member members[ESP_MEMBERS];
    unsigned n_members, current;
    unsigned takeovers; /* each makes what follows that of another member */
    bool takes_over;    /* the next packet from `heir` is the first of a member that takes over */
    struct endpoint heir;
    bool has_delta; /* RPL-1: what is sent behind the answer has this number or a higher one */
    uint64_t least;
    int64_t delta_us; /* when the answer was seen */
    uint64_t delta_turn;
    struct judge_frame delta_request, delta_answer;
    uint64_t jumped_turn; /* as of the time below */
    uint64_t jumped_from; /* the highest before a jump that is known: a delta, or a member that took over */
    int64_t jumped_us;    /* INT64_MIN: none is; INT64_MAX: what was before may come as late as it likes */
    struct judge_frame highest_frame;
    uint64_t judged; /* packets */
    unsigned n_steps;
    int64_t stride_us;          /* between points */
    struct judge_point pending; /* the last packet that is none yet; frame 0: none */
};

enum esp_copy {
    COPY_NONE,
    COPY_BY_CAPTURE, /* one packet, there twice */
    COPY_ON_PATH,    /* doubled on its way, or replayed */
};

/* Packets are no longer on their way than this, or behind each other. */
enum { ESP_ON_ITS_WAY_US = 200000 };

/* A packet that is being judged. */
struct esp_packet {
    const struct judge_packet *p;
    uint64_t seq;
    bool opened;
    uint8_t next_header; /* of what was opened */
    struct octets inner;
    uint64_t asked_turn; /* of what it answers, when that was seen first; 0: nobody knows */
};

struct esp_table {
    struct esp_unit *units; /* by key: the youngest of each */
    struct esp_unit *placed;
    struct judge_esp **last;
    struct keys_of_esp *key_index, *key_rows;
    size_t *key_chain;
    uint8_t room[ESP_MAX_PACKET];
};

/* esp_sas.c */
struct esp_table *esp_table_open(struct judge *j);
void esp_take(struct judge *j, const struct judge_packet *p);
void esp_finish(struct judge *j); /* before the IKE SAs are finished */
bool esp_is_known(const struct judge *j, uint32_t spi, enum judge_party from);

/* One that was agreed on just now, in an exchange that began then: whatever had its SPI before is another
 * one. NULL: memory is out, or there are too many. */
struct esp_unit *esp_agreed(struct ike_unit *u, uint32_t spi, enum judge_party from, int64_t asked_us);
void esp_deleted(struct esp_unit *e, const struct judge_packet *by);

/* esp_read.c */
size_t esp_keys_first(const struct judge *j, uint32_t spi); /* from 1; 0: none */
bool esp_index_keys(struct judge *j, struct esp_table *t);
void esp_forget_keys(struct esp_table *t);
bool esp_read(struct esp_unit *e, const struct judge_packet *p, uint32_t low, struct esp_packet *out);

/* esp_rules.c, esp_moves.c, esp_strangers.c, esp_echoes.c */
void esp_judge(struct esp_unit *e, const struct esp_packet *packet);
void esp_judge_deleted(struct esp_unit *e, const struct esp_packet *packet);
void esp_moves(struct esp_unit *e, const struct esp_packet *packet);
void esp_note_end(struct esp_unit *e); /* the last point */
void esp_note_takeover(struct ike_unit *u, enum judge_party party, const struct endpoint *heir);
void esp_note_delta(struct ike_unit *u, enum judge_party party, const struct seen_sync *s,
                    const struct judge_packet *answer);
void strangers_judge(struct judge *j);

/* Returns `asked_turn`. */
uint64_t echoes_take(struct esp_unit *e, const struct esp_packet *packet, enum esp_copy copy);
void echoes_conclude(struct ike_unit *u);

#endif
