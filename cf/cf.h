/*
 * cf.h - the compiler's face: text in, image and diagnostics out.
 *
 * Sees of ruleset the opcodes, the image's builder and the operators on
 * values; of maps their declarations.  Only mta/cmd includes this.
 */
#ifndef WB_CF_CF_H
#define WB_CF_CF_H

#include "base/arena.h"
#include "base/buf.h"
#include "ruleset/image.h"

struct cf;		/* one compilation: sources, tree, tables, diagnostics */

enum cf_level { CF_ERROR, CF_WARNING, CF_NOTE };

struct cf_diag {
	enum cf_level	 level;
	const char	*path;
	uint32_t	 line, column, end_column;	/* 1-based; end exclusive */
	const char	*text;		/* "no 'our'; did you mean 'ours' (line 3)?" */
	const char	*help;		/* how to mend it, or NULL */
};

/* Reads and compiles the file. Never NULL; look at cf_errors().  -1 in *io when the file itself cannot be read (exit 2). */
struct cf	*cf_compile(const char *path, int *io);
/*
 * What becomes of tables that are files.  Accounts, which have secrets, are
 * only for who compiles for himself (READ): for others their file has to be
 * there, and is not opened.
 */
enum cf_tables {
	CF_TABLES_READ,		/* mistakes in them are mistakes of the policy */
	CF_TABLES_FOR_RELOAD,	/* the same */
	CF_TABLES_FOR_START,	/* mistakes are warnings, and so is a file that is not there: what asks it waits, all else is served */
	CF_TABLES_UNTOLD,	/* mistakes are not told, and are none */
	CF_TABLES_NOT		/* for who wants settings: none is opened, and the image has none */
};
struct cf	*cf_compile_tables(const char *path, enum cf_tables, int *io);
/* The same from memory (fuzzing, tests); path for messages and relative names. */
struct cf	*cf_compile_mem(const char *path, struct span text);
/*
 * The file as it is laid out; of the language only tokens and braces are looked
 * at, so that it may also be one that others include.  Never NULL; with errors
 * out stays empty.  -1 in *io when the file cannot be read.
 */
struct cf	*cf_layout(const char *path, struct buf *out, int *io);
struct cf	*cf_layout_mem(const char *path, struct span text, struct buf *out);
void		 cf_free(struct cf **);
size_t		 cf_errors(const struct cf *);
size_t		 cf_warnings(const struct cf *);
size_t		 cf_ndiags(const struct cf *);
const struct cf_diag *cf_diag(const struct cf *, size_t);
/* In the manner of clang: place, text, line, caret, help; with colour when asked. */
void		 cf_diag_print(const struct cf *, const struct cf_diag *, bool colour, struct buf *);
/* The image's octets; empty span when there are errors. */
struct span	 cf_image(const struct cf *);
/* Domains that stand in the policy's sets, one after the other; pos starts at 0, 0. */
bool		 cf_set_domain(const struct cf *, size_t pos[2], struct span *);
/* Options that are checked but that this version does not serve: for `run`; NULL after the last. */
const struct cf_diag *cf_unserved(const struct cf *, size_t i);
/* The whole effective policy, every default written out with its origin. */
void		 cf_show(const struct cf *, bool json, struct buf *);

/*
 * The maps that are files read whole, in the order of their declarations; of a
 * policy with errors too, as far as it could be read.  false after the last.
 */
struct cf_map_file {
	const char	*name, *driver, *kind;
	const char	*path;		/* as it is to be opened: of the text, of databases */
	const char	*suffix;	/* behind it, of a database; or NULL */
};
bool		 cf_map_file(struct cf *, size_t i, struct cf_map_file *);

/* The tests of the policy, taken apart; strings live as long as the cf. */
enum cf_step_kind {
	CF_T_CLIENT,		/* ip, text: login or empty, text2: listener or empty */
	CF_T_HELO, CF_T_MAIL, CF_T_RCPT,	/* text; MAIL: number: octets announced, 0: none */
	CF_T_VRFY, CF_T_EXPN,	/* text: an address, or a name */
	CF_T_HEADER, CF_T_BODY,	/* text */
	CF_T_STARTTLS,		/* tls */
	CF_T_DELIVERY,		/* of the last recipient's mailboxes: waited */
	CF_T_BOUNCE,		/* waited */
	CF_T_HOP,		/* text: name; ip; tls; waited */
	CF_T_WITH_MAP,		/* index: map; text: key; text2: value */
	CF_T_WITH_MAP_FAILING,	/* index: map */
	CF_T_WITH_DNS,		/* text: name; dns_type; text2: value ("192.0.2.1", "10 mx.example"); failing */
	CF_T_WITH_MILTER,	/* expect.object: it; index: its stage, enum rs_hook; failing, or expect: what it says */
	CF_T_WITH_CALLOUT,	/* text: address; number: 1 reachable, 0 not; failing */
	CF_T_WITH_RATE,		/* text: name; number: counted already; failing */
	CF_T_WITH_TIME,		/* wall ms in number */
	CF_T_AFTER,		/* number: ms */
	CF_T_EXPECT		/* expect */
};

enum cf_expect_kind {
	CF_X_ACCEPT, CF_X_REJECT, CF_X_DEFER, CF_X_DISCARD,	/* code, status, text: 0/empty match any */
	CF_X_DELIVER,		/* object, text: account or empty */
	CF_X_RELAY,		/* object */
	CF_X_RELAY_TO,		/* text */
	CF_X_MX,
	CF_X_FILTER,		/* object */
	CF_X_QUARANTINE, CF_X_HOLD,	/* text: why, or empty */
	CF_X_LMTP, CF_X_PIPE, CF_X_FILE,	/* text: where, or empty */
	CF_X_SENDER, CF_X_RCPT,	/* text */
	CF_X_HEADER,		/* text "Name: value" */
	CF_X_HEADERS_ONLY,
	CF_X_HIDE,		/* value: INT, the set of extensions */
	CF_X_DELAY,		/* value: time */
	CF_X_BCC, CF_X_LOG,	/* text */
	CF_X_TAG,		/* index: tag; value */
	CF_X_UNKNOWN		/* the recipient is unknown */
};

struct cf_step {
	enum cf_step_kind	kind;
	uint32_t		line, column;
	struct ip		ip;
	struct span		text, text2;
	uint32_t		index;
	int64_t			number;
	unsigned		dns_type;
	bool			failing;
	struct {
		struct span		version, cipher;	/* empty: no TLS */
		struct span		certificate;	/* a verified one's name */
	} tls;
	struct {
		int64_t			age_ms;		/* in the queue */
		unsigned		attempts;
	} waited;
	struct {
		enum cf_expect_kind	kind;
		bool			negated;	/* expect not */
		unsigned		code;
		struct span		status, text;
		uint32_t		object;		/* in the image */
		struct rs_value		value;
	} expect;
};

struct cf_test {
	struct span		 name;
	const char		*path;		/* of its file, as messages name it */
	uint32_t		 line;
	size_t			 nsteps;
	const struct cf_step	*steps;
};

size_t			 cf_ntests(const struct cf *);
const struct cf_test	*cf_test(const struct cf *, size_t);

#endif
