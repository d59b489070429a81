/*
 * tokens.h - TOKEN_RUN: a command that prints the token of a login, run as its
 * user; what it writes goes to credentials and nowhere else.
 */
#ifndef WB_MTA_DELIVER_TOKENS_H
#define WB_MTA_DELIVER_TOKENS_H

#include "base/chan.h"

#define TOKEN_TIME_S	30		/* then it is killed with all that it has started */
#define TOKEN_OUTPUT	16384		/* octets */
#define TOKENS_RUN_MAX	16		/* at once; more wait with who asks */

/* Answers go to c. */
void	tokens_begin(struct chan *c);
/* false: nonsense. */
bool	tokens_message(struct msg *);
unsigned	tokens_open(void);
/* Called when the last has been answered. */
void	tokens_when_idle(void (*)(void));

#endif
