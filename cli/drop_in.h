/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The drop-in of systemd that makes a unit run under OpenDCO:
 * /etc/systemd/system/UNIT.service.d/10-opendco.conf. Its first line is a mark. A file of that name
 * without the mark is somebody else's: no function here changes or removes it.
 */
#ifndef OPENDCO_CLI_DROP_IN_H
#define OPENDCO_CLI_DROP_IN_H

#include <limits.h>
#include <stdbool.h>

enum drop_in_state {
    DROP_IN_ABSENT,
    DROP_IN_CURRENT, /* as drop_in_write() would write it */
    DROP_IN_OLD,     /* marked, with another text: of another version, or edited */
    DROP_IN_FOREIGN, /* without the mark, or not a file */
};

struct drop_in {
    char path[PATH_MAX];
    enum drop_in_state state;
};

/*
 * The text for a library, from 10-opendco.conf in the same folder. Returns what the caller frees,
 * or NULL after a message.
 */
char *drop_in_text(const char *library);

/* Finds the drop-in of a unit and compares it with this text. False after a message. */
bool drop_in_look(struct drop_in *drop_in, const char *unit, const char *text);

/* Writes the file and its folder, or replaces a marked file at once. False after a message. */
bool drop_in_write(const struct drop_in *drop_in, const char *text);

/* Removes the file, and the folder if it is empty then. False after a message. */
bool drop_in_remove(const struct drop_in *drop_in);

#endif
