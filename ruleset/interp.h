/*
 * interp.h - running a function of the image.
 *
 * State is data: an evaluation can be parked (RS_PENDING) and resumed any
 * number of times, moved, or given up.  It never blocks and always ends.
 */
#ifndef WB_RULESET_INTERP_H
#define WB_RULESET_INTERP_H

#include "ruleset/record.h"
#include "ruleset/world.h"

enum rs_verdict_kind {
	RS_V_END,		/* the block ended without a verdict */
	RS_V_ACCEPT, RS_V_REJECT, RS_V_DEFER, RS_V_DISCARD,
	RS_V_EXPAND,		/* object: map; value: what it says */
	RS_V_DELIVER,		/* object: mailbox */
	RS_V_RELAY,		/* object: relay */
	RS_V_RELAY_TO,		/* value: host */
	RS_V_MX,
	RS_V_REDIRECT,		/* value: address */
	RS_V_MOVED,		/* value: new address; code, status */
	RS_V_VALUE,		/* a ruleset or expression returned value */
	RS_V_QUARANTINE,	/* text: why */
	RS_V_LMTP,		/* value: socket */
	RS_V_PIPE,		/* value: command; text: system user */
	RS_V_FILE,		/* value: path */
	RS_V_HOLD,		/* text: why */
	RS_V_FILTER,		/* object: filter */
	RS_NVERDICTS
};

struct rs_verdict {
	uint8_t		kind;
	bool		cannot;		/* DEFER: a table could not be asked */
	uint16_t	code;		/* REJECT, DEFER, MOVED */
	struct span	status;		/* "5.7.1" */
	struct span	text;		/* without code and status */
	uint32_t	object;
	uint32_t	rule;		/* that decided; UINT32_MAX: none */
	uint32_t	table_line;	/* EXPAND: line of the table's entry */
	struct rs_value	value;
};

enum rs_run { RS_DONE, RS_PENDING };

struct rs_eval;

/* record may be NULL.  The image and the world outlive the evaluation. */
struct rs_eval	*rs_eval_new(const struct rs_image *, const struct rs_world *,
    void *ctx, struct rs_record *);
void		 rs_eval_free(struct rs_eval **);
/*
 * For another run with the same memory: keeps image, world; drops values of
 * before.
 */
void		 rs_eval_reset(struct rs_eval *, struct rs_record *);
/*
 * Runs func with its arguments from the start. RS_PENDING: call resume when
 * the world has the answer.
 */
enum rs_run	 rs_eval_run(struct rs_eval *, uint32_t func,
    const struct rs_value *args, unsigned nargs, struct rs_verdict *out);
/*
 * Also after RS_V_EXPAND and RS_V_FILTER: goes on behind it, as if the table did
 * not have the address, and the message had come back from the filter.
 */
enum rs_run	 rs_eval_resume(struct rs_eval *, struct rs_verdict *out);
struct arena	*rs_eval_arena(struct rs_eval *);
/* Instructions that it has run since it was made, all runs together. */
uint64_t	 rs_eval_executed(const struct rs_eval *);

/* ACCEPT, and those that accept what is then kept: QUARANTINE, HOLD. */
bool		 rs_verdict_accepts(unsigned kind);
const char	*rs_verdict_name(unsigned);	/* "accept" */

#endif
