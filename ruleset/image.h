/*
 * image.h - the compiled policy: one position-independent file, mapped
 * read-only.
 *
 * Layout: struct rs_header (magic "WBIMAGE2", version, size, SHA-256 of all
 * that follows the header), a table of sections (sections.def), the sections;
 * little-endian, each aligned to 8; every reference is an index or an offset,
 * never a pointer.
 * image.c opens and checks the frame, verify.c proves the rest; after
 * rs_image_open() accessors only assert.
 *
 * build.h writes it; doc/image.md describes every section.
 */
#ifndef WB_RULESET_IMAGE_H
#define WB_RULESET_IMAGE_H

#include "ruleset/op.h"
#include "ruleset/value.h"

struct rs_image;

enum rs_object_kind {
	RS_O_SERVER, RS_O_LISTEN, RS_O_SPOOL, RS_O_QUEUE, RS_O_LIMITS,
	RS_O_MAILBOX, RS_O_RELAY,
	RS_O_TLS,		/* name: "", or the host of `for` */
	RS_O_MILTER,
	RS_O_MAP,		/* options of a map; name: the map's */
	RS_O_AUTH,
	RS_O_NOTIFY,
	RS_O_FILTER,
	RS_O_SRS,
	RS_O_PROGRAMS,
	RS_O_REPORTS,		/* `tls reports` */
	RS_NOBJECTS
};

enum rs_option {
#define OPTION(block, id, word, places, repeat, dflt, served, meaning) \
	RS_OPT_##block##_##id,
#include "ruleset/options.def"
#undef OPTION
	RS_NOPTIONS
};

enum rs_option_repeat { RS_OPT_ONCE, RS_OPT_MANY, RS_OPT_LIST };
enum rs_option_served { RS_OPT_SERVED_YES, RS_OPT_SERVED_LATER };

struct rs_option_info {
	uint8_t		 block;		/* enum rs_object_kind */
	uint8_t		 repeat;	/* enum rs_option_repeat */
	uint8_t		 served;	/* enum rs_option_served */
	const char	*word, *places, *dflt, *meaning;
};

extern const struct rs_option_info rs_options[RS_NOPTIONS];
extern const char *const rs_object_names[RS_NOBJECTS];	/* "mailbox" */

/*
 * The letter of a place ('t', 'i', ...), '\0' beyond the last; LIST has the
 * same one for all.  What the image holds there: t w TEXT; T TEXT or a
 * function; i c INT; s SIZE; d TIME (`never` is -1); m INT, the map's number;
 * n NET; N INT, one for the whole list: the
 * number of the networks; r RATE; f INT, the milter's object; h INT, the
 * relay block's; D INT, one for the whole list: the number of the set of domains; Z SIZE or a function; q TEXT in
 * which {key}, {user} and {domain} stand for the key and what is before and
 * behind its last '@', \{ and \\ for a brace and a backslash; S a function, or
 * TEXT: "file:/path", "text:secret"; y INT 1.
 */
char		 rs_option_letter(enum rs_option, unsigned place);

/* Of a message; as mta/spool/attributes.h has them. */
enum rs_priority { RS_HIGH, RS_NORMAL, RS_LOW, RS_NPRIORITIES };
extern const char *const rs_priority_names[RS_NPRIORITIES];
/* The extension that `hide` names so, or RS_NEXTENSIONS. */
unsigned	 rs_extension_named(struct span word);
/* "chunking, dsn": the words of a set, in the order of extensions.def. */
#define RS_EXT_LIST_MAX	256	/* octets of all of them */
const char	*rs_extension_list(uint32_t set, char out[RS_EXT_LIST_MAX]);

/* Kinds of functions in the code. */
enum rs_func_kind { RS_FUNC_HOOK, RS_FUNC_RULESET, RS_FUNC_EXPR };

#define RS_ARGS_MAX	8	/* of one function */

struct rs_func {
	uint32_t	name;		/* string */
	uint8_t		kind;
	uint8_t		hook;		/* enum rs_hook; EXPR: where known */
	uint8_t		nargs;		/* in registers 0.. */
	uint8_t		nregs;
	uint8_t		result;		/* enum rs_type (RULESET, EXPR) */
	uint8_t		arg_types[RS_ARGS_MAX];
	uint8_t		pad[3];
	uint32_t	start, end;	/* instructions [start, end) */
};

struct rs_rule {
	uint32_t	func;
	uint32_t	file;		/* manifest index */
	uint32_t	line;
	uint32_t	text;		/* string: as written, blanks folded */
};

struct rs_reply {
	uint16_t	code;		/* 550 */
	uint16_t	pad;
	uint32_t	status;		/* string "5.7.1" */
};

