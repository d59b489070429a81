/*
 * types_int.h - between the files of the type checker.
 */
#ifndef WB_CF_TYPES_INT_H
#define WB_CF_TYPES_INT_H

#include "cf/types.h"

/* types.c */
void		 type_bad(struct cf_expr *);	/* a mistake, reported */
bool		 type_is_bad(const struct cf_expr *);
bool		 type_is_const(const struct cf_expr *);
const char	*type_text_of(struct cf *, const struct cf_expr *);
/* e becomes a constant in place. */
void		 type_fold(struct cf *, struct cf_expr *, struct rs_value);
/* e goes below a node that reads it as another type. */
void		 type_convert(struct cf *, struct cf_expr *, unsigned type);
bool		 type_is_textual(unsigned type);
/* As cf_type_want(), but silent where the type does not fit. */
bool		 type_adapt(struct cf *, struct cf_expr *, unsigned type);
/* What is tainted or may fail below is so above. */
void		 type_take_flags(struct cf_expr *, const struct cf_expr *from);
bool		 type_is_key(const struct cf_expr *);	/* of maps */

/* types_cond.c */
void		 type_cond(struct cf *, struct cf_expr *);
/* attachments, attachments.type: of which only one can be asked for. */
bool		 type_is_list(const struct cf_expr *);
/* Whether the value can be written as text; false: reported. */
bool		 type_is_text_part(struct cf *, const struct cf_expr *);

/* types_map.c */
/* Whether a table is asked with that; false: reported. */
bool		 type_map_key(struct cf *, struct cf_expr *key, const struct cf_sym *map);
/* The type of an answer: e is map[key]. */
void		 type_map_value(struct cf *, struct cf_expr *);
/* map[key].column: whether there can be one; false: reported. */
bool		 type_has_columns(struct cf *, struct cf_expr *);

/* types_pair.c */
void		 type_else(struct cf *, struct cf_expr *);
void		 type_eq(struct cf *, struct cf_expr *);
void		 type_order(struct cf *, struct cf_expr *);
void		 type_in(struct cf *, struct cf_expr *);
void		 type_not(struct cf *, struct cf_expr *);
void		 type_chain(struct cf *, struct cf_expr *);

#endif
