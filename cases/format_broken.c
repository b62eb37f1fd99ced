/* FMT: sync requests that are malformed, forged, or not quite sync requests. */
#include "cases/story.h"
#include "cases/unmoved.h"
#include "stage/takeover.h"

/* After a failed check the session may be beyond use. */
static void begin_anew(struct stage *stage)
{
    end_session(stage);
    establish(stage);
    use_up_id_zero(stage);
}

/* --- FMT-7 --------------------------------------------------------------------------------------- */

static const uint8_t vendor_name[] = "understudy", unknown_spi[] = {0xde, 0xad, 0xbe, 0xef},
                     cfg_request[] = {1, 0, 0, 0};

static void add_vendor(struct payload_writer *p, const struct message_id_sync *numbers)
{
    (void)numbers;
    write_payload_raw(p, PAYLOAD_VENDOR, false, octets_of(vendor_name, sizeof vendor_name - 1));
}

static void add_second_sync(struct payload_writer *p, const struct message_id_sync *numbers)
{
    struct message_id_sync second = *numbers;
    second.expected_send += 7;
    write_message_id_sync(p, &second);
}

static void add_delete(struct payload_writer *p, const struct message_id_sync *numbers)
{
    (void)numbers;
    write_payload_delete(p, PROTOCOL_ESP, sizeof unknown_spi, 1, octets_of(unknown_spi, sizeof unknown_spi));
}

static void add_configuration(struct payload_writer *p, const struct message_id_sync *numbers)
{
    (void)numbers;
    write_payload_raw(p, PAYLOAD_CP, false, octets_of(cfg_request, sizeof cfg_request));
}

static void add_status(struct payload_writer *p, const struct message_id_sync *numbers)
{
    (void)numbers;
    write_payload_notify(p, &(struct wire_notify){.type = 48879});
}

static void add_two_deltas(struct payload_writer *p, const struct message_id_sync *numbers)
{
    (void)numbers;
    write_replay_counter_sync(p, false, 1);
    write_replay_counter_sync(p, false, 1);
}

static const struct {
    const char *what;
    void (*add)(struct payload_writer *p, const struct message_id_sync *numbers);
    bool before;
} companies[] = {
    {"a Vendor ID behind it", add_vendor, false},
    {"a Vendor ID before it", add_vendor, true},
    {"a second sync notify", add_second_sync, false},
    {"a Delete of a Child SA that does not exist", add_delete, false},
    {"a Configuration request", add_configuration, false},
    {"a status notify that nobody knows", add_status, false},
    {"two replay counter syncs", add_two_deltas, false},
};

static struct sync_request send_in_company(struct stage *stage, size_t i)
{
    uint8_t room[256];
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    struct message_id_sync numbers = far_ahead(stage);
    if (companies[i].before)
        companies[i].add(&p, &numbers);
    write_message_id_sync(&p, &numbers);
    if (!companies[i].before)
        companies[i].add(&p, &numbers);
    return send_chain(stage, 0, p.first, writer_octets(&w), numbers);
}

