/*
 * redis_reply.c - what a reply of redis says of a key.
 */
#include <hiredis/hiredis.h>

#include <stdio.h>

#include "maps/asked/redis_command.h"

/* Errors that pass: the server starts, fails over, or has no room. */
static const char *const passing[] = {
	"LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "OOM",
	"READONLY", "MISCONF", "NOREPLICAS", "UNKILLABLE", "IOERR",
};

static enum map_result
result_of_error(struct span text, char why[256])
{
	ptrdiff_t	 blank = span_index(text, ' ');
	struct span	 word = text;
	size_t		 i;

	if (blank >= 0)
		word.n = (size_t)blank;
	snprintf(why, 256, "the server says: %.*s",
	    (int)(text.n < 200 ? text.n : 200), text.p);
	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		if (span_eq(word, span_of(passing[i])))
			return MAP_LATER;
	}
	return MAP_BROKEN;
}

/* A value of its own; false: an array within an array, which no table has. */
static bool
add_value(struct asked_gather *g, const redisReply *r)
{
	char	 number[32];

	switch (r->type) {
	case REDIS_REPLY_NIL:
		asked_gather_add(g, SPAN_NONE);
		return true;
	case REDIS_REPLY_INTEGER:
		snprintf(number, sizeof(number), "%lld", r->integer);
		asked_gather_add(g, span_of(number));
		return true;
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		asked_gather_add(g, span_mem(r->str, (size_t)r->len));
		return true;
	default:
		return false;
	}
}

static bool
add_elements(struct asked_gather *g, const redisReply *r, size_t first,
    size_t step)
{
	size_t	 i;

	for (i = first; i < (size_t)r->elements; i += step) {
		if (!add_value(g, r->element[i]))
			return false;
	}
	return true;
}

/* Names of columns: the fields of a hash, or the words behind the key. */
static const char **
column_names(const struct redis_command *cmd, const redisReply *r,
    struct asked_gather *g, size_t n)
{
	const char	**names = arena_alloc(&g->arena, n * sizeof(*names));
	struct span	 name;
	size_t		 i;

	for (i = 0; i < n; i++) {
		name = SPAN("");
		if (cmd->shape == REDIS_PAIRS &&
		    r->element[2 * i]->type == REDIS_REPLY_STRING)
			name = span_mem(r->element[2 * i]->str,
			    (size_t)r->element[2 * i]->len);
		else if (cmd->shape == REDIS_COLUMNS && i + 2 < cmd->n &&
		    cmd->words[i + 2].n == 1)
			name = cmd->words[i + 2].parts[0].text;
		names[i] = arena_span(&g->arena, name).p;
	}
	return names;
}

/* An array: rows, or one row of columns.  No element, or nothing but nil: not there. */
static enum map_result
array_rows(const struct redis_command *cmd, const redisReply *r,
    struct asked_gather *g, struct asked_rows *rows)
{
	bool	 pairs = cmd->shape == REDIS_PAIRS;
	bool	 record = pairs || cmd->shape == REDIS_COLUMNS;
	size_t	 i, there = 0;

	if (!add_elements(g, r, pairs ? 1 : 0, pairs ? 2 : 1))
		return MAP_BROKEN;
	for (i = 0; i < g->n; i++)
		there += g->values[i].p != NULL;
	if (there == 0)
		return MAP_NONE;
	asked_gather_rows(g, record ? column_names(cmd, r, g, g->n) : NULL,
	    record ? g->n : 1, rows);
	return MAP_FOUND;
}

static enum map_result
value_rows(const struct redis_command *cmd, const redisReply *r,
    struct asked_gather *g, struct asked_rows *rows)
{
	if (cmd->shape == REDIS_MEMBER && r->type == REDIS_REPLY_INTEGER) {
		if (r->integer == 0)
			return MAP_NONE;
		asked_gather_add(g, SPAN(""));
	} else if (!add_value(g, r))
		return MAP_BROKEN;
	asked_gather_rows(g, NULL, 1, rows);
	return MAP_FOUND;
}

enum map_result
redis_reply_rows(const struct redis_command *cmd, const struct redisReply *r,
    struct asked_gather *g, struct asked_rows *rows, char why[256])
{
	enum map_result	 result;

	*rows = (struct asked_rows){ 0 };
	if (r->type == REDIS_REPLY_ERROR)
		return result_of_error(span_mem(r->str, (size_t)r->len), why);
	if (r->type == REDIS_REPLY_NIL)
		return MAP_NONE;
	if (r->type == REDIS_REPLY_ARRAY)
		result = array_rows(cmd, r, g, rows);
	else
		result = value_rows(cmd, r, g, rows);
	if (result == MAP_BROKEN)
		snprintf(why, 256,
		    "the reply is no value and no list of values");
	if (g->over) {
		snprintf(why, 256, "%s", ASKED_TOO_MUCH);
		return MAP_BROKEN;
	}
	return result;
}
