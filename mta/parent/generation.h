/*
 * generation.h - one configuration: the image, its files, the mailboxes' owners.
 *
 * A reload makes a new one beside the old; when that fails the old one is
 * still whole.  Owns: descriptors of the image (a sealed memfd) and of the
 * tables.
 */
#ifndef WB_MTA_PARENT_GENERATION_H
#define WB_MTA_PARENT_GENERATION_H

#include "base/chan.h"
#include "ruleset/image.h"

#include <sys/stat.h>

struct generation;

/* What stat(2) tells of a file; two that are equal hold the same content. */
struct file_mark {
	bool		there;
	dev_t		dev;
	ino_t		ino;
	off_t		size;
	struct timespec	mtime, ctime;
};

/* Octets of a compiled image; 0, or -1 with *why (free it). */
struct generation	*generation_new(uint32_t number, struct span image, char **why);
/* The same image, its tables opened anew; NULL with *why. */
struct generation	*generation_again(const struct generation *, uint32_t number, char **why);
void			 generation_free(struct generation **);
uint32_t		 generation_number(const struct generation *);
const struct rs_image	*generation_image(const struct generation *);

/* CONFIG_IMAGE. */
void	generation_send_image(const struct generation *, struct chan *);
/* CONFIG_IMAGE, CONFIG_TABLE (to those who ask tables), CONFIG_OWNER. */
void	generation_send(const struct generation *, struct chan *, bool tables);

/* Whether it has tables that servers have: the lookup process is wanted. */
bool	generation_asks_servers(const struct generation *);
/*
 * CONFIG_SECRET: the files of their passwords, to the lookup process; to auth
 * those of maps of accounts.
 */
/* The same of the block srs, to who evaluates the policy. */
void	generation_send_srs(const struct generation *, struct chan *);
/* Why a file of secrets cannot be used, for people (heap); NULL: it can. */
char	*generation_srs_mistake(const struct generation *);
void	generation_send_secrets(const struct generation *, struct chan *, bool accounts);

/* Which of its files differ from what was read? */
enum { CHANGED_TEXT = 1, CHANGED_TABLE = 2, CHANGED_CERT = 4 };
unsigned	generation_changed(const struct generation *);
/* The files of authorities were others when the old one was made. */
bool		generation_other_authorities(const struct generation *, const struct generation *old);
/* All that differ were renamed into their place: they are whole. */
bool		generation_renamed(const struct generation *);
/* Sum of all marks as they are now: tells one look from the next. */
uint64_t	generation_look(const struct generation *);

#endif
