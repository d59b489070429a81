/*
 * played_auth.h - the auth process, played: it knows the account of
 * test/unit/sasl/store.h, in each map but "others".
 */
#ifndef WB_TEST_UNIT_SMTP_PLAYED_AUTH_H
#define WB_TEST_UNIT_SMTP_PLAYED_AUTH_H

#include "mta/msg/auth.h"

#define PLAYED_ASKED_MAX	16

struct played_auth {
	struct chan	*chan;
	/* what it does */
	bool		 silent;	/* questions are taken, and not answered */
	enum auth_result instead;	/* of AUTH_RIGHT and AUTH_WRONG; 0: these */
	const char	*which;		/* the app password's name */
	/* what it was asked, so far */
	size_t		 nright;	/* it was right, not counting salts */
	size_t		 n;
	struct {
		enum auth_ask	ask;
		char		map[32], user[32], mechanism[32];
		struct ip	client;
	}		 asked[PLAYED_ASKED_MAX];
};

/* Begins, and offers this in the map "users". */
void	played_auth(struct played_auth *, struct auth_client *,
	    unsigned sane, unsigned could);
void	played_auth_dies(struct played_auth *);

#endif