struct rs_map_decl {
	uint32_t	name;
	uint32_t	driver;		/* string: "text", "inline" */
	uint32_t	kind;		/* string: "plain", "aliases" */
	uint32_t	file;		/* manifest index; UINT32_MAX: none */
	uint32_t	line;		/* of its declaration */
	uint32_t	first_entry, nentries;	/* inline: pairs of strings */
	uint32_t	where;		/* string: path, URI, conninfo; empty */
	uint32_t	object;		/* its options; UINT32_MAX: none */
};

/* `dnslist zen = "zen.example.net" codes ...` */
struct rs_list {
	uint32_t	name, zone;	/* strings */
	uint32_t	codes;		/* nets */
	uint32_t	line;
};

/* `rate "name" by ... over 100/1h` */
struct rs_rate {
	uint32_t	name;		/* string */
	uint32_t	line;
	int64_t		rate;		/* RS_RATE_COUNT(), RS_RATE_MS() */
};

/*
 * A pattern of addresses (`like`, rewrite): tokens [first, first + n).  A token
 * is a word in the sense of RFC 5322's atoms and specials (ruleset/pattern.h).
 */
struct rs_pattern {
	uint32_t	first, n;
	uint32_t	text;		/* string: as written */
};

enum rs_token_kind {
	RS_TOK_TEXT,		/* string: this token, case folded */
	RS_TOK_AT,		/* the '@' between local part and domain */
	RS_TOK_SOME,		/* {x}: one or more tokens */
	RS_TOK_ANY,		/* {x*}: none or more */
	RS_TOK_ONE,		/* {x.}: exactly one */
	RS_TOK_IN_SET, RS_TOK_IN_MAP,	/* {x in S}: the tokens that are in it */
	RS_TOK_NOT_SET, RS_TOK_NOT_MAP	/* {x not in S}: exactly one that is not; all of a domain, where a pattern has nothing else behind '@' */
};

struct rs_token {
	uint32_t	kind;
	uint32_t	string;		/* TEXT; else the capture's name */
	uint32_t	index;		/* set or map */
};

struct rs_regex {
	uint32_t	text;		/* string: the expression, PCRE2 syntax */
	uint32_t	flags;		/* RS_REGEX_ICASE */
};
#define RS_REGEX_ICASE	1

struct rs_file {
	uint32_t	path;		/* absolute */
	uint8_t		role;		/* 0 policy, 1 items, 2 table, 3 include */
	uint8_t		pad[3];
	uint8_t		sha256[32];	/* when compiled; of tables too */
};

struct rs_tag { uint32_t name; uint32_t type; uint32_t dflt; /* const */ };

struct rs_object {
	uint32_t	kind;
	uint32_t	name;		/* string; LISTEN: its own, or else "smtp" */
	uint32_t	line;
	uint32_t	first_option, noptions;
};

/* One place of one option: a constant or an expression. */
struct rs_place {
	uint32_t	is_func;
	uint32_t	index;		/* UINT32_MAX: left out */
};

struct rs_optval {
	uint16_t	option;		/* enum rs_option */
	uint16_t	is_default;	/* 1: nobody wrote it */
	uint32_t	line;
	uint32_t	first_place, nplaces;
};

/*
 * Maps fd (a file or sealed memfd), checks and verifies all of it.  NULL with
 * *why (static or until the next call).  fd stays the caller's.
 */
struct rs_image	*rs_image_open(int fd, const char **why);
/*
 * The same for who evaluates nothing (the parent is root): the regular
 * expressions are not given to PCRE2.
 */
struct rs_image	*rs_image_open_settings(int fd, const char **why);
/* rs_image_open() over memory, which is borrowed (fuzzing, tests, `waybill test`). */
struct rs_image	*rs_image_open_mem(const void *, size_t, const char **why);
void		 rs_image_free(struct rs_image **);
/* First 16 hex digits of the image's SHA-256: what logs call the policy. */
const char	*rs_image_hash(const struct rs_image *);

/*
 * Whether mail may go by `lmtp` to sockets in the file system; true also when
 * that is computed (sockets.c).
 */
bool		 rs_image_uses_sockets(const struct rs_image *);

struct span	 rs_string(const struct rs_image *, uint32_t);
struct rs_value	 rs_const(const struct rs_image *, uint32_t);
#define RS_TABLE(type, name) \
	const struct type *rs_##name(const struct rs_image *, uint32_t); \
	uint32_t rs_n##name(const struct rs_image *);
RS_TABLE(rs_insn, insn)
RS_TABLE(rs_func, func)
RS_TABLE(rs_rule, rule)
RS_TABLE(rs_reply, reply)
RS_TABLE(rs_map_decl, map)
RS_TABLE(rs_file, file)
RS_TABLE(rs_tag, tag)
RS_TABLE(rs_object, object)
RS_TABLE(rs_list, list)
RS_TABLE(rs_rate, rate)
RS_TABLE(rs_pattern, pattern)
RS_TABLE(rs_token, token)
RS_TABLE(rs_regex, regex)
#undef RS_TABLE
/* Source line of an instruction, 0 when there is none. */
uint32_t	 rs_insn_line(const struct rs_image *, uint32_t);
/* Key and value of an in-place map's entry. */
void		 rs_map_entry(const struct rs_image *, uint32_t,
    struct span *key, struct span *value);
