/*
 * interp_int.h - an evaluation from inside: interp.c (the loop, what ends it),
 * interp_value.c (operators) and interp_world.c (what it asks of the world).
 */
#ifndef WB_RULESET_INTERP_INT_H
#define WB_RULESET_INTERP_INT_H

#include "ruleset/image_int.h"
#include "ruleset/interp.h"

/* A function under way.  pc is the next instruction. */
struct frame {
	struct rs_value	*r;		/* its registers */
	uint32_t	 func;
	uint32_t	 pc;
	uint32_t	 rule;		/* asked last, or UINT32_MAX */
	uint8_t		 dest;		/* caller's register for the result */
};

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
	unsigned		 depth;		/* of frames */
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

/* Instructions that ask; a is written when they return NEXT. */
enum next	ask_fact(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_map(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_header(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_headers(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_unknown(struct rs_eval *, struct frame *,
    const struct rs_insn *);
enum next	ask_tag(struct rs_eval *, struct frame *,
    const struct rs_insn *);
/*
 * What map c says of register a, for EXPAND; RS_CANNOT also when a is unknown.
 */
enum rs_answer	ask_expand(struct rs_eval *, struct frame *,
    const struct rs_insn *, struct rs_value *out, uint32_t *line);
/* interp_value.c: a is written. */
void	do_convert(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_join(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_in_set(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_in_nets(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_column(struct rs_eval *, struct frame *, const struct rs_insn *);
void	do_compare(struct rs_eval *, struct frame *, const struct rs_insn *);

/* Tells the world of an effect; r[a] is known. */
void		do_effect(struct rs_eval *, struct frame *,
    const struct rs_insn *);

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

/* Line of the instruction under way. */
static inline uint32_t
here(const struct rs_eval *ev, const struct frame *f)
{
	return rs_insn_line(ev->im, f->pc - 1);
}

#endif
