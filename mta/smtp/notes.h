/*
 * notes.h - what the postmaster may be told of a session at its end (`notify {
 * tell postmaster policy, protocol }`): that rules have refused its mail, and
 * what was said, where it has not kept to the protocol.
 *
 * A session of which nobody wants to know has none.
 */
#ifndef WB_MTA_SMTP_NOTES_H
#define WB_MTA_SMTP_NOTES_H

#include "mta/msg/told.h"
#include "mta/smtp/session.h"
#include "ruleset/image.h"

/* Classes that a policy wants: bits 1 << enum session_told. */
unsigned notes_wanted(const struct rs_image *);
/* At its beginning; with its generation. */
void	notes_begin(struct session *);
/* A line of the client, before it is run; or one that is spoiled. */
void	notes_line(struct session *, struct span line);
void	notes_spoiled(struct session *, const char *why);
/* Before replies are sent, and after that. */
void	notes_replies(struct session *);
void	notes_sent(struct session *);
/* A reply of ours was said. */
void	notes_reply(struct session *, enum smtp_reply);
/* A rule's refusal was said. */
void	notes_refusal(struct session *, unsigned code, struct span status,
	    struct span text);
/* The queue is told, when there is something to tell; frees them. */
void	notes_end(struct session *);

#endif
