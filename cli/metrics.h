/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPENDCO_CLI_METRICS_H
#define OPENDCO_CLI_METRICS_H

/* opendco metrics: prints or writes metrics for Prometheus (cli/exposition.h). argv[0] is
 * "metrics". Returns an exit status. */
int cli_metrics(int argc, char **argv);

#endif