/*
 * Maps made of others: driver "first", "union" or "pipe", and entries whose
 * values are the names of the others, in their order.  The verifier has proved
 * that they are there, and that no question to one comes to more than
 * RS_MAP_ASKED_MAX maps, those between counted.
 */
#define RS_MAP_MEMBERS_MAX	16
#define RS_MAP_ASKED_MAX	64
#define RS_MAP_DEPTH_MAX	8	/* made of what is made of ... */
enum rs_made { RS_MADE_NOT, RS_MADE_FIRST, RS_MADE_UNION, RS_MADE_PIPE };
enum rs_made	 rs_map_made(const struct rs_image *, uint32_t map);
/* The nth of those that it is made of; UINT32_MAX behind the last. */
uint32_t	 rs_map_member(const struct rs_image *, uint32_t map,
    uint32_t nth);
/* It is neither here nor in a file: a server is asked for it. */
bool		 rs_map_is_asked(const struct rs_image *, uint32_t map);
/* The map of this name, or UINT32_MAX. */
uint32_t	 rs_map_named(const struct rs_image *, struct span name);
/* The path behind `password file` of its login; empty: there is none. */
struct span	 rs_map_secret_file(const struct rs_image *, uint32_t map);
/* The function of a hook, or UINT32_MAX where the policy has none. */
uint32_t	 rs_hook(const struct rs_image *, enum rs_hook);
/*
 * Bit set of facts (RS_FACT_BIT) and of tags (RS_TAG_BIT) that function and
 * what it calls may name.  The tags from the 23rd on share a bit.
 */
#define RS_FACT_BIT(fact)	(UINT64_C(1) << (fact))
#define RS_TAG_BIT(tag) \
	(UINT64_C(1) << (40 + ((tag) < 23 ? (tag) : 23)))
uint64_t	 rs_func_facts(const struct rs_image *, uint32_t func);

/* Membership; for the interpreter. */
bool		 rs_set_has(const struct rs_image *, uint32_t set,
    const struct rs_value *);
bool		 rs_nets_has(const struct rs_image *, uint32_t nets,
    const struct ip *);
struct span	 rs_set_name(const struct rs_image *, uint32_t set);
uint32_t	 rs_nnets(const struct rs_image *);
struct span	 rs_nets_name(const struct rs_image *, uint32_t nets);

/*
 * The nth statement of an option of an object (0 for ONCE and LIST; LIST has
 * one place for each value).  false: there is none.  Defaults are there too.
 */
bool		 rs_option(const struct rs_image *, uint32_t object,
    enum rs_option, unsigned nth, const struct rs_optval **);
/* The nth statement of an object, in the order in which they stand; defaults come last. */
bool		 rs_object_option(const struct rs_image *, uint32_t object,
    unsigned nth, const struct rs_optval **);
/* Whether the address is in the networks of the option (N); false: it has none. */
bool		 rs_option_has_ip(const struct rs_image *, uint32_t object,
    enum rs_option, const struct ip *);
/*
 * A place of the first statement, when it is a constant; NONE where it is none,
 * and behind the last.
 */
struct rs_value	 rs_option_value(const struct rs_image *, uint32_t object,
    enum rs_option, unsigned place);
/* RS_EXT_BIT() of what a listener's `hide` names. */
uint32_t	 rs_option_hides(const struct rs_image *, uint32_t listener);
struct rs_place	 rs_option_place(const struct rs_image *,
    const struct rs_optval *, unsigned place);
/* A place of a statement that has constants only. */
struct rs_value	 rs_option_const(const struct rs_image *,
    const struct rs_optval *, unsigned place);
/* The first place of an option, a number or a text; 0 or empty: it has none. */
int64_t		 rs_option_int(const struct rs_image *, uint32_t object,
    enum rs_option);
struct span	 rs_option_text(const struct rs_image *, uint32_t object,
    enum rs_option);
/*
 * Short cuts for the first place of single objects (SERVER, SPOOL, QUEUE,
 * LIMITS): 0 or empty where the image has none (the compiler writes all that
 * have a default).
 */
int64_t		 rs_setting_int(const struct rs_image *, enum rs_option);
/* Of another place: `user octets 1G over 1d`. */
int64_t		 rs_setting_int_at(const struct rs_image *, enum rs_option,
    unsigned place);
struct span	 rs_setting_text(const struct rs_image *, enum rs_option);

#endif
