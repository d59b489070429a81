/*
 * record.h - the decision record: which rules were asked, with what values.
 *
 * One and the same in `explain`, in `test`, in logs and in the running server.
 * Version 1: a reference, the policy's hash, the hook, and steps in the order
 * in which they happened.  As JSON (record.c) it is one object on one line:
 * doc/records.md.
 */
#ifndef WB_RULESET_RECORD_H
#define WB_RULESET_RECORD_H

#include "base/buf.h"
#include "ruleset/image.h"

#define RS_RECORD_VERSION	1

enum rs_step_kind {
	RS_STEP_RULE,		/* number: rule; asked */
	RS_STEP_FACT,		/* number: fact; value (NONE: empty; UNKNOWN) */
	RS_STEP_MAP,		/* number: map; key, value, line of the table */
	RS_STEP_SET,		/* number: set; key; value: bool */
	RS_STEP_NETS,		/* number: nets; key; value: bool */
	RS_STEP_HEADER,		/* key: name; value */
	RS_STEP_UNKNOWN_RCPT,	/* value: bool */
	RS_STEP_TEST,		/* the rule's condition came out as value */
	RS_STEP_CALL,		/* number: function; key: arguments */
	RS_STEP_RETURN,		/* value */
	RS_STEP_EFFECT,		/* number: rs_effect; key: field; value */
	RS_STEP_VERDICT,	/* number: kind; key: reply or name; value */
	RS_STEP_TAG,		/* number: tag; value */
	RS_STEP_COMPARE,	/* number: RS_EQ ... RS_GE; key with value */
	RS_STEP_MATCH,		/* number: regex; key; value: bool */
	RS_STEP_LIKE,		/* number: pattern; key; value: bool */
	RS_STEP_LIST,		/* number: rs_listof; value: bool */
	RS_STEP_LISTED,		/* number: list; key; value: bool */
	RS_STEP_RATE,		/* number: rate; key; value: bool */
	RS_STEP_GREYLISTED,	/* number: const; key; value: bool */
	RS_STEP_SPF,		/* value: text */
	RS_STEP_RESOLVES,	/* key; value: bool */
	RS_STEP_REACHABLE,	/* number: 1 recipient; key; value: bool */
	RS_STEP_OWNED,		/* key: address; value: bool */
	RS_STEP_ACCESS,		/* number: map; key: role; value, line */
	RS_STEP_MEMBER,		/* number: map; key: member of a list; value: the included file, line: its */
	RS_STEP_ANSWER,		/* number: map that had the answer to the step before; key: its own; value; line */
	RS_STEP_SRS,		/* number: 1 back; key: address; value: address, or nothing */
	RS_NSTEPS
};

struct rs_step {
	uint8_t		kind;
	uint8_t		depth;		/* of calls */
	uint32_t	number;
	uint32_t	line;		/* policy line; MAP: table line */
	struct rs_value	key, value;
};

/* Zeroed: an empty record.  Values are copied into the record's arena. */
struct rs_record {
	struct arena	 arena;
	struct span	 ref;		/* session and command */
	enum rs_hook	 hook;
	struct rs_step	*steps;
	size_t		 n, cap;
	bool		 cut;		/* more than RS_RECORD_MAX steps */
};

#define RS_RECORD_MAX	10000	/* steps */
#define RS_RECORD_TEXT	1000	/* octets of one value: what follows is cut */

void	rs_record_clear(struct rs_record *);
void	rs_record_add(struct rs_record *, const struct rs_step *);
void	rs_record_json(const struct rs_record *, const struct rs_image *,
    struct buf *);
/*
 * For people: a line for each rule and what it looked at; used by explain and
 * failing tests.
 */
void	rs_record_text(const struct rs_record *, const struct rs_image *,
    const char *policy_name, struct buf *);

#endif
