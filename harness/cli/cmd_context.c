/* Looks at a context as members of a cluster pass it to each other, without giving its keys away. */
#include "cli/cli.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/octets.h"
#include "cluster/context.h"
#include "cluster/context_file.h"
#include "cluster/context_values.h"
#include "crypto/cipher.h"

/* --- showing ------------------------------------------------------------------------------------- */

static bool is_secret(const char *name)
{
    return strncmp(name, "sk_", 3) == 0 || strncmp(name, "key_", 4) == 0 ||
           strncmp(name, "integrity_key_", 14) == 0 || strcmp(name, "diffie_hellman_secret") == 0;
}

/* So much of a digest tells two keys apart and is of no use to anybody. */
static void print_secret(const char *hex)
{
    enum { SHOWN = 4, MAX_OCTETS = 1024 };
    uint8_t key[MAX_OCTETS], digest[32];
    ptrdiff_t len = octets_from_hex(hex, key, sizeof key);
    if (len <= 0) {
        puts("none");
        return;
    }
    const struct octets whole = octets_of(key, (size_t)len);
    sha256_digest(&whole, 1, digest);
    crypto_wipe(key, sizeof key);
    printf("%td octets, SHA-256 begins with ", len);
    for (int i = 0; i < SHOWN; i++)
        printf("%02x", digest[i]);
    putchar('\n');
}

static void print_inline(const json_t *value);

static void print_members(const json_t *object)
{
    const char *name;
    json_t *value;
    bool first = true;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        printf("%s%s ", first ? "" : ", ", name);
        print_inline(value);
        first = false;
    }
}

static void print_items(const json_t *list)
{
    size_t i;
    json_t *value;
    json_array_foreach(list, i, value)
    {
        printf("%s(", i ? " " : "");
        print_inline(value);
        putchar(')');
    }
}

static void print_inline(const json_t *value)
{
    if (json_is_string(value))
        fputs(json_string_length(value) ? json_string_value(value) : "none", stdout);
    else if (json_is_integer(value))
        printf("%lld", (long long)json_integer_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    else if (json_is_object(value))
        print_members(value);
    else if (json_is_array(value))
        print_items(value);
    else
        fputs("none", stdout);
}

static void print_fields(const json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        printf("  %-24s", name);
        if (is_secret(name)) {
            print_secret(json_string_value(value));
            continue;
        }
        print_inline(value);
        putchar('\n');
    }
}

static void show(const char *text)
{
    json_t *context = json_loads(text, 0, NULL), *child;
    size_t i;
    printf("context of version %lld, IKE version %lld\n",
           (long long)json_integer_value(json_object_get(context, "context_version")),
           (long long)json_integer_value(json_object_get(context, "ike_version")));
    puts("\nIKE SA");
    print_fields(json_object_get(context, "ike_sa"));
    json_array_foreach(json_object_get(context, "child_sas"), i, child)
    {
        printf("\nChild SA %zu\n", i + 1);
        print_fields(child);
    }
    context_value_forget(context);
    json_decref(context);
}

/* --- the command --------------------------------------------------------------------------------- */

static bool is_good(const char *path, const char *text)
{
    struct error err = {""};
    struct ike_snapshot *snapshot = context_read(text, &err);
    if (!snapshot)
        fprintf(stderr, "understudy context: %s: %s\n", path, err.text);
    ike_snapshot_free(snapshot);
    return snapshot != NULL;
}

static int look_into(const char *path, bool shows)
{
    struct error err = {""};
    bool open_to_others;
    char *text = context_load(path, &open_to_others, &err);
    if (!text) {
        fprintf(stderr, "understudy context: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (open_to_others)
        fprintf(stderr,
                "understudy context: warning: %s holds keys, and others than its owner may read it: "
                "chmod 600\n",
                path);
    bool good = is_good(path, text);
    if (good && shows)
        show(text);
    else if (good)
        printf("%s: OK\n", path);
    context_free(text);
    return good ? EXIT_CONFORMS : EXIT_USAGE;
}

static int context_run(const struct cli_command *command, int argc, char **argv)
{
    const char *value;
    int status;
    if (cli_next(command, argc, argv, &value, &status) == CLI_STOP)
        return status;
    if (optind + 2 != argc)
        return cli_usage_error(command, "say show or check, and name one file");
    bool shows = strcmp(argv[optind], "show") == 0;
    if (!shows && strcmp(argv[optind], "check") != 0)
        return cli_usage_error(command, "there is show and check, not \"%s\"", argv[optind]);
    return look_into(argv[optind + 1], shows);
}

const struct cli_command command_context = {
    .name = "context",
    .arguments = "show|check FILE",
    .summary = "Shows or checks a context that members of a cluster pass to each other",
    .notes = "show prints all fields, of keys only how long they are and the begin of a digest; check says "
             "OK, or\n"
             "which field is wrong. Exit status: 0 a good context, 2 none, or wrong usage.",
    .run = context_run,
};
