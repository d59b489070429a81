/*
 * queue_content.c - `waybill queue show ID --header | --content`: the octets
 * of a message, as they stand in the spool.
 */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fileio.h"

#include "mta/cmd/cmd.h"
#include "mta/cmd/queue_int.h"

struct copying {
	int64_t	left;		/* -1: not said yet */
	bool	refused, failed;
};

/* The first line says how many octets follow it. */
static bool
take_line(void *arg, const json_t *doc, struct buf *rest)
{
	struct copying	*c = arg;

	(void)rest;
	c->refused = cmd_json_error("queue", doc);
	c->left = cmd_json_int(doc, "octets");
	return false;
}

/* What comes behind it, straight to stdout. */
static bool
take_octets(void *arg, const void *octets, size_t n)
{
	struct copying	*c = arg;

	if ((int64_t)n > c->left)
		n = (size_t)c->left;
	c->left -= (int64_t)n;
	c->failed = file_write_all(STDOUT_FILENO, octets, n) == -1;
	return !c->failed && c->left > 0;
}

int
queue_content(const char *spool, const struct queue_options *o)
{
	struct copying	c = { .left = -1 };
	struct buf	line = { 0 };
	int		r;

	queue_line(&line, "content", o);
	r = cmd_control_octets(spool, buf_cstr(&line), take_line,
	    take_octets, &c);
	buf_clear(&line);
	if (c.refused)
		return CMD_NO;
	if (c.failed) {
		fprintf(stderr, "waybill queue: the content cannot be "
		    "written\n");
		return CMD_USAGE;
	}
	if (r == 0 && c.left != 0)
		fprintf(stderr, "waybill queue: the answer is not whole: the "
		    "message has gone meanwhile\n");
	return r == -1 || c.left != 0 ? CMD_USAGE : CMD_OK;
}
