/*
 * certs.h - the certificates of a configuration: one for each tls block, and
 * those that relay blocks show to next hops.
 *
 * Their files are copied, examined by the keys process, and watched.  What is
 * good is used by the next generation; what is not leaves the old pair in its
 * place, as with tables.  A certificate and its key are renewed one after the
 * other: while they do not fit the old pair serves, and only when that lasts
 * something is said.
 */
#ifndef WB_MTA_PARENT_CERTS_H
#define WB_MTA_PARENT_CERTS_H

#include "base/chan.h"
#include "base/json.h"
#include "mta/msg/keys.h"

struct generation;
struct pairs;

#define CERTS_UNFIT_MS	5000	/* how long two files may not fit, unsaid */

/* Fills in which there are; none of them has been examined. */
void	certs_init(struct generation *);
void	certs_clear(struct generation *);
bool	certs_any(const struct generation *);
/* How long a session ticket is good; 0: none are given. */
int64_t	certs_ticket_ms(const struct generation *);
/*
 * What old has serves on where it is the same block; it is examined anew when a
 * file of it has changed since, and has not failed already as it is now.
 */
void	certs_inherit(struct generation *, const struct generation *old);

/* Those that are wanted are copied, and keys is asked. */
void	certs_ask(struct generation *, struct pairs *);
/* Whether an answer is missing; takes those that have come. */
bool	certs_waiting(struct generation *);
/* What has no answer yet will not get one. */
void	certs_give_up(struct generation *, const char *why);

/*
 * Whether it can be served: false, with *why (free it), when a block has no
 * certificate at all.  start: only the one without `for` is a must, and any at
 * all: the others may come later.
 */
bool	certs_good(const struct generation *, bool start, char **why);
/* One has a new pair, compared with what it inherited. */
bool	certs_have_new(const struct generation *);
/* One was given up, and nothing is wrong with its files. */
bool	certs_need_again(const struct generation *);
/* What is wrong with files of `from` is said of these, which serve on. */
void	certs_take_faults(struct generation *, struct generation *from);

enum { CERTS_SAME, CERTS_CHANGED, CERTS_RENAMED };
/* Which of these have happened to its files since it was made; an OCSP answer that has ended counts as renamed. */
int	certs_changed(const struct generation *);
/* Sum of all marks as they are now. */
uint64_t certs_look(const struct generation *);
/* Now and then: says what has lasted, and what will expire soon. */
void	certs_remind(struct generation *);

/* CONFIG_CERT of all that this one shows. */
void	certs_send(const struct generation *, struct chan *, enum keys_owner);
/* "certificates": an array for `status`. */
void	certs_json(const struct generation *, struct json *);

#endif
