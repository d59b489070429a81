/*
 * queue_int.h - what the files of `waybill queue` share.
 *
 * queue.c: words and options; queue_line.c: the line that is sent;
 * queue_print.c: answers for people; queue_content.c: a message's octets.
 */
#ifndef WB_MTA_CMD_QUEUE_INT_H
#define WB_MTA_CMD_QUEUE_INT_H

#include <stdbool.h>

#include "base/buf.h"

struct json_t;

/* What the options say; NULL: not given. */
struct queue_options {
	const char	*id, *sender, *recipient, *domain, *hop, *older,
			*newer, *code, *status, *text, *tag, *state, *reason,
			*priority, *limit, *after, *why, *by, *to;
	bool		 all, dry, header, content, quarantined;
};

/* --- queue_line.c */
/* "WORD key=value ...\n" */
void	queue_line(struct buf *, const char *word, const struct queue_options *);

/* --- queue_print.c */
/* A message of a list; the end of one. */
void	queue_print_message(const struct json_t *);
void	queue_print_list_end(const struct json_t *end);
void	queue_print_shown(const struct json_t *);
void	queue_print_why(const struct json_t *);
void	queue_print_count(const struct json_t *);
/* word: "hold", ...  */
void	queue_print_done(const char *word, const struct json_t *);

/* --- queue_content.c */
/* To stdout; CMD_OK, ... */
int	queue_content(const char *spool, const struct queue_options *);

#endif
