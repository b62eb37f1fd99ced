/* The judge of captures: finds IKE SAs in a stream of datagrams, opens them with the keys that are given,
 * follows failovers, and holds every rule that a passive observer can judge against both sides.
 *
 * Memory is bounded for each IKE SA: what is older than its last JUDGE_MEMORY messages is forgotten. A rule
 * is only called broken by what the capture shows; what it cannot show is said to be not judged. */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "capture/capture.h"
#include "evidence/key_tables.h"
#include "suite/requirement.h"

enum {
    JUDGE_MEMORY = 256,         /* messages of an IKE SA with keys */
    JUDGE_MEMORY_IN_CLEAR = 16, /* of one without */
    JUDGE_MAX_SAS = 16384,      /* without keys; further ones are counted only */
    JUDGE_MAX_CLUSTER = 16,
    JUDGE_MAX_STEPS = 128,  /* of a ladder */
    JUDGE_MAX_ESP = 16384,  /* ESP SAs of one direction; further ones are counted only */
    JUDGE_MAX_POINTS = 128, /* of the numbers of an ESP SA over time; a power of two */
    JUDGE_MAX_FRAMES = 3,
    JUDGE_MAX_MEMBERS = 8, /* addresses of one side that are told apart */
};

/* With the cluster's addresses given, A is the cluster and B its peer. Without, A is who began the first IKE
 * SA that was seen of an address. */
enum judge_party { PARTY_A, PARTY_B, PARTY_COUNT };

struct judge_frame {
    unsigned file, number; /* as Wireshark counts */
};

struct judge_finding {
    const struct requirement *requirement;
    enum judge_party party; /* that broke it */
    char *expected, *seen;
    struct judge_frame frames[JUDGE_MAX_FRAMES];
    unsigned n_frames;
    struct judge_finding *next;
};

enum judge_step_kind {
    STEP_SYNC_REQUEST,
    STEP_SYNC_ANSWER,
    STEP_MOVED,  /* its address changed */
    STEP_JUMPED, /* its Message IDs did */
    STEP_ESP_MOVED,
    STEP_ESP_JUMPED, /* the numbers of an ESP SA did */
    STEP_ID_ZERO,    /* without keys: an INFORMATIONAL with Message ID 0, which may be a sync */
    STEP_MESSAGE,    /* another one, where the IKE SA begins, behind a sync or a move, or of a finding */
};

/* What one side sends next and expects next, as far as its own messages have shown; -1: they have not. */
struct judge_counters {
    int64_t sends, expects;
};

struct judge_step {
    enum judge_step_kind kind;
    enum judge_party from;
    struct judge_frame frame;
    int64_t at_us;
    bool repeated;   /* the same octets were there before */
    unsigned member; /* at which address A was, from 1: in judge_sa.members; 0: beyond those */
    struct judge_counters counters[PARTY_COUNT]; /* when it was said */
    char text[120];
    char *message; /* in words (wire/describe.h); NULL: it is none */
};

enum judge_keys {
    JUDGE_KEYS_NONE,
    JUDGE_KEYS_OPEN,    /* messages were opened */
    JUDGE_KEYS_WRONG,   /* not one was: the keys are not of this IKE SA, or wrong */
    JUDGE_KEYS_ONE_WAY, /* those of one side only */
    JUDGE_KEYS_UNUSED,  /* nothing was protected */
};

/* One IKE SA as it was seen. */
struct judge_sa {
    uint8_t spi_i[8], spi_r[8];
    struct endpoint ends[PARTY_COUNT];          /* where they were last */
    struct endpoint members[JUDGE_MAX_MEMBERS]; /* addresses of A, as they came */
    unsigned n_members;
    struct judge_frame first;
    int64_t first_us, last_us;
    enum judge_keys keys;
    bool begins_late; /* its beginning is not in the capture */
    bool has_cut;     /* messages that the capture kept in part */
    bool disordered;  /* its messages are out of order beyond repair */
    unsigned packets[PARTY_COUNT], opened[PARTY_COUNT], sealed[PARTY_COUNT]; /* sealed: could not be opened */
    unsigned duplicates;                                                     /* that the capture made */
    unsigned syncs, failovers;
    struct judge_finding *findings;
    struct judge_step *steps;
    unsigned n_steps, steps_left_out;
    struct judge_sa *next;
};

/* Where the numbers of an ESP SA were at a time: first, last, and between them what a picture needs. */
struct judge_point {
    int64_t at_us;
    uint64_t seq;
    struct judge_frame frame;
    bool marked;     /* they jumped, fell, or come from another address */
    unsigned member; /* as of judge_step; 0: nobody knows */
};

/* One ESP SA, of one direction. */
struct judge_esp {
    uint32_t spi;
    enum judge_party from;
    struct endpoint source, destination; /* where it was last; of raw ESP without ports */
    const struct judge_sa
        *sa;     /* the IKE SA that agreed on it, or one between the same addresses; NULL: none */
    bool agreed; /* by an exchange that was opened */
    bool deleted, esn, disordered;
    enum judge_keys keys;     /* NONE: judged by its headers, which are in clear */
    struct judge_frame first; /* number 0: no packet was seen */
    int64_t first_us, last_us;
    uint64_t packets, opened, sealed, cut, copies, late; /* late: of a member that another one had followed */
    uint64_t lowest, highest;
    unsigned jumps, moves;
    struct judge_finding *findings;
    struct judge_point *points;
    unsigned n_points;
    struct judge_esp *next;
};

struct judge_tally {
    unsigned held, broken; /* IKE SAs, and ESP SAs, in which it was judged so */
};

struct judge_result {
    struct judge_sa *sas; /* in the order of their first packet */
    size_t n_sas;
    size_t sas_left_out;   /* beyond JUDGE_MAX_SAS */
    struct judge_esp *esp; /* in the order of their first packet, or of their agreement */
    size_t n_esp;
    uint64_t esp_left_out;                    /* packets of SAs beyond JUDGE_MAX_ESP */
    uint64_t of_others;                       /* datagrams between two that are not the cluster */
    uint64_t unreadable;                      /* on a port of IKE, and no IKE message of a known IKE SA */
    bool cluster_is_known;                    /* then A is the cluster */
    bool memory_out;                          /* the result is not whole */
    struct judge_tally *tallies[PARTY_COUNT]; /* in the order of the catalogue */
};

struct judge_options {
    const struct key_tables *keys;
    const struct endpoint *cluster; /* addresses; ports do not count */
    size_t n_cluster;
    const uint16_t *ports; /* beside 500 and 4500 */
    size_t n_ports;
    bool lossy; /* packets may have been lost before the capture saw them */
};

struct judge;

struct judge *judge_open(const struct judge_options *options); /* NULL: memory is out. Options live on */
void judge_take(struct judge *j, const struct captured *c);

/* Nothing more is taken after this. The result lives until judge_close. */
const struct judge_result *judge_finish(struct judge *j);
void judge_close(struct judge *j);

/* "cluster", "peer", "side A", "side B" */
const char *judge_party_name(const struct judge_result *r, enum judge_party party);

/* Of an address or a number, not of a message between the two. */
bool judge_step_is_remark(enum judge_step_kind kind);
const char *judge_keys_text(enum judge_keys keys);

/* Was anything judged of this party? */
bool judge_has_verdict(const struct judge_result *r);

#endif
