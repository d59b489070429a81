/*
 * cmd.h - the `waybill` command: one sub-command a file, said in commands.def.
 *
 * The door: the only room that sees both the compiler and what runs.
 */
#ifndef WB_MTA_CMD_CMD_H
#define WB_MTA_CMD_CMD_H

#include "base/buf.h"
#include "cf/cf.h"

/* Exit statuses, of all sub-commands. */
enum {
	CMD_OK = 0,
	CMD_NO = 1,	/* the input has errors; the answer is no */
	CMD_USAGE = 2	/* wrong usage, or a file that cannot be read */
};

typedef int cmd_main(int argc, char **argv);	/* argv[0]: the sub-command */

struct cmd {
	const char	*name, *args, *summary, *help;
	cmd_main	*run;
};
extern const struct cmd cmds[];		/* ends with a NULL name */

#define CMD(name, args, summary, help) cmd_main cmd_##name;
#include "mta/cmd/commands.def"
#undef CMD

const struct cmd *cmd_find(const char *name);
/* "did you mean 'queue'?" on stderr; CMD_USAGE. */
int	 cmd_unknown(const char *name);

/* --- options.c */

struct cmd_list {
	const char	**v;
	size_t		 n;
};

void	 cmd_list_clear(struct cmd_list *);

enum cmd_opt_kind { OPT_END, OPT_FLAG, OPT_TEXT, OPT_LIST };

struct cmd_opt {
	enum cmd_opt_kind	 kind;
	const char		*name;		/* "json" */
	char			 letter;	/* 'o', or 0 */
	union {
		bool		*flag;
		const char	**text;
		struct cmd_list	*list;
	}			 to;
};

/*
 * Takes the options out of argv, wherever they stand; what is left is from
 * argv[1] on, and its number is returned.  -1: said what is wrong.
 */
int	 cmd_options(int argc, char **argv, const struct cmd_opt *);
/* "waybill check: why", and how it is used, on stderr; CMD_USAGE. */
int	 cmd_usage(const char *name, const char *why, ...)
	    __attribute__((format(printf, 2, 3)));

/* --- load.c */

/* Compiles; says errors and warnings on stderr.  NULL with *status when there are errors. */
struct cf	*cmd_load(const char *path, int *status);
struct cf	*cmd_load_for(const char *path, enum cf_tables, int *status);
/* The same for its tables alone (cf_map_file): errors in them are not said here.  NULL with *status: the policy has not been read to its end. */
struct cf	*cmd_tables(const char *path, int *status);
/* All diagnostics on fd 2, with colours on a terminal. */
void		 cmd_say_diags(const struct cf *, bool warnings);
/* What `run` refuses: options that this version does not serve.  True when there are any. */
bool		 cmd_say_unserved(const struct cf *);
void		 cmd_write(struct buf *);	/* to stdout; cleared */

/* --- cost.c */

struct json;
/* What each hook of a policy without errors can cost at worst, on stdout. */
int	 cmd_cost_print(const struct cf *);
/* The same as an array "cost" of the object under way. */
void	 cmd_cost_json(const struct cf *, struct json *);

/* --- postmaster.c */

/* Mail to <postmaster> reaches nobody, as the tables are now. */
bool	 cmd_postmaster_refused(const struct cf *);

/* --- certificates.c */
/* What is to be mended goes to stderr, what cannot be known to stdout; how many warnings. */
size_t	 cmd_certificates_say(const struct cf *);
/* "certificates": an array of the same. */
void	 cmd_certificates_json(const struct cf *, struct json *);

/* --- exposed.c */

#define CMD_EXPOSED		"everybody on this machine can read the secrets in it"
#define CMD_EXPOSED_HELP	"chmod 600 %s: the server opens it as who starts it"

/* Whether others may read an accounts file that is root's or ours, and it has secrets. */
bool	 cmd_exposed(const char *path);
void	 cmd_say_exposed(const char *path);
/* Of all files of a policy that has compiled; how many. */
size_t	 cmd_exposed_say_all(const struct cf *);
void	 cmd_exposed_json(const struct cf *, struct json *);

/* --- build.c */

/*
 * The image of a policy, compiled by a child without privileges (as
 * waybill-compile when we are root) into a sealed memory file; its
 * descriptor, or -1 with *status (the child has said why).
 */
int	 cmd_build(const char *path, enum cf_tables, int *status);
/* This executable. */
const char	*cmd_self(void);

/* --- run.c */

/* Where the programs of the processes are: given (--libexec), the environment, beside this executable, as installed. */
const char *cmd_libexec(const char *given);

/* --- control.c */

/* Which server is asked, and how its answer is wanted. */
struct cmd_server {
	const char	*spool, *policy;	/* --spool, -c; NULL: not said */
	bool		 json;
};

/* Takes --spool, -c and --json out of argv; like cmd_options(). */
int	 cmd_server_options(int argc, char **argv, struct cmd_server *);
/* Where the spool is: --spool, -c POLICY, WAYBILL_SPOOL, or the default; the caller frees it.  NULL with *status. */
char	*cmd_spool(const struct cmd_server *, int *status);
/* A folder that a policy names; a relative one stands beside the policy. The caller frees it. */
char	*cmd_beside(const char *policy, struct span dir);
struct json_t;
/* Sends a line to the server's control socket; the parsed answer.  NULL: said why. */
struct json_t	*cmd_control(const char *spool, const char *line);
/*
 * Likewise an answer of many lines, each of which cb gets as it comes; what
 * stands behind it so far is in rest, which cb may eat.  false: it wants no
 * more.  -1: said why.
 */
typedef bool cmd_line(void *arg, const struct json_t *, struct buf *rest);
int	 cmd_control_lines(const char *spool, const char *line, cmd_line *, void *arg);
/* One line, then octets until octets() wants no more. */
typedef bool cmd_octets(void *arg, const void *, size_t n);
int	 cmd_control_octets(const char *spool, const char *line, cmd_line *, cmd_octets *, void *arg);
/* A sub-command that is a question by itself: its options, then the answer to its name.  NULL with *status. */
struct json_t	*cmd_server_ask(int argc, char **argv, struct cmd_server *, int *status);
/* The answer as it came, for --json. */
void		 cmd_json_print(const struct json_t *);
/* {"error": "..."}: says it; true when it was one. */
bool		 cmd_json_error(const char *name, const struct json_t *);
const char	*cmd_json_str(const struct json_t *, const char *key);	/* "" when not there */
int64_t		 cmd_json_int(const struct json_t *, const char *key);

#endif
