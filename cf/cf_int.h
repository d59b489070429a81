/*
 * cf_int.h - what the passes of the compiler share: one compilation.
 *
 * There are no globals: everything a pass knows is reached from struct cf.
 */
#ifndef WB_CF_INT_H
#define WB_CF_INT_H

#include "base/hash.h"
#include "cf/cf.h"
#include "cf/tree.h"

#define CF_DIAGS_MAX	50		/* errors, then "too many" */
#define CF_TEXT_MAX	(16u << 20)	/* octets of a policy text */
#define CF_TEXTS_MAX	(64u << 20)	/* of it and all that it includes */
#define CF_FILE_MAX	(1u << 30)	/* octets of a table or file of items */

/* A file whose lines messages show: the policy, files of items, tables. */
struct cf_source {
	const char		*path;		/* as messages name it */
	const char		*full;		/* absolute */
	struct span		 text;
	unsigned		 role;		/* of struct rs_file */
	bool			 secret;	/* has hashes: no line of it is shown */
	uint8_t			 sha256[32];
	uint32_t		 image;		/* manifest index, by emit.c */
	uint32_t		*lines;		/* offset of each line */
	size_t			 nlines;
	/*
	 * Texts of the policy: a cf_loc counts octets over all of them, one
	 * text after the other in the order in which they are read.
	 */
	uint32_t		 base;
	struct cf_loc		 at;		/* of the include */
	struct cf_source	*next;
};

enum cf_sym_kind {
	CF_S_SET, CF_S_NET, CF_S_MAP, CF_S_MAILBOX, CF_S_RELAY, CF_S_TAG,
	CF_S_RULESET, CF_S_ARG, CF_S_LET, CF_S_DNSLIST, CF_S_MILTER, CF_S_FILTER,
	CF_S_RATE,		/* rate "name": not in the space of names */
	CF_S_CAPTURE		/* of a match or pattern, in its rule */
};

struct cf_sym {
	enum cf_sym_kind	 kind;
	struct span		 name;
	struct cf_loc		 loc;
	struct cf_decl		*decl;
	struct cf_rule		*let;
	bool			 used;
	bool			 is_set;	/* TAG: an action does */
	bool			 shared;	/* CAPTURE: of more than one pattern */
	bool			 twice;		/* CAPTURE: of two matches */
	uint8_t			 type;		/* SET: of its items; TAG, ARG, RULESET, LET */
	bool			 tainted, asked, table, may_fail, nothing;
	uint32_t		 index;		/* in the image; LET, ARG: number */

	/* SET, NET, DNSLIST (its codes): what their items came to */
	struct rs_value		*values;
	struct ipnet		*nets;
	struct cf_loc		*net_locs;	/* where each network was written */
	uint32_t		*value_lines;
	size_t			 n;
	/* MAP */
	struct span		 map_kind;
	struct cf_source	*source;
	struct cf_object	*object;	/* MAILBOX, RELAY, MILTER; MAP: its options, or NULL */
	bool			 record;	/* in place, with columns */
	bool			 unbuilt;	/* a database, and its text is read */
	size_t			 entries;	/* of a table that was read */
	struct cf_sym		**members;	/* of which it is made; compose.c */
	size_t			 nmembers;	/* 0: it is made of none */
	uint8_t			 composing;	/* 1: under way, 2: done */
	unsigned		 nasked;	/* tables, itself among them */
	unsigned		 depth;		/* 0: made of none */
	bool			 is_exact;	/* asked for the whole key only, as all members are */
	bool			 forgeable;	/* that a key is in it, a stranger can bring about */
	struct span		 wide;		/* a network of a cidr table that is the world, or nearly */
	const struct cf_kind	*made_kind;	/* of a pipe: key of the first, value of the last */
	/* RATE */
	struct cf_expr		*rate;		/* where it stands first */
	struct cf_sym		*next_rate;
	/* RULESET */
	uint32_t		 hooks;		/* bits of those in which all it names is known */
	struct cf_expr		*bounds[RS_NHOOKS];	/* what is not known there */
	struct cf_action	*barred[RS_NHOOKS];	/* what may not stand there */
	struct cf_expr		*calling;	/* the call through which it is left */
	uint8_t			 mark;		/* 1: being resolved, 2: resolved */
};

/* An option of a block as it is in force; options.c. */
struct cf_set_opt {
	enum rs_option		 option;
	bool			 is_default;
	struct cf_loc		 loc;
	struct cf_expr		**places;	/* NULL: left out */
	size_t			 nplaces;
	const struct cf_expr	*written;	/* its values, the word before */
	struct cf_set_opt	*next;
};

/* A block of options with all its defaults: an object of the image. */
struct cf_object {
	enum rs_object_kind	 kind;
	struct span		 name;
	struct cf_loc		 loc;		/* pos == end: nobody wrote it */
	struct cf_set_opt	*opts, *last;
	uint32_t		 index;
	bool			 made;		/* a listener of a filter, which stands in its block */
	struct cf_object	*next;
};

/* A folder out of which files may be included. */
struct cf_folder {
	const char		*path;		/* without a last '/' */
	struct cf_folder	*next;
};

struct cf_link;
struct cf_kind;

struct cf_limits {
	bool	too_many;	/* said already */
	bool	too_deep;
};

struct cf {
	struct arena		 arena;
	const char		*path;		/* of the policy, as given */
	const char		*folder;	/* absolute, of relative paths */
	struct cf_source	*sources;	/* the policy first */
	struct cf_source	*last_source;
	struct cf_source	**texts;	/* of the policy, by their base */
	size_t			 ntexts;
	struct cf_folder	*include_folders;

	struct cf_diag		*diags;
	size_t			 ndiags, cap_diags;
	size_t			 nerrors, nwarnings;
	struct cf_limits	 said;
	struct cf_diag		*unserved;
	size_t			 nunserved;

