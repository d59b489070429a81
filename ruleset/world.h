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

struct rs_verdict;
struct rs_step;

enum rs_effect {
	RS_E_HEADER_ADD, RS_E_HEADER_SET, RS_E_HEADER_DEL, RS_E_LOG, RS_E_TAG,
	RS_E_DELAY,		/* value: TIME */
	RS_E_BCC,		/* value: ADDRESS */
	RS_E_MILTER_USE, RS_E_MILTER_SKIP,	/* number: object */
	RS_E_HEADERS_ONLY,
	RS_E_HIDE,		/* number: the set; name: its words */
	RS_E_ALARM,		/* value: TEXT: what could not be decided */
	RS_E_LANGUAGE,		/* value: TEXT */
	RS_E_PRIORITY,		/* number: enum rs_priority; name: its word */
	RS_NEFFECTS
};

/*
 * What is NULL here cannot be said; without effect() there are none.  The
 * interpreter does not ask of what is unknown, nor of nothing.
 */
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
	/* The i-th item of a list (enum rs_listof); ABSENT after the last. */
	enum rs_answer	(*item)(void *ctx, struct rs_eval *, unsigned listof,
	    unsigned i, struct rs_value *out);
	/*
	 * bool: whether the dnslist (number in the image) lists an ip or
	 * domain.  CANNOT is soft: rule not taken, one alarm.
	 */
	enum rs_answer	(*listed)(void *ctx, struct rs_eval *, uint32_t list,
	    const struct rs_value *key, struct rs_value *out);
	/*
	 * bool: whether this is more than rate (number in the image) allows.
	 * Counted once for each transaction, rate and key.
	 */
	enum rs_answer	(*rate)(void *ctx, struct rs_eval *, uint32_t rate,
	    const struct rs_value *key, struct rs_value *out);
	/* bool: key (text) was seen for the first time less than wait ago. */
	enum rs_answer	(*greylisted)(void *ctx, struct rs_eval *,
	    const struct rs_value *key, int64_t wait_ms, struct rs_value *out);
	/* text: the result of RFC 7208; CANNOT (temperror) is soft. */
	enum rs_answer	(*spf)(void *ctx, struct rs_eval *,
	    struct rs_value *out);
	/* bool: a domain (or text that may be one) that mail can be sent to. */
	enum rs_answer	(*resolves)(void *ctx, struct rs_eval *,
	    const struct rs_value *domain, struct rs_value *out);
	/* bool: callout for a sender or a recipient. */
	enum rs_answer	(*reachable)(void *ctx, struct rs_eval *,
	    const struct rs_value *address, bool recipient,
	    struct rs_value *out);
	/* bool: the address belongs to that user (text), and to none else. */
	enum rs_answer	(*owned)(void *ctx, struct rs_eval *,
	    const struct rs_value *address, const struct rs_value *user,
	    struct rs_value *out);
	/*
	 * The address by the Sender Rewriting Scheme; back: the sender in one of
	 * ours, ABSENT: it is none, or its hash is wrong or old.
	 */
	enum rs_answer	(*srs)(void *ctx, struct rs_eval *,
	    const struct rs_value *address, bool back, struct rs_value *out);
	/*
	 * What an access table says of the client, sender or rcpt: VERDICT
	 * (the role is filled in by the interpreter).
	 */
	enum rs_answer	(*access)(void *ctx, struct rs_eval *, uint32_t map,
	    enum rs_role, struct rs_value *out, uint32_t *line);
	/*
	 * For the record, behind map_get() and access(): the i-th of the tables
	 * that had a part in the answer, as RS_STEP_ANSWER; false: no more, or
	 * the map itself had it.
	 */
	bool		(*answered)(void *ctx, unsigned i, struct rs_step *out);
	/*
	 * What v, out of map, means here: HAVE: the verdict's kind, code,
	 * status, text, object and value are filled in; ABSENT: go on.
	 */
	enum rs_answer	(*verdict)(void *ctx, struct rs_eval *, uint32_t map,
	    const struct rs_value *v, struct rs_verdict *out);
	/* number: of the tag or object; name: of the header field or tag. */
	void		(*effect)(void *ctx, struct rs_eval *, enum rs_effect,
	    uint32_t number, struct span name, const struct rs_value *);
};

#endif
