/*
 * fake_server.h - a driver of tables whose server does what a test's script
 * says: connections that come up, are refused or never end; keys that are
 * answered at once, late, never, or with the end of the connection.
 */
#ifndef WB_TEST_FAKE_SERVER_H
#define WB_TEST_FAKE_SERVER_H

#include "base/loop.h"
#include "maps/asked/asked_int.h"

enum fake_does {
	FAKE_AT_ONCE,		/* from inside of connect() or ask() */
	FAKE_SOON,		/* in ms milliseconds */
	FAKE_NEVER,
	FAKE_LOST,		/* the connection ends, in ms milliseconds */
	FAKE_LATER		/* the server says that it cannot */
};

/* What becomes of a key; the first that fits and has not been used up counts. */
struct fake_answer {
	const char	*key;		/* NULL: any */
	enum fake_does	 does;
	int		 ms;
	const char	*value;		/* NULL: no row */
	int		 times;		/* 0: always */
	int		 used;
};

extern const struct asked_driver	fake_driver;

struct fake_server {
	enum fake_does		 connects;	/* AT_ONCE, SOON, NEVER, or LOST: refused */
	int			 connect_ms;
	struct fake_answer	*answers;
	size_t			 nanswers;
	int			 opened, closed, refused;	/* connections */
	int			 asked;
	int			 most;		/* connections at one time */
	char			 log[4096];	/* keys as asked, a blank behind each */
};
extern struct fake_server	fake;

/* Everything anew; connections come up at once. */
void	fake_reset(struct fake_answer *, size_t n);
/* Ends all connections that are open, as a server that is stopped does. */
void	fake_cut(void);
/* Runs the loop for so long, by standing_clock.c: no work takes any time. */
void	run_for(int ms);

#endif