	struct cf_decl		*decls, *last_decl;
	struct htab		 names;		/* struct cf_sym, at the top */
	struct htab		 rates;		/* struct cf_sym, by name */
	struct cf_sym		*first_rate, *last_rate;
	enum cf_tables		 tables;
	struct cf_sym		**syms;		/* in the order of declaration */
	size_t			 nsyms, cap_syms;
	struct cf_object	*objects, *last_object;
	struct cf_decl		*hooks[RS_NHOOKS];	/* no rewriting */
	struct cf_decl		*rewrites[RS_NHOOKS];	/* one block may stand for several */
	struct cf_sym		**rulesets;	/* callees first */
	size_t			 nrulesets;
	uint32_t		 nlocals;	/* lets and captures of this block so far */
	uint32_t		 most_locals;	/* of one block */
	unsigned		 under_way;	/* rulesets being resolved */

	struct buf		 image;
	struct cf_test		*tests;
	size_t			 ntests;
	struct cf_link		*links;		/* tests.c */
};

/* diag.c: a note belongs to the message before it. */
void	cf_error(struct cf *, struct cf_loc, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	cf_warn(struct cf *, struct cf_loc, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
void	cf_note(struct cf *, struct cf_loc, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* How to mend what was reported last. */
void	cf_help(struct cf *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* In another file. */
void	cf_error_at(struct cf *, const struct cf_source *, uint32_t line, uint32_t column, uint32_t end, const char *, ...)
	    __attribute__((format(printf, 6, 7)));
void	cf_warn_at(struct cf *, const struct cf_source *, uint32_t line, uint32_t column, const char *, ...)
	    __attribute__((format(printf, 5, 6)));
void	cf_error_unserved(struct cf *, struct cf_loc, const char *, ...)
	    __attribute__((format(printf, 3, 4)));
/* In the order of the text; each note stays with its message. */
void	cf_diags_sort(struct cf *);
uint32_t cf_line(const struct cf *, struct cf_loc);
/* "line 3", or "line 3 of sets.conf" where that is not the file of `here`. */
const char *cf_where(struct cf *, struct cf_loc, struct cf_loc here);

/* source.c */
struct cf_source *cf_source_add(struct cf *, const char *path, const char *full, struct span text, unsigned role);
/*
 * Reads a text that the policy includes; NULL with errno, EFBIG when the
 * policy would be too large.
 */
struct cf_source *cf_source_text(struct cf *, const char *path, const char *full, struct cf_loc at);
/* The text in which a place lies, and the place in it. */
const struct cf_source *cf_source_at(const struct cf *, struct cf_loc);
/* What is written there; borrowed from the source. */
struct span cf_source_written(const struct cf *, struct cf_loc);
void		 cf_place(const struct cf *, struct cf_loc, uint32_t *line, uint32_t *column);
/* What stands there; it ends with the text. */
struct span	 cf_written(const struct cf *, struct cf_loc);
/* Reads a file named in the policy; NULL with errno when it cannot be read. */
struct cf_source *cf_source_read(struct cf *, struct span name, unsigned role);
/* The same of a file that is no text: it has no lines. */
struct cf_source *cf_source_octets(struct cf *, struct span name, unsigned role);
/* Line and column (1-based) of an offset. */
void	 cf_source_place(const struct cf_source *, uint32_t pos, uint32_t *line, uint32_t *column);
struct span cf_source_line(const struct cf_source *, uint32_t line);
/* Absolute: a relative name is in the policy's folder. */
const char *cf_full_path(struct cf *, struct span name);
/*
 * A plain file (what a device or a pipe gives would not be there again), added
 * to out; -1 with errno.
 */
int	cf_read_plain(const char *full, struct buf *out);

/* options.c */
const struct cf_set_opt *cf_option(const struct cf_object *, enum rs_option);
/* The text of a constant place of an option that stands once; empty: none. */
struct span	 cf_option_text(const struct cf *, enum rs_object_kind, enum rs_option);

/* words.c */
/* The nearest of the candidates, or none. */
struct cf_near {
	struct span	word;
	struct span	best;
	unsigned	distance;
	const struct cf_sym *sym;
};
void		 cf_near_begin(struct cf_near *, struct span word);
void		 cf_near_try(struct cf_near *, struct span candidate);
void		 cf_near_sym(struct cf_near *, const struct cf_sym *);
void		 cf_near_extensions(struct cf_near *);	/* door.c */

/* The passes, in their order; each reports and goes on. */
void	cf_parse(struct cf *);		/* parse.c: scanner, ends, grammar */
/* Option statements that are not in the file: the defaults; NULL on an error. */
struct cf_opt *cf_parse_options(struct cf *, struct span text);
void	cf_names(struct cf *);		/* names.c: declares; sets, nets, maps */
void	cf_items_read(struct cf *, struct cf_sym *);	/* items.c */
void	cf_map_read(struct cf *, struct cf_sym *);	/* tables.c */
void	cf_maps_compose(struct cf *);	/* compose.c: all have been read */
void	cf_options(struct cf *);	/* options.c */
void	cf_types(struct cf *);		/* types.c */
void	cf_prove(struct cf *);		/* prove.c */
void	cf_unused(struct cf *);		/* names.c */
void	cf_tests(struct cf *);		/* tests.c */
void	cf_emit(struct cf *);		/* emit.c */
void	cf_tests_link(struct cf *);	/* tests.c: numbers of the image */

struct cf_sym	*cf_find(struct cf *, struct span name);
/* As messages name kinds and types: "a set of domain", "an ip". */
const char	*cf_sym_what(struct cf *, const struct cf_sym *);
const char	*cf_type_what(unsigned type);

#endif
