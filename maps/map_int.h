/*
 * map_int.h - what map.c, the drivers and the kinds share of a table.
 *
 * A driver brings octets, a kind takes them apart into keys and values, and
 * map.c keeps them: one array of entries with a hash over it; keys and values
 * lie where the driver has read them, so that a million entries cost little
 * more than their text.
 */
#ifndef WB_MAPS_MAP_INT_H
#define WB_MAPS_MAP_INT_H

#include "base/arena.h"
#include "base/hash.h"
#include "maps/map.h"

#define MAP_FILE_MAX	(1u << 30)	/* octets of a table */
#define MAP_LINE_MAX	(16u << 20)	/* octets of a line: 100,000 members in one */
#define MAP_KEY_MAX	1024		/* octets of a key */

/* What was read of a file; the octets are the map's to change. */
struct map_text {
	struct map_text	*next;
	uint32_t	 file;		/* 0: the table; n: the n-th included */
	bool		 borrowed;	/* octets lie in an index: nobody's to change */
	size_t		 n;
	char		*octets;	/* behind it, or in an index */
};

#define ENTRY_BROKEN	UINT32_MAX

struct map_entry {
	const char	*key;
	uint32_t	 key_n;
	uint32_t	 value_off;	/* from key on; ENTRY_BROKEN: none */
	uint32_t	 value_n;
	uint32_t	 line;
};

struct map_slot {
	uint32_t	 hash;		/* of the key: tells most keys apart */
	uint32_t	 entry;		/* its number from 1; 0: free */
};

struct map_kind {
	const char	*name;
	/* One logical line of a text, '\n' still in it where it was continued. */
	void		(*line)(struct map *, struct map_text *, struct span, uint32_t line);
	/* A key and its value that were given apart. */
	void		(*entry)(struct map *, struct span key, struct span value);
	/*
	 * Of tables of words (words.c): the key in its one spelling, in the
	 * scratch; 1: to be passed over, -1: none.  And whether this is a value
	 * of the kind: 0, or -1.
	 */
	int		(*key)(struct map *, struct span in, struct arena *scratch, struct span *out, struct map_fault *);
	int		(*value)(struct span, struct map_fault *);
	/* What sendmail does with such an entry that nobody wants, and where; false: nothing. */
	bool		(*trap)(struct span key, struct span value, struct map_fault *);
	/* Looks for an address; NULL: the key exactly. */
	enum map_result	(*get_address)(struct map_look *, struct span whole, size_t at, struct span detail_chars, struct map_answer *);
	/* Looks for a domain; NULL: the key exactly. */
	enum map_result	(*get_domain)(struct map_look *, struct span domain, struct map_answer *);
	bool		 secret;	/* texts are wiped when they have been read */
	bool		 continued;	/* a line that begins with a blank goes on */
};

struct map_driver {
	const char	*name;
	void		(*open)(struct map *, const struct map_source *);
	/*
	 * Of a table that came as an index: makes `own` of the entries
	 * (map_next_entry()), and sets `find` and `clear`; what is damaged
	 * makes the map broken.  NULL: nothing is needed.
	 */
	void		(*thaw)(struct map *);
};

/* All of drivers.def and kinds.def, each in its file. */
#define DRIVER(name, where, how, with, options, meaning) \
	extern const struct map_driver map_driver_##name;
#include "maps/drivers.def"
#undef DRIVER
#define KIND(name, key, value, meaning) \
	extern const struct map_kind map_kind_##name;
#include "maps/kinds.def"
#undef KIND

/* Bit n: there is a prefix of n bits. */
struct map_prefixes {
	uint64_t	v4[1], v6[3];
};

struct map_index;

struct map {
	char			*name;
	const struct map_kind	*kind;
	char			*path;		/* of the table, or NULL */
	char			*host;		/* our own name */
	struct map_index	*index;		/* holds the entries; those of map_add come before */
	struct map_prefixes	 prefixes;	/* access: lengths that occur */
	bool			 host_names;	/* access: names of clients occur */
	bool			 database;	/* was read from one */
	bool			 declared;	/* says only what was added, and what find() of a look-up says */
	bool			 whole;		/* patterns: only the whole key is asked */
	/* A driver's own way to find a key; NULL: the hash. */
	enum map_result		(*find)(struct map_look *, struct span key, struct map_answer *);
	void			(*clear)(struct map *);	/* frees what it needs for that */
	void			*own;		/* what it needs */
	bool			 broken;	/* nothing can be said */
	bool			 key_lost;	/* a key could not be read: no "none" */
	bool			 bad_members;	/* lists have members that cannot be read */
	bool			 adding;	/* map_add: the new entry counts */
	struct map_entry	*entries;
	uint32_t		 n, cap;
	struct map_slot		*slots;
	uint32_t		 nslots;	/* a power of two, or 0 */
	struct map_text		*texts;
	struct arena		 arena;		/* keys and values of map_add and the like */
	struct htab		 includes;	/* path to struct map_include */
	/* while the map is opened: */
	bool			 notes;
	map_include_fn		*include;
	map_problem_cb		*problem;
	void			*arg;
};

