#include "cli/catalogue.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { OPT_GROUP = 1 };

static const struct cli_option options[] = {
    {"group", OPT_GROUP, "GROUP", "only this group, SYNC"},
    {0},
};

static int requirements_run(const struct cli_command *command, int argc, char **argv)
{
    const char *value, *group = NULL;
    int key, status;
    while ((key = cli_next(command, argc, argv, &value, &status)) != CLI_END) {
        if (key == CLI_STOP)
            return status;
        group = value;
    }
    size_t n, n_groups, shown = 0;
    const struct requirement *all = requirements(&n);
    const struct requirement_group *groups = requirement_groups(&n_groups);
    for (size_t g = 0; g < n_groups; g++) {
        if (group && strcasecmp(group, groups[g].name) != 0)
            continue;
        printf("%s%s: %s\n", shown++ ? "\n" : "", groups[g].name, groups[g].title);
        for (size_t i = 0; i < n; i++)
            if (strcmp(all[i].group, groups[g].name) == 0)
                printf("  %-8s %-8s %s\n", all[i].id, requirement_level_name(all[i].level), all[i].text);
    }
    return shown ? EXIT_CONFORMS : catalogue_no_group(command, group);
}

const struct cli_command command_requirements = {
    .name = "requirements",
    .summary = "What a peer, or a cluster, must do",
    .options = options,
    .run = requirements_run,
};
