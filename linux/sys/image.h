/* SPDX-License-Identifier: BSD-2-Clause */
/* The file from which this library was loaded. */
#ifndef DCO_SYS_IMAGE_H
#define DCO_SYS_IMAGE_H

/* Finds what the functions below return. Call it on openvpn's thread, before other threads start:
 * it may wait for the dynamic linker. */
void image_init(void);

/* The path, as the dynamic linker was given it, and the build id (sys/build_id.h). Empty if
 * unknown. */
const char *image_path(void);
const char *image_build_id(void);

#endif
