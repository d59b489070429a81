/*
 * extensions.h - what EHLO offers, said once (ruleset/extensions.def).
 *
 * The list of EHLO, the commands and the parameters of MAIL and RCPT ask here,
 * so that nothing is refused that was offered, and nothing taken that was not.
 * What is offered depends on the listener, on TLS, and on `hide` (of the
 * listener, and of rules in `on connect` and `on helo`).
 */
#ifndef WB_MTA_SMTP_EXTENSIONS_H
#define WB_MTA_SMTP_EXTENSIONS_H

#include "mta/smtp/session.h"

/*
 * RS_EXT_BIT() of what this client is offered just now; 0 before EHLO, and after
 * HELO.
 */
uint32_t	extensions_offered(const struct session *);
/*
 * Whether `hide` names it: also what HELO has (VRFY, EXPN, HELP) is refused.
 */
bool		extensions_hidden(const struct session *, enum rs_extension);
/* The reply to EHLO. */
void		extensions_say(struct session *);

#endif
