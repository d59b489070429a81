/*
 * account.h - an entry of an accounts table, taken apart (waybill-tables(5),
 * accounts).
 *
 *   ann:{CRYPT}$y$... {SCRAM-SHA-256}4096,...
 *       quota=2G
 *       app phone 2026-11-21 {CRYPT}$y$...
 *
 * The table itself (map_open) shows names and columns.  Who verifies and who
 * edits reads the file by accounts_each(); nobody else looks at a secret.
 * What a fault says never has a piece of one.
 */
#ifndef WB_MAPS_ACCOUNT_H
#define WB_MAPS_ACCOUNT_H

#include "base/span.h"

#define ACCOUNT_SECRETS_MAX	8	/* of an account, and of each app */
#define ACCOUNT_COLUMNS_MAX	64
#define ACCOUNT_APPS_MAX	64
#define ACCOUNT_WORD_MAX	64	/* octets of an app's or a column's name */
#define ACCOUNT_NAME_MAX	1024	/* octets of an account's */
#define SCRAM_ITERATIONS_LEAST	4096	/* RFC 5802, 5.1 */
#define SCRAM_ITERATIONS_MAX	1000000	/* a thread counts them for each check */

enum account_scheme {
#define SCHEME(id, word, form, begins, meaning) ACCOUNT_##id,
#include "maps/schemes.def"
#undef SCHEME
	ACCOUNT_NSCHEMES
};

enum account_form {
	ACCOUNT_FORM_CRYPT, ACCOUNT_FORM_SCRAM, ACCOUNT_FORM_PLAIN,
	ACCOUNT_FORM_SALTED
};

const char	*account_scheme_name(enum account_scheme);	/* "CRYPT" */
enum account_form account_scheme_form(enum account_scheme);
/* Without regard to case; false: there is none of that name. */
bool		 account_scheme_find(struct span name, enum account_scheme *);
/*
 * What is wrong with the text behind the scheme (static), or NULL.  weak: a
 * warning for one that is well-formed (static), or NULL.
 */
const char	*account_secret_fault(enum account_scheme, struct span text, const char **weak);

/* The fields of a SCRAM secret; salt and keys in base64. */
struct account_scram {
	uint32_t	 iterations;
	struct span	 salt, stored_key, server_key;
};
bool		 account_scram_parse(enum account_scheme, struct span text, struct account_scram *);

enum account_part { ACCOUNT_SECRET, ACCOUNT_COLUMN, ACCOUNT_APP };

/* In the order of the entry: an app comes before its secrets. */
struct account_item {
	enum account_part	 part;
	struct span		 name;	/* COLUMN, APP; SECRET: its app's, or empty */
	struct span		 value;	/* COLUMN; APP: since when, or empty; SECRET: behind the scheme */
	enum account_scheme	 scheme;	/* SECRET */
	struct span		 line;	/* COLUMN, APP: the physical line, with its '\n' where it has one */
};

enum account_fault {
	ACCOUNT_WEAK,		/* it works, and should be better */
	ACCOUNT_BAD_SECRET,	/* that secret is none */
	ACCOUNT_BAD_ENTRY	/* something else cannot be read */
};

struct account_reader {
	void	(*item)(void *arg, const struct account_item *);	/* or NULL */
	void	(*fault)(void *arg, enum account_fault, const char *at, const char *what);	/* or NULL */
	void	*arg;
};

/*
 * A logical line, comments blanked.  name: the account's, and secrets: what
 * stands behind the ':' in its line.  NULL, or what is wrong with its
 * beginning (static): there is no name, and nothing else has been told.
 */
const char	*account_parse(struct span raw, const struct account_reader *, struct span *name, struct span *secrets);
/* A list of secrets alone, as it stands behind the ':'. */
void		 account_parse_secrets(struct span, const struct account_reader *);
/* `x`, `*`, `!` or nothing: nobody logs in. */
bool		 account_no_secret(struct span);
/* What is wrong with a name (static), or NULL. */
const char	*account_name_fault(struct span);
const char	*account_app_fault(struct span);
const char	*account_column_fault(struct span name, struct span value);

/* --- a file with its secrets */

struct account_entry {
	struct span	 raw;		/* the logical line; empty when broken */
	struct span	 name;		/* empty: it cannot be told */
	size_t		 at;		/* of raw: octets from the start of the file */
	uint32_t	 line;
	bool		 broken;	/* it cannot be read */
};
/* Borrowed until it returns; then the memory is wiped. */
typedef void accounts_cb(void *arg, const struct account_entry *);
/*
 * Each entry of the file (a duplicate too), broken ones at the end.  -1 with
 * *why (static): the file cannot be read.
 */
int		 accounts_each(int fd, accounts_cb *, void *arg, const char **why);

#endif
