/*
 * kinds.h - what a table of a kind is asked with, and what comes out of it:
 * maps/kinds.def.
 */
#ifndef WB_CF_KINDS_H
#define WB_CF_KINDS_H

#include "cf/cf_int.h"

enum cf_key { CF_KEY_TEXT, CF_KEY_ADDRESS, CF_KEY_DOMAIN, CF_KEY_CLIENT };
enum cf_value {
	CF_VALUE_TEXT, CF_VALUE_RECORD, CF_VALUE_LIST, CF_VALUE_VERDICT,
	CF_VALUE_DOMAIN, CF_VALUE_ADDRESS
};

struct cf_kind {
	const char	*name;
	enum cf_key	 key;
	enum cf_value	 value;
};

/* Of the map; that of a plain one where its kind is in error. */
const struct cf_kind	*cf_kind(const struct cf_sym *map);

#endif
