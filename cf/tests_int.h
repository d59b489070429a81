/*
 * tests_int.h - a test that is taken apart: tests.c walks it and has the
 * session, tests_with.c what holds for it as a whole, tests_expect.c what is
 * expected.
 */
#ifndef WB_CF_TESTS_INT_H
#define WB_CF_TESTS_INT_H

#include "cf/types.h"

struct testing {
	struct cf	*cf;
	struct cf_step	*step;		/* that is filled in */
	bool		 has_client, has_mail, has_rcpt, has_expect;
};

/* tests.c: the step names something whose number the image will tell. */
void		 cf_tests_sym(struct testing *, struct cf_sym *);
void		 cf_tests_object(struct testing *, struct cf_object *);
/* As cf_need(), but a test is no use. */
struct cf_sym	*cf_tests_look(struct testing *, struct span name, struct cf_loc, enum cf_sym_kind);
/* A statement of the session, which a client begins. */
void		 cf_tests_need_client(struct testing *, const struct cf_tnode *);
/* The block of that kind and name, or NULL. */
struct cf_object *cf_tests_block(const struct cf *, enum rs_object_kind, struct span name);

/* tests_expect.c */
void		 cf_tests_expect(struct testing *, const struct cf_tnode *);
/* What `reject` or `defer` says with these parts; kind: 5 or 4. */
void		 cf_tests_reply(struct testing *, const struct cf_reply *, char kind);

/* The verdict that the step expects, or that its milter says; not why it quarantines. */
void		 cf_tests_verdict(struct testing *, enum cf_tnode_kind, const struct cf_reply *);

/* tests_with.c */
void		 cf_tests_map(struct testing *, const struct cf_tnode *);
void		 cf_tests_dns(struct testing *, const struct cf_tnode *);
void		 cf_tests_milter(struct testing *, const struct cf_tnode *);
void		 cf_tests_rate(struct testing *, const struct cf_tnode *);

/* A constant of that type. */
static inline bool
cf_tests_const(const struct cf_expr *e, unsigned type)
{
	return e != NULL && e->kind == CF_E_CONST && e->value.type == type;
}

#endif
