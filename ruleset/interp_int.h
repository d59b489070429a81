/*
 * interp_int.h - an evaluation from inside: interp.c (the loop),
 * interp_verdict.c (what ends it), interp_value.c (operators), interp_match.c
 * (expressions and patterns, with what they capture), interp_world.c (facts,
 * tables, headers, effects) and interp_ask.c (what servers answer).
 */
#ifndef WB_RULESET_INTERP_INT_H
#define WB_RULESET_INTERP_INT_H

#include "ruleset/image_int.h"
#include "ruleset/interp.h"

/* What the last match of a rule has captured; in the evaluation's arena. */
struct captures {
	const struct regex	*regex;		/* NULL: a pattern */
	uint32_t		 pattern;
	bool			 tainted;
	unsigned		 n;
	struct span		 groups[];	/* 0: the whole match */
};

/* A function under way.  pc is the next instruction. */
struct frame {
	struct rs_value	*r;		/* its registers */
	struct captures	*captures;	/* of the rule asked last, or NULL */
	uint32_t	 func;
	uint32_t	 pc;
	uint32_t	 rule;		/* asked last, or UINT32_MAX */
	uint8_t		 dest;		/* caller's register for the result */
};
#define NO_DEST	UINT8_MAX	/* APPLY: the caller wants none */

/*
 * All that an evaluation is.  Registers are not cleared between runs: the
 * verifier has proved that none is read before it is written.
 */
struct rs_eval {
	const struct rs_image	*im;
	const struct rs_insn	*code;
	const struct rs_world	*world;
	void			*ctx;
	struct rs_record	*record;
	struct span		 detail;	/* characters of the policy */
	struct arena		 arena;
	uint64_t		 have;		/* facts that are in facts[] */
	uint64_t		 executed;	/* instructions */
	unsigned		 depth;		/* of frames */
	unsigned		 given_up;	/* matches, at their limits */
	struct frame		 frames[RS_CALL_DEPTH];
	struct rs_value		 facts[RS_NFACTS];
	struct rs_value		 regs[];
};

/* What an instruction leads to. */
enum next {
	NEXT,		/* the instruction at pc */
	PARK,		/* ask the same again */
	STOP		/* there is a verdict */
};

/* interp_verdict.c */
enum next	verdict(const struct frame *, enum rs_verdict_kind,
    struct rs_verdict *);
/* A table could not be asked, and the rule or its action depends on it. */
enum next	cannot_say(const struct frame *, struct rs_verdict *);
/* All verdicts but those that are the mere kind, and VERDICT. */
enum next	decide(struct rs_eval *, struct frame *,
    const struct rs_insn *, struct rs_verdict *);
void		note_verdict(struct rs_eval *, const struct rs_verdict *);

/* interp_match.c: a is written when they return NEXT. */
enum next	do_match(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	do_like(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	do_capture(struct rs_eval *, struct frame *,
    const struct rs_insn *);
/* HEADER_..., LIST_...: whether one of several is, is in, or matches. */
enum next	ask_each(struct rs_eval *, struct frame *,
    const struct rs_insn *);

/* interp_ask.c: likewise. */
enum next	ask_srs(struct rs_eval *, struct frame *,
	    const struct rs_insn *);
enum next	ask_server(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_access(struct rs_eval *, struct frame *,
    const struct rs_insn *);

/* Instructions that ask; a is written when they return NEXT. */
enum next	ask_fact(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_map(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_header(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_unknown(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_tag(struct rs_eval *, struct frame *,
    const struct rs_insn *);
/* The four answers as a value; `out` holds what RS_HAVE has brought. */
void		settle(enum rs_answer, enum rs_why, struct rs_value *out);
/*
 * Asks a table; what is void is in none, what is unknown is the answer.
 * RS_WAIT: out is not written.
 */
enum rs_answer	get_map(struct rs_eval *, uint32_t map,
    const struct rs_value *key, struct rs_value *out, uint32_t *line);
/*
 * What map c says of register a, for EXPAND; RS_CANNOT also when a is unknown.
 */
enum rs_answer	ask_expand(struct rs_eval *, struct frame *,
    const struct rs_insn *, struct rs_value *out, uint32_t *line);
/* interp_value.c: a is written. */
void	do_argument(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_convert(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_join(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_in_set(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_in_nets(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_column(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_compare(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_address(struct rs_eval *, struct frame *, const struct rs_insn *);
/* A bound on what a crafted image could grow: n octets more. */
bool	has_room(const struct rs_eval *, size_t n);

/* Tells the world of an effect; r[a] is known. */
void		do_effect(struct rs_eval *, struct frame *,
    const struct rs_insn *, const struct rs_value *);
/* Tells it of something that could not be decided. */
void		do_alarm(struct rs_eval *, struct span text);

/* Adds a step to the record, when there is one; key and value may be NULL. */
void		note_step(struct rs_eval *, enum rs_step_kind, uint32_t number,
    uint32_t line, const struct rs_value *key, const struct rs_value *value);

static inline void
note(struct rs_eval *ev, enum rs_step_kind kind, uint32_t number,
    uint32_t line, const struct rs_value *key, const struct rs_value *value)
{
	if (__builtin_expect(ev->record != NULL, 0))
		note_step(ev, kind, number, line, key, value);
}

/* Behind the step of a map that was asked: which tables had the answer. */
void	note_answers(struct rs_eval *);

/* Line of the instruction under way. */
static inline uint32_t
here(const struct rs_eval *ev, const struct frame *f)
{
	return rs_insn_line(ev->im, f->pc - 1);
}

#endif
