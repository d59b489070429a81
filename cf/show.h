/*
 * show.h - between the two forms of `show`.
 */
#ifndef WB_CF_SHOW_H
#define WB_CF_SHOW_H

#include "cf/cf_int.h"

struct show {
	const struct cf	*cf;
	struct buf	*out;
};

/* An option's values, a blank before each. */
void	show_values(const struct cf_set_opt *, struct buf *);
/* show_rules.c: a rule or a let, on one line, without its end. */
void	show_rule(struct show *, const struct cf_rule *);
/* Actions, a comma between. */
void	show_actions(struct show *, const struct cf_action *);
/* What stands behind the driver of a map; a path is absolute. */
void	show_where(const struct show *, const struct cf_sym *, struct buf *);
/* show_json.c */
void	show_json(struct show *);

#endif
