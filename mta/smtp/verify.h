/*
 * verify.h - VRFY and EXPN (RFC 5321, 3.5) by policy: cmd_vrfy.c.
 *
 *   no verdict of `on vrfy`, `on expn`, or none of these hooks   252, 502
 *   a refusal                                                    that
 *   accept   VRFY: where a dry run of route leads
 *            EXPN: the members of the list, one level deep
 */
#ifndef WB_MTA_SMTP_VERIFY_H
#define WB_MTA_SMTP_VERIFY_H

#include "mta/smtp/session.h"

struct verify;

/* Gives up what is under way. */
void	verify_free(struct verify **);

#endif
