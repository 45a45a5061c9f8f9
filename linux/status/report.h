/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DCO_STATUS_REPORT_H
#define DCO_STATUS_REPORT_H

#include "linux/status/json.h"

/* Writes the whole answer, which it gets from status_source. Status thread, or a test. */
void status_report(struct jsonw *j);

#endif
