/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics of instances as text, in one of the two formats that Prometheus reads. They differ in the
 * names of counters in "# TYPE" lines and in the end of the text. The names of the metrics, all of
 * which begin with "opendco_", are in opendco(8) and do not change their meaning.
 */
#ifndef OPENDCO_CLI_EXPOSITION_H
#define OPENDCO_CLI_EXPOSITION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct exposition {
    bool openmetrics; /* OpenMetrics 1.0 instead of the text format 0.0.4 */
    bool peers;       /* with the series of each peer */
    bool complete;    /* every process answered */
};

/* Prints an array of instances (cli/instance.h). */
void exposition_print(const struct exposition *exposition, json_t *instances, FILE *to);

#endif