/* Reads all of fd; NULL with *why.  The text is the map's. */
struct map_text	*map_text_read(struct map *, int fd, uint32_t file, const char **why);
/* Wipes and frees what has been read of secret tables. */
void		 map_texts_wipe(struct map *);

/* Tells a mistake: line and column are of at, which lies in text; raw is the logical line. */
void		 map_mistake(const struct map *, const struct map_text *, struct span raw, uint32_t line, const char *at, const char *what);
/* The same of an entry that is passed over. */
void		 map_warning(const struct map *, const struct map_text *, struct span raw, uint32_t line, const char *at, const char *what);
/* Something that another server does, when that is wanted. */
void		 map_note(const struct map *, const struct map_text *, struct span raw, uint32_t line, const char *at, const char *what);
/* The whole table cannot be read. */
void		 map_unreadable(struct map *, const char *why);

/* Stores what lies in the map's texts or arena (value behind key). */
void		 map_store(struct map *, const struct map_text *, struct span key, struct span value, uint32_t line);
/* The same for a key whose entry cannot be read, and for one elsewhere: both are copied. */
void		 map_store_copy(struct map *, const struct map_text *, struct span key, struct span value, uint32_t line);
void		 map_store_broken(struct map *, const struct map_text *, struct span key, uint32_t line);
/* A line that cannot be read: its first word is taken for the key. */
void		 map_line_broken(struct map *, const struct map_text *, struct span raw, uint32_t line, const char *at, const char *what);

/* --- traps.c: the traps of these kinds */
bool		 map_trap_access(struct span key, struct span value, struct map_fault *);
bool		 map_trap_routes(struct span key, struct span value, struct map_fault *);
bool		 map_trap_virtusers(struct span key, struct span value, struct map_fault *);

/* The line and entry of kinds of `key value` lines: by their key and value. */
void		 map_words_line(struct map *, struct map_text *, struct span raw, uint32_t line);
void		 map_words_entry(struct map *, struct span key, struct span value);
/* kind_plain.c: `key value`, `key: value`, `"a key" value`; what is wrong with it (static), or NULL. */
const char	*map_plain_key(struct span raw, struct span *key, struct span *value);
/* A value of several lines becomes one. */
void		 map_one_line(char *, size_t n);
/* %0 to %9 in the text; missing ones are empty.  `%%` is a '%'. */
struct span	 map_fill(struct span text, const struct span args[10], struct arena *);
/* The key that the pieces make, one behind the other. */
enum map_result	 map_find_pieces(struct map_look *, const struct span *pieces, size_t n, struct map_answer *);
/* Prefixes of this length occur; whether they do. */
void		 map_prefix_note(struct map_prefixes *, const struct ipnet *);
bool		 map_prefix_has(const struct map_prefixes *, const struct ip *, unsigned bits);
/*
 * The logical lines of a text, each to a function: those that begin with a
 * blank go on with the one above, where that is so.  False: the file, or a
 * line, could not be read; the mistake has been told.
 */
typedef void map_line_fn(struct map *, struct map_text *, struct span raw, uint32_t line);
bool		 map_text_lines(struct map *, const struct map_source *, bool continued, map_line_fn *);
/* The driver `text`: logical lines, each to the kind. */
void		 map_text_open(struct map *, const struct map_source *);

/*
 * The entries one after the other, in the order of the table, wherever they
 * lie; *pos starts at 0.  1: *out is one, 0: that was the last, -1: the index
 * is damaged.
 */
int		 map_next_entry(const struct map *, uint64_t *pos, struct map_entry *out);
/* Of the folded key. */
uint64_t	 map_hash(struct span key);
/* A map without entries; *driver is NULL when there is none of that name. */
struct map	*map_begin(const struct map_source *, const struct map_driver **driver);

/* Exactly this key, folded. */
enum map_result	 map_find(struct map_look *, struct span key, struct map_answer *);
/* What is said of a key that is not there. */
enum map_result	 map_none(const struct map_look *);
/* kind_access.c: the questions MAP_ASK_ACCESS_... */
enum map_result	 map_access_look(struct map_look *, const struct map_question *, struct map_answer *);

/* Blanks of a logical line: a continued one has line ends in it. */
static inline bool
map_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline struct span
map_trim(struct span s)
{
	while (s.n > 0 && map_is_blank(s.p[0]))
		s = span_from(s, 1);
	while (s.n > 0 && map_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

#endif
