/* SPDX-License-Identifier: BSD-2-Clause */
/* The version of the whole product; the build may give another one. */
#ifndef DCO_SYS_VERSION_H
#define DCO_SYS_VERSION_H

#ifndef OPENDCO_VERSION
#define OPENDCO_VERSION "0.1.0"
#endif

#endif
