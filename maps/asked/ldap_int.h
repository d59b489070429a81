/*
 * ldap_int.h - what the files of the driver `ldap` share.
 */
#ifndef WB_MAPS_ASKED_LDAP_INT_H
#define WB_MAPS_ASKED_LDAP_INT_H

#include <ldap.h>

#include "base/buf.h"
#include "maps/asked/dial.h"
#include "maps/asked/gather.h"

#define LDAP_SERVERS_MAX	8
#define LDAP_COLUMNS_MAX	32
#define LDAP_ENTRIES_MAX	10000	/* that a search may find */

enum ldap_tls { LDAP_TLS_NONE, LDAP_TLS_START, LDAP_TLS_ALWAYS };

struct ldap_server {
	struct asked_place	 place;
	char			*url;		/* scheme, host and port alone */
	enum ldap_tls		 tls;
};

/* The policy's words of one table. */
struct ldap_words {
	size_t			 nservers;
	struct ldap_server	 servers[LDAP_SERVERS_MAX];
	struct asked_template	 base, filter;
	enum asked_want		 want;
	int			 scope;
	size_t			 ncolumns;	/* 0: only whether there is an entry */
	char			*columns[LDAP_COLUMNS_MAX + 1];	/* NULL at the end */
	char			*login;		/* or NULL: nobody */
	char			*password;
	int64_t			 timeout_ms;
};

/* --- ldap_words.c */

/* 0, or -1 with *why (static). */
int		 ldap_words_init(struct ldap_words *, const struct asked_source *, const char **why);
void		 ldap_words_clear(struct ldap_words *);
/*
 * The template with this key.  What is put in is escaped as RFC 4515, 3 and
 * RFC 4514, 2.4 both have it: '\' and two hex digits for all but letters,
 * digits, and "-._@".
 */
void		 ldap_fill(const struct asked_template *, struct span key, struct buf *out);

/* --- ldap_answer.c */

/*
 * Adds an entry: with one column a row for each of its values, else one row,
 * several values of an attribute with commas between them.  ASKED_DN: its name.
 */
void		 ldap_take_entry(LDAP *, LDAPMessage *, const struct ldap_words *, struct asked_gather *);
/* What a search's end says; why for LATER and BROKEN. */
enum map_result	 ldap_take_end(LDAP *, LDAPMessage *, char why[ASKED_WHY_MAX]);
/* Of a bind as somebody: FOUND it is he, NONE the password is wrong, else why. */
enum map_result	 ldap_take_bind(LDAP *, LDAPMessage *, char why[ASKED_WHY_MAX]);
/* The result code of any other operation; 0, or -1 with why. */
int		 ldap_take_result(LDAP *, LDAPMessage *, const char *what, char why[ASKED_WHY_MAX]);

#endif
