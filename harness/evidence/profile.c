#include "evidence/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What RFC 6311 put into Wireshark's ISAKMP. The delta of a replay counter sync has no number of its own
 * there, so it is shown as octets. */
#define ID_SYNC      "isakmp.notify.data.ha.expected_send_req_message_id"
#define REPLAY_SYNC  "isakmp.notify.data.ha.incoming_ipsec_sa_delta_value"
#define ANNOUNCED    "isakmp.notify.msgtype == 16420 || isakmp.notify.msgtype == 16421"
#define ESP_STEP     "esp.sequence-analysis.wrong-sequence-number"
#define ICV_WRONG    "_ws.expert.message contains \"Integrity Checksum Data is incorrect\" || esp.icv_bad == 1"
#define ERROR_NOTIFY "isakmp.notify.msgtype < 16384"

/* The addresses are the outer ones, of the members and the peer; those inside of ESP would stand in their
 * place with "%s" and "%d". */
static const char preferences[] =
    "# Made by understudy. ESP is opened with the table esp_sa, and its sequence numbers are followed.\n"
    "esp.enable_encryption_decode: TRUE\n"
    "esp.do_esp_sequence_analysis: TRUE\n"
    "nameres.network_name: FALSE\n"
    "gui.column.format: \n"
    "\t\"No.\", \"%m\",\n"
    "\t\"Time\", \"%t\",\n"
    "\t\"Source\", \"%Cus:ip.src or ipv6.src:1:R\",\n"
    "\t\"Destination\", \"%Cus:ip.dst or ipv6.dst:1:R\",\n"
    "\t\"Exchange\", \"%Cus:isakmp.exchangetype:0:R\",\n"
    "\t\"Response\", \"%Cus:isakmp.flag_r:0:R\",\n"
    "\t\"Message ID\", \"%Cus:isakmp.messageid:0:R\",\n"
    "\t\"Notifies\", \"%Cus:isakmp.notify.msgtype:0:R\",\n"
    "\t\"Sync: sends\", \"%Cus:isakmp.notify.data.ha.expected_send_req_message_id:0:R\",\n"
    "\t\"Sync: expects\", \"%Cus:isakmp.notify.data.ha.expected_recv_req_message_id:0:R\",\n"
    "\t\"Delta\", \"%Cus:isakmp.notify.data.ha.incoming_ipsec_sa_delta_value:0:R\",\n"
    "\t\"ESP SPI\", \"%Cus:esp.spi:0:U\",\n"
    "\t\"ESP number\", \"%Cus:esp.sequence:0:R\",\n"
    "\t\"Protocol\", \"%p\",\n"
    "\t\"Info\", \"%i\"\n";

/* Wireshark would make columns as wide as their titles, and cut off the end of a Message ID. */
const char wireshark_profile_widths[] =
    "# Made by understudy: the columns in pixels.\n"
    "column.width: \n"
    "\t%m, 55,\n"
    "\t%t, 85,\n"
    "\t\"%Cus:ip.src or ipv6.src\", 110,\n"
    "\t\"%Cus:ip.dst or ipv6.dst\", 110,\n"
    "\t\"%Cus:isakmp.exchangetype\", 140,\n"
    "\t\"%Cus:isakmp.flag_r\", 80,\n"
    "\t\"%Cus:isakmp.messageid\", 100,\n"
    "\t\"%Cus:isakmp.notify.msgtype\", 190,\n"
    "\t\"%Cus:isakmp.notify.data.ha.expected_send_req_message_id\", 95,\n"
    "\t\"%Cus:isakmp.notify.data.ha.expected_recv_req_message_id\", 105,\n"
    "\t\"%Cus:isakmp.notify.data.ha.incoming_ipsec_sa_delta_value\", 135,\n"
    "\t\"%Cus:esp.spi\", 100,\n"
    "\t\"%Cus:esp.sequence\", 100,\n"
    "\t%p, 80,\n"
    "\t%i, 330\n";

/* The first rule that matches gives the colours: background, then text. */
static const char colours[] =
    "# Made by understudy.\n"
    "@ICV wrong@" ICV_WRONG "@[42148,0,0][65535,64764,40092]\n"
    "@Message ID sync, request@" ID_SYNC " && isakmp.flag_r == 0@[58596,51400,62965][17733,7710,28784]\n"
    "@Message ID sync, answer@" ID_SYNC " && isakmp.flag_r == 1@[63736,59881,65535][17733,7710,28784]\n"
    "@Replay counter sync@" REPLAY_SYNC "@[52428,61166,59110][0,21845,20560]\n"
    "@Error notify@" ERROR_NOTIFY "@[65535,55769,53713][42148,0,0]\n"
    "@Sync announced@" ANNOUNCED "@[65535,62708,49087][26214,17476,0]\n"
    "@ESP: the number does not go on by one@" ESP_STEP "@[65535,60138,42662][26214,17476,0]\n"
    "@ESP@esp@[59110,62194,65535][6682,14135,27756]\n"
    "@IKE request@isakmp && isakmp.flag_r == 0@[65535,65535,65535][0,0,0]\n"
    "@IKE answer@isakmp && isakmp.flag_r == 1@[62965,62965,62965][16448,16448,16448]\n";

static const char filters[] =
    "\"Message ID sync\" " ID_SYNC "\n"
    "\"Message ID sync, requests\" " ID_SYNC " && isakmp.flag_r == 0\n"
    "\"Message ID sync, answers\" " ID_SYNC " && isakmp.flag_r == 1\n"
    "\"Replay counter sync\" " REPLAY_SYNC "\n"
    "\"Sync announced\" " ANNOUNCED "\n"
    "\"Message ID 0 after IKE_SA_INIT\" isakmp.messageid == 0 && isakmp.exchangetype == 37\n"
    "\"Error notifies\" " ERROR_NOTIFY "\n"
    "\"ESP: the number does not go on by one\" " ESP_STEP "\n"
    "\"ESP: inner packets\" esp && (icmp || icmpv6 || esp.protocol == 17)\n"
    "\"ICV wrong\" " ICV_WRONG "\n";

static const char buttons[] =
    "# Made by understudy.\n"
    "\"TRUE\",\"Sync\",\"" ID_SYNC " || " REPLAY_SYNC "\",\"Message ID and replay counter syncs\"\n"
    "\"TRUE\",\"ID 0\",\"isakmp.messageid == 0\",\"Message ID 0\"\n"
    "\"TRUE\",\"ESP steps\",\"" ESP_STEP "\",\"Sequence numbers that do not go on by one\"\n";

static const struct {
    const char *name, *text;
} files[] = {
    {"preferences", preferences}, {"recent", wireshark_profile_widths}, {"colorfilters", colours},
    {"dfilters", filters},        {"dfilter_buttons", buttons},
};

bool wireshark_profile_write(const char *folder, struct error *err)
{
    char path[4200];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *file = fopen(path, "we");
        bool written = file && fputs(files[i].text, file) >= 0;
        if (!file || fclose(file) != 0 || !written)
            return fail(err, "cannot write %s: %s", path, strerror(errno));
    }
    return true;
}