CASE(fmt_extra_payload_is_no_sync, .id = "fmt.extra-payload-is-no-sync", .version = 2,
     .title = "A sync request with a further payload moves no counter",
     .story = "The standby takes over. Its sync request has a payload beside the notify that does not belong "
              "there: one after the other of several kinds. Each request is sent twice.",
     .sent = "INFORMATIONAL requests with Message ID 0: N(IKEV2_MESSAGE_ID_SYNC), numbers far ahead, and a "
             "payload that is not allowed; then the same octets.",
     .expected = "No sync answer, and the counters stay where they are: the member's next request is "
                 "answered, the peer's own next one has its ordinary ID.",
     .why = "A peer that takes the sync out of a message that must not exist will take it out of others.",
     .requires = {"FMT-7", "FMT-11"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(REQUESTS_SEEN))
{
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    use_up_id_zero(stage);
    for (size_t i = 0; i < sizeof companies / sizeof *companies; i++) {
        struct sync_request sent = send_in_company(stage, i);
        if (!judge_not_followed_twice(stage, "FMT-7", &sent, companies[i].what))
            begin_anew(stage);
    }
    judge_peer_counts_on(stage, "FMT-7");
}

/* --- FMT-8 --------------------------------------------------------------------------------------- */

/* The notify payload octet by octet: its length field, SPI Size and what is there need not agree. */
struct malformed {
    const char *what;
    uint16_t says;        /* Payload Length; 0 as well */
    uint8_t next;         /* Next Payload of the notify itself */
    uint8_t spi_size;     /* as it says */
    unsigned char is_spi; /* octets of SPI that are there */
    unsigned char is_data;
    unsigned char cut; /* octets missing at the end */
};

static const struct malformed malformed[] = {
    {"8 octets of data", 16, 0, 0, 0, 8, 0},
    {"11 octets of data", 19, 0, 0, 0, 11, 0},
    {"13 octets of data", 21, 0, 0, 0, 13, 0},
    {"16 octets of data", 24, 0, 0, 0, 16, 0},
    {"no data", 8, 0, 0, 0, 0, 0},
    {"an SPI of 4 octets", 24, 0, 4, 4, 12, 0},
    {"an SPI of 8 octets and 4 of data", 20, 0, 8, 8, 4, 0},
    {"an SPI Size beyond the payload", 20, 0, 200, 0, 12, 0},
    {"a Payload Length beyond the message", 40, 0, 0, 0, 12, 0},
    {"a Payload Length of 65535", 65535, 0, 0, 0, 12, 0},
    {"a Payload Length of 3", 3, 0, 0, 0, 12, 0},
    {"a Payload Length of 0", 0, 0, 0, 0, 12, 0},
    {"its last octet cut off", 20, 0, 0, 0, 12, 1},
    {"all but the payload header cut off", 20, 0, 0, 0, 12, 16},
    {"half of the payload header cut off", 20, 0, 0, 0, 12, 18},
    {"a Next Payload behind it that is not there", 20, PAYLOAD_NOTIFY, 0, 0, 12, 0},
};

static struct sync_request send_malformed(struct stage *stage, const struct malformed *m)
{
    static const uint8_t spi[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t room[64], data[20] = {0};
    struct message_id_sync numbers = far_ahead(stage);
    struct writer d = writer_into(data, sizeof data), w = writer_into(room, sizeof room);
    write_bytes(&d, octets_of(numbers.nonce, sizeof numbers.nonce));
    write_u32(&d, numbers.expected_send);
    write_u32(&d, numbers.expected_recv);
    write_u8(&w, m->next);
    write_u8(&w, 0);
    write_u16(&w, m->says);
    write_u8(&w, PROTOCOL_NONE);
    write_u8(&w, m->spi_size);
    write_u16(&w, NOTIFY_IKEV2_MESSAGE_ID_SYNC);
    write_bytes(&w, octets_of(spi, m->is_spi));
    write_bytes(&w, octets_of(data, m->is_data));
    struct octets chain = writer_octets(&w);
    return send_broken_chain(stage, PAYLOAD_NOTIFY, octets_of(chain.at, chain.len - m->cut), numbers);
}

/* RFC 7296 3.10 has the Protocol ID ignored where there is no SPI: both ways are right. The numbers change
 * nothing, whoever follows them. */
static void observe_protocol(struct stage *stage)
{
    struct ids seen = ids_seen(stage);
    struct message_id_sync numbers = sync_of(stage, seen.cluster_next, seen.peer_next);
    uint8_t data[MESSAGE_ID_SYNC_DATA_LEN], room[64];
    struct writer d = writer_into(data, sizeof data), w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    write_bytes(&d, octets_of(numbers.nonce, sizeof numbers.nonce));
    write_u32(&d, numbers.expected_send);
    write_u32(&d, numbers.expected_recv);
    write_payload_notify(&p, &(struct wire_notify){.protocol = PROTOCOL_IKE,
                                                   .type = NOTIFY_IKEV2_MESSAGE_ID_SYNC,
                                                   .data = writer_octets(&d)});
    struct sync_request sent = send_broken_chain(stage, p.first, writer_octets(&w), numbers);
    judge_member_is_heard(stage, "FMT-8");
    unsigned answer = sync_answer_to(stage, &sent);
    observe(stage, "FMT-8", PACKETS(sent.packet, answer), "with Protocol ID 1 it may be a sync or none",
            answer ? "it is answered as a sync" : "no sync answer");
}

CASE(fmt_malformed_notify, .id = "fmt.malformed-notify", .version = 2,
     .title = "A malformed sync notify moves no counter and does no harm",
     .story = "The sync request of the new member is damaged by a mistake of its own: data too short or too "
              "long, an SPI, length fields that lie, a payload cut off. It is sealed rightly. Each one is "
              "sent twice.",
     .sent = "INFORMATIONAL requests with Message ID 0, authentic, whose notify is malformed, M1 and P1 far "
             "ahead; then the same octets.",
     .expected = "No sync answer. The member's next request is answered, the peer's own next one has its "
                 "ordinary ID, and nothing crashes. Or the peer answers INVALID_SYNTAX, which closes the IKE "
                 "SA at both ends.",
     .why = "Message ID 0 is outside all windows, so a broken message is not the request that the IKE SA "
            "waits for: it must not cost the session.",
     .requires = {"FMT-8", "FMT-11"}, .needs = NEED_MESSAGE_ID_SYNC)
{
    establish(stage);
    use_up_id_zero(stage);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct sync_request sent = send_malformed(stage, &malformed[i]);
        if (!judge_not_followed_twice(stage, "FMT-8", &sent, malformed[i].what))
            begin_anew(stage);
    }
    judge_peer_counts_on(stage, "FMT-8");
    observe_protocol(stage);
}

/* --- FMT-9 --------------------------------------------------------------------------------------- */

static void judge_forgery(struct stage *stage, enum forgery how)
{
    struct sync_request sent = send_forged_sync(stage, how, far_ahead(stage));
    struct silence s = listen_for(stage, &sent);
    unsigned response = response_to(stage, &sent);
    check(stage, "FMT-9", !response, PACKETS(sent.packet, response),
          say(stage, "%s: no answer at all", forgery_text(how)),
          response ? say(stage, "packet %u answers it", response) : "none came");
    check(stage, "FMT-9", s.fence.answered,
          PACKETS(sent.packet, s.fence.request_packet, s.fence.answer_packet),
          say(stage, "%s: the member's next request, ID %u, is answered", forgery_text(how),
              s.fence.message_id),
          s.fence.answered ? "it was" : "it was not");
    if (response || !s.fence.answered)
        begin_anew(stage);
}

CASE(fmt_forged_sync, .id = "fmt.forged-sync", .version = 1,
     .title = "A sync request that is not authentic has no effect and gets no answer",
     .story = "Somebody on the path sends sync requests of his own making: with a wrong bit, under keys of "
              "an earlier IKE SA, under the keys of the other direction, and without any protection.",
     .sent = "INFORMATIONAL requests with Message ID 0 and the SPIs of the IKE SA, M1 and P1 far ahead, that "
             "its keys do not open.",
     .expected = "No answer to any. The member's next request is answered, the peer's own next one has its "
                 "ordinary ID.",
     .why = "Whoever can move the counters without the keys can end any IKE SA.", .requires = {"FMT-9"},
     .axes = ON(NAT) | ON(ALGORITHMS))
{
    establish(stage);
    end_session(stage);
    establish(stage);
    use_up_id_zero(stage);
    for (unsigned how = 0; how < FORGERIES; how++)
        judge_forgery(stage, (enum forgery)how);
    judge_peer_counts_on(stage, "FMT-9");
}

/* --- FMT-10 -------------------------------------------------------------------------------------- */

/* What came to a request, and whether the counters are where they were. */
static void observe_what_came(struct stage *stage, const struct sync_request *sent, bool answered,
                              unsigned answer, const char *what)
{
    struct asked fence = ask(stage);
    unsigned sync = sync_answer_to(stage, sent);
    wait_out_grace(stage);
    observe(stage, "FMT-10", PACKETS(sent->packet, answer, fence.request_packet), what,
            say(stage, "%s; the member's next request, ID %u, is %s",
                sync       ? "a sync answer"
                : answered ? "an answer without a sync notify"
                           : "no answer",
                fence.message_id, fence.answered ? "answered" : "not answered any more"));
    bool right = judge_answer_ids(stage, sent, what);
    /* Where the counters did move, nothing can be said of a copy. */
    if (!right || !fence.answered || !judge_copy_not_followed(stage, sent, what))
        begin_anew(stage);
}

static void play_message_zero(struct stage *stage, const char *what, uint8_t first, struct octets chain)
{
    struct sync_request sent = send_chain(stage, 0, first, chain, far_ahead(stage));
    await_any_response(stage, &sent);
    unsigned response = response_to(stage, &sent);
    observe_what_came(stage, &sent, response != 0, response, what);
}

CASE(fmt_almost_a_sync, .id = "fmt.almost-a-sync", .version = 1,
     .title = "Messages that are almost a sync request",
     .story = "A sync notify travels in an ordinary INFORMATIONAL request; Message ID 0 comes without a sync "
              "notify; the replay counters come alone. Each one is sent twice.",
     .sent = "The sync notify under the member's next ID; an empty INFORMATIONAL with Message ID 0; one with "
             "N(IPSEC_REPLAY_COUNTER_SYNC) alone.",
     .expected = "Recorded: the answers and whether a counter moves. An answer has the Message ID of its "
                 "request, and a copy moves nothing.",
     .why = "RFC 6311 does not say what these mean. A cluster must not rely on any meaning.",
     .requires = {"FMT-10", "FMT-11"}, .needs = NEED_MESSAGE_ID_SYNC, .axes = ON(REQUESTS_SEEN))
{
    uint8_t room[64];
    establish(stage);
    exchange_requests(stage, axis_requests(stage));
    use_up_id_zero(stage);
    struct writer w = writer_into(room, sizeof room);
    struct payload_writer p = payloads_into(&w);
    struct message_id_sync numbers = far_ahead(stage);
    write_message_id_sync(&p, &numbers);
    struct sync_request ordinary = {0};
    struct asked a = ask_with_chain(stage, p.first, writer_octets(&w), &ordinary);
    ordinary.sync = numbers;
    observe_what_came(stage, &ordinary, a.answered, a.answer_packet, "a sync notify under an ordinary ID");
    play_message_zero(stage, "Message ID 0 without a sync notify", PAYLOAD_NONE, octets_of(NULL, 0));
    w = writer_into(room, sizeof room);
    p = payloads_into(&w);
    write_replay_counter_sync(&p, false, 1);
    play_message_zero(stage, "replay counter sync alone", p.first, writer_octets(&w));
    judge_peer_counts_on(stage, "FMT-11");
}
