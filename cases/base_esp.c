/* IKE-20: ESP that no correct member sends. */
#include "cases/story.h"
#include "stage/bad_esp.h"

/* RFC 4303 leaves it open: what the peer does with it is recorded, and has to do no harm. */
static void judge_bearable(struct stage *stage, enum esp_flaw flaw)
{
    struct probed sent = send_bad_esp(stage, flaw);
    struct esp_silence s = listen_for_echo(stage, &sent, sent.packet);
    check(stage, "IKE-20", s.fence.answered, PACKETS(sent.packet, s.fence.packet, s.fence.answer_packet),
          say(stage, "the next packet behind one %s is answered", esp_flaw_text(flaw)), s.fence.text);
    observe(stage, "IKE-20", PACKETS(sent.packet, s.answer_packet), say(stage, "ESP %s", esp_flaw_text(flaw)),
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
    establish(stage);
    probe(stage);
    for (unsigned i = 0; i < ESP_FLAWS; i++) {
        enum esp_flaw flaw = (enum esp_flaw)i;
        if (esp_flaw_is_bearable(flaw)) {
            judge_bearable(stage, flaw);
            continue;
        }
        struct probed sent = send_bad_esp(stage, flaw);
        check_no_echo(stage, "IKE-20", &sent, sent.packet,
                      say(stage, "no answer to ESP %s", esp_flaw_text(flaw)));
    }
}
