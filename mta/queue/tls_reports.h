/*
 * tls_reports.h - TLS reports (RFC 8460): fetch makes them, the queue takes those that go by mail, and
 * asks for what `waybill tls-report` wants to see.
 *
 * A report is a message of ours from nobody, as notifications are, that goes
 * whatever TLS its hop has (RFC 8460, 5.3).  When it cannot be delivered nobody is told.
 */
#ifndef WB_MTA_QUEUE_TLS_REPORTS_H
#define WB_MTA_QUEUE_TLS_REPORTS_H

#include "base/span.h"

struct client;
struct message;
struct queue;

/* A channel to fetch, new or again; takes fd. */
void	tls_reports_peer(struct queue *, int fd);
/* The client's answer comes from fetch; day "": today's. */
void	tls_reports_ask(struct client *, struct span day);
/* It is one of them. */
bool	message_is_tls_report(const struct message *);

#endif
