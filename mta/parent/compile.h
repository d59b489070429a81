/*
 * compile.h - the policy compiled by a child without privileges.
 *
 * It runs `COMMAND compile POLICY -o - --for-run`: the image on its standard
 * output, diagnostics on its standard error, status 0 when the image is good.
 * As root the child is waybill-compile.  What it prints is believed only as
 * far as rs_image_open() verifies it.
 */
#ifndef WB_MTA_PARENT_COMPILE_H
#define WB_MTA_PARENT_COMPILE_H

#include "base/span.h"

#include <sys/types.h>

struct compile;

/* ok: image holds the octets; else text says why not.  Both are borrowed. */
typedef void compile_done(void *arg, bool ok, struct span image, struct span text);

/* done is called once, from the loop; the compile is free after. */
struct compile	*compile_start(const char *command, const char *policy, compile_done *, void *arg);
/* A child has ended; false: it was not this one. */
bool		 compile_ended(struct compile *, pid_t, int status);
/* Gives it up: the child is killed, done is not called. */
void		 compile_free(struct compile **);

#endif
