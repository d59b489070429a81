/*
 * transfer.h - one question to one server by HTTPS, from its name to the last
 * octet of its answer.
 *
 * The name is resolved, then each address is tried until one has taken the
 * connection; what is sent is sent once.  So many run at once, others wait
 * their turn; a question's time begins when it is asked.
 */
#ifndef WB_MTA_FETCH_TRANSFER_H
#define WB_MTA_FETCH_TRANSFER_H

#include "base/buf.h"

#include "mta/fetch/trust.h"
#include "mta/msg/dns.h"
#include "mta/msg/http.h"

#define TRANSFERS_RUNNING_MAX	64
#define TRANSFERS_WAITING_MAX	1000	/* more are told HTTP_CANNOT */
#define TRANSFER_CONNECT_MS	15000	/* to one address, with its handshake, while there are others */
#define TRANSFER_HEADER_MAX	(64u << 10)	/* octets of an answer's header, all together */

struct transfers;
struct transfer;
typedef void transfer_cb(void *arg, const struct http_answer *);	/* answer: borrowed */

/*
 * strangers: who is asked was named by a stranger, so it is a name, and none
 * of its addresses is this machine's.  dns and trust are borrowed.
 */
struct transfers	*transfers_new(struct dns_client *dns, const struct trust *, bool strangers);
void			 transfers_free(struct transfers **);	/* all have ended or been cancelled */
/*
 * Asks; the texts are copied.  cb is called exactly once, from the loop and
 * never from within this, unless it is cancelled.
 */
struct transfer		*transfer_start(struct transfers *, const struct http_question *, transfer_cb *, void *arg);
/* No callback; *tp is NULL after. */
void			 transfer_cancel(struct transfer **tp);
/* "\"running\":N,..." for `status`. */
void			 transfers_stats(const struct transfers *, struct buf *);

#endif
