/* IKE-20, IKE-21: ESP that no correct member sends, and what ESP carries. */
#include "cases/story.h"
#include "stage/bad_esp.h"
#include "stage/standby.h"

struct bad_packet {
    enum esp_flaw flaw;
    struct probed sent, fence;
};

static void judge_bad(struct stage *stage, const struct bad_packet *b)
{
    struct esp_silence s = silence_so_far(stage, &b->sent, b->sent.packet, &b->fence);
    const char *what = esp_flaw_text(b->flaw);
    if (!esp_flaw_is_bearable(b->flaw)) {
        judge_no_echo(stage, "IKE-20", &b->sent, b->sent.packet, &s, say(stage, "no answer to ESP %s", what));
        return;
    }
    /* RFC 4303 leaves it open: what the peer does with it is recorded, and has to do no harm. */
    check(stage, "IKE-20", s.fence.answered, PACKETS(b->sent.packet, s.fence.packet, s.fence.answer_packet),
          say(stage, "the next packet behind one %s is answered", what), s.fence.text);
    observe(stage, "IKE-20", PACKETS(b->sent.packet, s.answer_packet), say(stage, "ESP %s", what),
            s.silent ? "it is not answered" : "it is answered");
}

CASE(base_malformed_esp, .id = "base.malformed-esp", .version = 1,
     .title = "ESP that is broken is dropped, and the next packet gets through",
     .story =
         "Packets on the way to the peer are cut short, altered, made up, or are sealed rightly around what "
         "is no whole IP packet. Each holds an echo request, as far as there is room. Behind each one goes a "
         "good packet.",
     .sent =
         "ESP that is too short, too long, with a wrong ICV, number or SPI; with a Pad Length, a Next Header "
         "or an inner packet that is wrong; a fragment alone; and good echo requests in between.",
     .expected = "None is answered, and each good one is. Padding that is not 1, 2, 3 and the Next Header of "
                 "the other version of IP may be taken, which is recorded.",
     .why =
         "ESP comes from anywhere. A packet that was not proven authentic must not move the replay window, "
         "and none may stop the data path: a failover has no other one.",
     .requires = {"IKE-20"}, .needs = NEED_ESP, .axes = ON(ESN) | ON(ALGORITHMS), .not_axes = ON(NAT))
{
    bool transport = axis_of(stage, AXIS_MODE) == MODE_TRANSPORT;
    struct bad_packet list[ESP_FLAWS];
    unsigned n = 0;
    establish(stage);
    probe(stage);
    for (unsigned i = 0; i < ESP_FLAWS && (n == 0 || list[n - 1].fence.answered); i++) {
        struct bad_packet b = {.flaw = (enum esp_flaw)i};
        if (!esp_flaw_is_of_mode(b.flaw, transport))
            continue;
        b.sent = send_bad_esp(stage, b.flaw);
        b.fence = try_probe(stage, (struct probe_with){.spi = b.sent.spi});
        list[n++] = b;
    }
    wait_out_echoes(stage); /* for a peer that works in threads */
    for (unsigned i = 0; i < n; i++)
        judge_bad(stage, &list[i]);
}

/* --- modes --------------------------------------------------------------------------------------- */

static void judge_way(struct stage *stage, uint32_t spi, const char *when)
{
    struct probed p = try_probe(stage, (struct probe_with){.spi = spi});
    check(stage, "IKE-21", p.answered, PACKETS(p.packet, p.answer_packet),
          say(stage, "an echo request is answered %s", when), p.text);
}

CASE(base_esp_modes, .id = "base.esp-modes", .version = 1,
     .title = "Traffic goes in the mode that was agreed on, before and after a failover",
     .story =
         "Child SAs in tunnel mode, with IPv4 or IPv6 inside, or in transport mode between the two ends. "
         "Echo requests go through them before and after a failover, and after each side has rekeyed.",
     .sent = "Echo requests; a UDP datagram to the echo port, whose answer is recorded only.",
     .expected = "Each echo request is answered over a Child SA of the same mode.",
     .why = "The mode is part of the context that a standby is built from. A member that does not know it "
            "seals packets that the peer drops.",
     .requires = {"IKE-21"}, .needs = NEED_ESP, .axes = ON(MODE) | ON(FAMILY) | ON(ALGORITHMS) | ON(ESN),
     .not_axes = ON(NAT))
{
    uint32_t successor;
    struct child_sa newest;
    const char *why = NULL;
    establish(stage);
    struct probed before = probe(stage);
    struct probed udp = try_probe(stage, (struct probe_with){.udp = true});
    observe(stage, "IKE-21", PACKETS(udp.packet, udp.answer_packet), "a UDP datagram to the echo port",
            udp.text);
    fail_over(stage);
    judge_way(stage, before.spi, "after the failover");
    if (!rekey_child_sa(stage, before.spi, &successor, &why))
        inconclusive(stage, "the rekey of Child SA %08x by the cluster: %s", before.spi, why);
    judge_way(stage, successor, "after the cluster has rekeyed the Child SA");
    struct act rekeyed = peer_does(stage, "rekey-child");
    if (rekeyed.done && child_sas(stage, &newest, 1) > 0)
        judge_way(stage, newest.spi, "after the peer has rekeyed the Child SA");
    else
        not_judged(stage, "IKE-21",
                   rekeyed.possible ? "a rekey by the peer: told to, it did not complete one"
                                    : "a rekey by the peer: its driver has no trigger for it");
}
