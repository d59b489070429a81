/*
 * world.h - what the interpreter asks, and knows nothing else of.
 *
 * The server, `explain` and `test` each bring a world.  An answer that is not
 * there yet is RS_WAIT: the evaluation parks, and whoever brings the answer
 * calls rs_eval_resume(), which asks the same question again: by then the
 * world must have it.
 */
#ifndef WB_RULESET_WORLD_H
#define WB_RULESET_WORLD_H

#include "ruleset/value.h"

enum rs_answer {
	RS_HAVE,	/* *out is filled */
	RS_ABSENT,	/* answered: empty, or no such key */
	RS_CANNOT,	/* cannot say now */
	RS_WAIT		/* not yet: resume when it is there */
};

struct rs_eval;

enum rs_effect {
	RS_E_HEADER_ADD, RS_E_HEADER_SET, RS_E_HEADER_DEL, RS_E_LOG, RS_E_TAG
};

struct rs_world {
	/* fact: enum rs_fact.  Values stay good until the evaluation ends. */
	enum rs_answer	(*fact)(void *ctx, struct rs_eval *, unsigned fact,
	    struct rs_value *out);
	/*
	 * map: number in the image.  *line: of the table's entry, 0 for none.
	 */
	enum rs_answer	(*map_get)(void *ctx, struct rs_eval *, uint32_t map,
	    const struct rs_value *key, struct rs_value *out, uint32_t *line);
	/*
	 * The i-th header field of that name, decoded as text; ABSENT after
	 * the last.
	 */
	enum rs_answer	(*header)(void *ctx, struct rs_eval *,
	    struct span name, unsigned i, struct rs_value *out);
	/* `rcpt unknown`: bool. */
	enum rs_answer	(*rcpt_unknown)(void *ctx, struct rs_eval *,
	    struct rs_value *out);
	enum rs_answer	(*tag_get)(void *ctx, struct rs_eval *, uint32_t tag,
	    struct rs_value *out);
	/* number: of the tag; name: of the header field or tag. */
	void		(*effect)(void *ctx, struct rs_eval *, enum rs_effect,
	    uint32_t number, struct span name, const struct rs_value *);
};

#endif
