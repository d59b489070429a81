/*
 * deliver.h - how a message is put somewhere: the kinds and the options of
 * DELIVER and COMMIT, and of a target that becomes one.
 *
 * Packed options: for each u8 number, u16 length (little-endian), octets.
 * A target's `how` is u8 kind, then packed options; empty: a Maildir without
 * any, which nearly all are.
 */
#ifndef WB_MTA_MSG_DELIVER_H
#define WB_MTA_MSG_DELIVER_H

#include "base/buf.h"

enum deliver_kind {
#define DELIVER_KIND(NAME, number, name, meaning) DELIVER_##NAME = number,
#define DELIVER_OPTION(NAME, number, meaning)
#include "mta/msg/deliver.def"
#undef DELIVER_KIND
#undef DELIVER_OPTION
	DELIVER_KINDS_END	/* one more than the last */
};

enum deliver_option {
#define DELIVER_KIND(NAME, number, name, meaning)
#define DELIVER_OPTION(NAME, number, meaning) DELIVER_##NAME = number,
#include "mta/msg/deliver.def"
#undef DELIVER_KIND
#undef DELIVER_OPTION
	DELIVER_OPTIONS_END
};

#define DELIVER_HOW_MAX		8192	/* octets of kind and options */
#define DELIVER_PROGRAMS_MAX	8	/* programs of one owner at once */

/* "maildir"; NULL: no such kind. */
const char	*deliver_kind_name(unsigned kind);

/* One more option; what is longer than 65535 octets is cut. */
void		 deliver_option_add(struct buf *, unsigned option, struct span value);
/* The value of an option; false: it is not there. */
bool		 deliver_option(struct span options, unsigned option, struct span *value);
/* Well formed, each option one that exists, none twice. */
bool		 deliver_options_ok(struct span options);

/* A target's `how`: kind and options; false: nonsense. */
bool		 deliver_how(struct span how, unsigned *kind, struct span *options);

#endif
