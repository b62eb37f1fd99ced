#include "cli/catalogue.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OPT_CASE = 1, OPT_GROUP, OPT_REQUIREMENT, OPT_ROLE, OPT_JSON };

static const struct cli_option options[] = {
    {"case", OPT_CASE, "GLOB", "only cases that match, \"sync.*\""},
    {"group", OPT_GROUP, "GROUP", "only cases that check a requirement of this group, SYNC"},
    {"requirement", OPT_REQUIREMENT, "ID", "only cases that check this requirement, SYNC-4"},
    {"role", OPT_ROLE, "ROLE", "only cases played with the cluster as initiator, or responder"},
    {"json", OPT_JSON, NULL, "an array of objects instead of a table"},
    {0},
};

struct wanted {
    const char *glob, *group, *requirement;
    unsigned roles;
    bool json;
};

static bool is_wanted(const struct test_case *tc, const struct wanted *wanted)
{
    return (!wanted->glob || fnmatch(wanted->glob, tc->id, 0) == 0) &&
           (!wanted->group || case_has_group(tc, wanted->group)) &&
           (!wanted->requirement || case_requires(tc, wanted->requirement)) &&
           (!wanted->roles || (case_roles(tc) & wanted->roles));
}

/* --- as JSON ------------------------------------------------------------------------------------- */

static json_t *strings_of_requirements(const struct test_case *tc)
{
    json_t *list = json_array();
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++)
        json_array_append_new(list, json_string(tc->requires[i]));
    return list;
}

static json_t *strings_of_roles(const struct test_case *tc)
{
    json_t *list = json_array();
    for (unsigned role = 0; role < axis_values(AXIS_ROLE); role++)
        if (case_roles(tc) & 1U << role)
            json_array_append_new(list, json_string(axis_value_name(AXIS_ROLE, role)));
    return list;
}

static json_t *strings_of_axes(const struct test_case *tc)
{
    json_t *list = json_array();
    for (unsigned axis = 0; axis < AXIS_COUNT; axis++)
        if ((tc->axes | ON(ROLE)) & 1U << axis)
            json_array_append_new(list, json_string(axis_name((enum axis)axis)));
    return list;
}

static json_t *strings_of_faults(const struct test_case *tc)
{
    size_t n;
    const struct reference_fault *faults = reference_faults(&n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (fault_proves(&faults[i], tc))
            json_array_append_new(list, json_string(faults[i].name));
    return list;
}

static json_t *case_as_json(const struct test_case *tc)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(tc->id));
    json_object_set_new(object, "version", json_integer(tc->version));
    json_object_set_new(object, "title", json_string(tc->title));
    json_object_set_new(object, "group", json_string(case_group(tc)));
    json_object_set_new(object, "requirements", strings_of_requirements(tc));
    json_object_set_new(object, "roles", strings_of_roles(tc));
    json_object_set_new(object, "axes", strings_of_axes(tc));
    json_object_set_new(object, "faults", strings_of_faults(tc));
    return object;
}

static void list_as_json(const struct wanted *wanted)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (is_wanted(cases[i], wanted))
            json_array_append_new(list, case_as_json(cases[i]));
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(list);
}

/* --- as text ------------------------------------------------------------------------------------- */

static size_t list_as_text(const struct wanted *wanted)
{
    size_t n, shown = 0;
    int width = 0;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (is_wanted(cases[i], wanted) && (int)strlen(cases[i]->id) > width)
            width = (int)strlen(cases[i]->id);
    for (size_t i = 0; i < n; i++) {
        if (!is_wanted(cases[i], wanted))
            continue;
        printf("%-*s  %s\n", width, cases[i]->id, cases[i]->title);
        shown++;
    }
    printf("%zu of %zu cases\n", shown, n);
    return shown;
}

static bool group_exists(const char *name)
{
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(groups[i].name, name) == 0)
            return true;
    return false;
}

static int list_run(const struct cli_command *command, int argc, char **argv)
{
    struct wanted wanted = {0};
    const char *value;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        if (key == OPT_CASE)
            wanted.glob = value;
        else if (key == OPT_GROUP)
            wanted.group = value;
        else if (key == OPT_REQUIREMENT)
            wanted.requirement = value;
        else if (key == OPT_JSON)
            wanted.json = true;
        else if (key == OPT_ROLE && !role_set_parse(value, &wanted.roles))
            return cli_usage_error(command, "no role is called \"%s\"; there are initiator, responder, both",
                                   value);
    }
    if (wanted.glob && !catalogue_matches_any(wanted.glob))
        return catalogue_no_case(command, wanted.glob);
    if (wanted.group && !group_exists(wanted.group))
        return catalogue_no_group(command, wanted.group);
    if (wanted.requirement && !requirement_find(wanted.requirement))
        return catalogue_no_requirement(command, wanted.requirement);
    if (wanted.json)
        list_as_json(&wanted);
    else
        list_as_text(&wanted);
    return EXIT_CONFORMS;
}

const struct cli_command command_list = {
    .name = "list",
    .summary = "The cases, with what they check",
    .options = options,
    .run = list_run,
};
